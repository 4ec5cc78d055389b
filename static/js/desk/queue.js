/** The queue of what is not public yet. An open form stands in the place of its item. */

import { send } from "../shared/events.js";
import { leaveAlone, patch } from "../shared/patch.js";
import { isPlain } from "../shared/press.js";
import { arrange } from "../shared/stream.js";

const behind = new Map(); // by its id, the item behind an open form as it is now; null if it no longer waits
const FORM = ".queued.is-editing";
let page;

/** Changes the queue into what was sent. Items that stay keep their element, and what is being typed in it. */
export function takeQueue(shown, sent) {
  if (shown.dataset.digest === sent.dataset.digest) return;
  const hadFocus = shown.contains(document.activeElement);
  for (const form of shown.querySelectorAll(FORM)) keepForm(form, sent);
  const kept = [...sent.querySelectorAll(".queued")].map(({ id }) => document.getElementById(id)).filter(Boolean);
  arrange(shown.querySelector("ol"), kept);
  patch(shown, sent);
  htmx.process(shown);
  if (hadFocus && !shown.contains(document.activeElement) && !shown.hidden) shown.focus({ preventScroll: true });
}

/** Has an open form stand where its item was sent, or where it was if its item is gone. */
function keepForm(form, sent) {
  const item = sent.querySelector(`#${form.id}`);
  const stand = form.cloneNode(false);
  leaveAlone(form, stand);
  if (item) item.replaceWith(stand);
  else {
    const at = [...form.parentElement.children].indexOf(form);
    const items = sent.querySelector("ol");
    items.insertBefore(stand, items.children[at] ?? null);
    sent.hidden = false;
  }
  behind.set(form.id, item);
  page.onMeanwhile(form, item);
}

/** Opens a form that has come from the server in the place of its item. */
export function openQueued(form) {
  const present = document.getElementById(form.id);
  if (!present) return;
  const isAgain = present.matches(FORM);
  if (!isAgain) behind.set(form.id, present);
  present.replaceWith(form);
  htmx.process(form);
  page.onEditing(form, isAgain);
  if (isAgain) page.onMeanwhile(form, behind.get(form.id));
}

/** Closes a form and shows its item as it is now. */
export function closeQueued(id) {
  const form = document.getElementById(id);
  const item = behind.get(id);
  behind.delete(id);
  if (!form?.matches(FORM)) return;
  if (!item) {
    const queue = form.closest("#queue");
    form.remove();
    queue.hidden = !queue.querySelector(".queued");
    return;
  }
  form.replaceWith(item);
  htmx.process(item);
  item.querySelector("[id^=edit-]")?.focus({ preventScroll: true });
}

/** Closes a form that is saved. */
export function queuedSaved(id) {
  const form = document.getElementById(id);
  if (form?.matches(FORM)) page.onSaved(form);
  closeQueued(id);
}

/**
 * Puts a rejected text into the composer when its author asks for that. `handlers` are called for what came of forms:
 * `onEditing(form, isAgain)`, `onMeanwhile(form, item)`, with null for what no longer waits, `onSaved(form)`.
 */
export function watchQueue(handlers) {
  page = handlers;
  document.addEventListener("click", (click) => {
    const link = click.target.closest("[data-again]");
    if (!link || !isPlain(click)) return;
    click.preventDefault();
    const { content } = link.parentElement.querySelector("[data-again-text]");
    const [headline, body, at] = ["headline", "body", "at"].map((name) => content.querySelector(`[name=${name}]`).value);
    const photos = [...content.querySelectorAll("[name=photo]")].map(({ value, dataset }) => ({ key: value, name: "", ...dataset }));
    send("desk:edit", { state: "rejected", headline, body, is_key: "key" in link.dataset, at, photos });
  });
}
