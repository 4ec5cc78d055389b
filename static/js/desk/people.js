/** The people's page: copies an invitation's link, also where the clipboard is closed to pages (plain http). */

async function copy(field) {
  field.focus();
  field.select();
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else if (!document.execCommand("copy")) return false;
    return true;
  } catch {
    return false; // it is selected, to be copied by hand
  }
}

function show(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const done = await copy(document.getElementById(button.dataset.copy));
  button.parentElement.querySelector("[role=status]").textContent = done ? "Copied." : "Copy it from the field: it is selected.";
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("[data-select]")) target.select();
});
document.addEventListener("htmx:afterSwap", () => {
  show(document);
  document.getElementById("made")?.focus({ preventScroll: true });
  document.getElementById("made")?.scrollIntoView({ block: "start" });
});
show(document);
