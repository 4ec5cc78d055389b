/** The parts beside the stream: head, queue, who is here. A part in which somebody is typing is not changed. */

import { patch } from "../shared/patch.js";
import { takeQueue } from "./queue.js";

const waiting = new Map(); // by id, what came while the part was in use

/** Changes the part with the same id, now or as soon as nobody is typing in it. */
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
  if (part.matches("details")) part.open = present.open; // the author's own choice
  patch(present, part);
  htmx.process(present);
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
}

function isInUse(part) {
  if (part.querySelector(".htmx-request") || part.matches(".htmx-request")) return true;
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

/** Whether somebody has typed or chosen something in a field. */
export function isChanged(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
  return field.value !== field.defaultValue;
}

/** Tries again to change the parts that were in use. */
export function takeWaitingParts() {
  for (const part of [...waiting.values()]) takePart(part);
}

/** Takes the head and the event's zone from a page that was fetched anew. */
export function takeHead(page) {
  for (const id of ["desk-title", "status", "desk-links", "queue", "composer-zone"]) {
    const part = page.getElementById(id);
    if (part) takePart(part);
  }
  document.getElementById("desk").dataset.zone = page.getElementById("desk").dataset.zone;
}

/** Shows in the tab the event's name and how many updates wait for approval. */
function showTitle() {
  const count = Number(document.getElementById("queue")?.dataset.waiting ?? 0);
  document.title = `${count ? `(${count}) ` : ""}${document.getElementById("desk-title").textContent} – desk`;
}
