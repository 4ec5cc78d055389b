/** Copies the link to an update. */

import { copyText } from "../shared/clipboard.js";
import { isPlain } from "../shared/press.js";
import { say } from "./page.js";

const SHOWN_MS = 2_000;

/** Follows presses on links that are there to be copied. */
export function watchCopies() {
  document.addEventListener("click", (click) => {
    const link = click.target.closest?.("[data-copy-link]");
    if (!link || !isPlain(click)) return;
    click.preventDefault();
    copy(link);
  });
}

async function copy(link) {
  if (!(await copyText(link.href))) return offerField(link);
  say("Link copied.");
  const label = link.textContent;
  if (label === "Copied") return;
  link.textContent = "Copied";
  setTimeout(() => { link.textContent = label; }, SHOWN_MS);
}

/** Shows the link in a field, selected, to be copied by hand. */
function offerField(link) {
  const field = document.createElement("input");
  field.className = "copy-field";
  field.readOnly = true;
  field.value = link.href;
  field.setAttribute("aria-label", "The link, to copy");
  field.addEventListener("blur", () => field.remove());
  link.after(field);
  field.select();
}
