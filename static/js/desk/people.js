/** The people's page: copies an invitation's link. */

import { copyField } from "../shared/clipboard.js";

function showButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const isCopied = await copyField(document.getElementById(button.dataset.copy));
  button.parentElement.querySelector("[role=status]").textContent = isCopied ? "Copied." : "Copy it from the field: it is selected.";
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("[data-select]")) target.select();
});
document.addEventListener("htmx:afterSwap", () => {
  showButtons();
  document.getElementById("made")?.focus({ preventScroll: true });
  document.getElementById("made")?.scrollIntoView({ block: "start" });
});
showButtons();
