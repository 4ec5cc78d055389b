/** Parts beside the stream that the server sends anew: the head, the queue, who is here. None is taken from whoever uses it. */

import { patch } from "../shared/patch.js";
import { takeQueue } from "./queue.js";

const waiting = new Map(); // by their ids, what came while somebody used the part that is there

/** Makes the part with this one's id what this one is, now or as soon as nobody is typing in it. */
export function takePart(part) {
  const present = document.getElementById(part.id);
  if (!present) return;
  if (part.id === "queue") takeQueue(present, part);
  else if (isInUse(present)) waiting.set(part.id, part);
  else change(present, part);
  showTitle();
}

function change(present, part) {
  waiting.delete(part.id);
  const focused = present.contains(document.activeElement) && document.activeElement.id;
  if (part.matches("details")) part.open = present.open; // what folds away under a thumb is pressed in vain
  patch(present, part);
  htmx.process(present);
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
}

function isInUse(part) {
  if (part.querySelector(".htmx-request") || part.matches(".htmx-request")) return true;
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

function isChanged(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
  return field.value !== field.defaultValue;
}

/** Puts in what had to wait, where that is possible by now. */
export function takeWaitingParts() {
  for (const part of [...waiting.values()]) takePart(part);
}

/** Takes the whole head from a page that was fetched anew, and the event's zone. */
export function takeHead(page) {
  for (const id of ["desk-title", "status", "desk-links", "queue", "composer-zone"]) {
    const part = page.getElementById(id);
    if (part) takePart(part);
  }
  document.getElementById("desk").dataset.zone = page.getElementById("desk").dataset.zone;
}

/** The tab says how many wait for an editor, and the event's present name. */
function showTitle() {
  const count = Number(document.getElementById("queue")?.dataset.waiting ?? 0);
  document.title = `${count ? `(${count}) ` : ""}${document.getElementById("desk-title").textContent} – desk`;
}
