/** Copies the link to an update, by selection where a page has no clipboard: on plain http. */

import { say } from "./here.js";

const SHOWN_MS = 2_000;

/** Follows presses on links that are there to be copied. */
export function watchCopies() {
  document.addEventListener("click", (click) => {
    const link = click.target.closest?.("[data-copy-link]");
    if (!link || click.metaKey || click.ctrlKey || click.shiftKey || click.button) return;
    click.preventDefault();
    copy(link);
  });
}

async function copy(link) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(link.href);
  } catch {
    isCopied = copyBySelection(link);
  }
  if (!isCopied) return;
  say("Link copied.");
  const label = link.textContent;
  if (label === "Copied") return;
  link.textContent = "Copied";
  setTimeout(() => { link.textContent = label; }, SHOWN_MS);
}

/** Copies out of a field that is selected; where even that is refused, leaves the field for the hand. */
function copyBySelection(link) {
  const field = document.createElement("input");
  field.className = "copy-field";
  field.readOnly = true;
  field.value = link.href;
  field.setAttribute("aria-label", "The link, to copy");
  link.after(field);
  field.select();
  const isCopied = document.execCommand("copy");
  if (isCopied) {
    field.remove();
    link.focus({ preventScroll: true });
  } else {
    field.addEventListener("blur", () => field.remove());
  }
  return isCopied;
}
