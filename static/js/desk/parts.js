/** Parts beside the stream that the server sends anew: the status, the queue. None is taken from whoever uses it. */

import { takeQueue } from "./waiting.js";

const waiting = new Map();

/** Puts a part in place of the one with its id, now or as soon as nobody is typing in that. */
export function takePart(part) {
  const present = part && document.getElementById(part.id);
  if (!present) return;
  if (part.id === "queue") {
    takeQueue(part);
    return;
  }
  if (isInUse(present)) {
    waiting.set(part.id, part);
    return;
  }
  waiting.delete(part.id);
  const focused = present.contains(document.activeElement) ? document.activeElement.id : "";
  if (part.matches("details")) part.open = present.open;
  keepOpen(present, part);
  present.replaceWith(part);
  htmx.process(part);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** What somebody has unfolded stays unfolded; a button that folds away under a thumb is pressed in vain. */
function keepOpen(present, part) {
  const nameOf = (details) => details.querySelector("summary")?.textContent.trim();
  const unfolded = new Set([...present.querySelectorAll("details[open]")].map(nameOf));
  for (const details of part.querySelectorAll("details")) if (unfolded.has(nameOf(details))) details.open = true;
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
