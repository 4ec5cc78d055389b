/** Open edit forms: keeps what is typed on the device until it is saved, and shows what others change meanwhile. */

import { send } from "../shared/events.js";
import { list } from "../shared/stream.js";
import { forgetEdit, keepEdit, keptEdit, keptNumbers } from "./edit-store.js";
import { describe, describeQueued, fieldsOf, fill, movePhoto } from "./edit-fields.js";
import { say } from "./page.js";
import { closeQueued } from "./queue.js";
import { closeForm, keepingItems } from "./stream.js";

const asServed = new WeakMap(); // what a form said when the server sent it
const formOf = (item) => item.querySelector("form.editor");
const numberOf = (form) => form.dataset.edits; // of an update, or the id of what waits
const isQueued = (number) => number.startsWith("waiting-");
const isChanged = (form) => JSON.stringify(fieldsOf(form)) !== asServed.get(form);

/** Reopens forms with unsaved text, and listens. */
export function watchEditing() {
  const on = (name, act) => document.addEventListener(name, act);
  on("input", ({ target }) => target.form?.matches(".editor") && note(target.form));
  on("click", clicked);
  on("keydown", pressed);
  on("htmx:beforeRequest", ({ target }) => freeze(target, true));
  on("htmx:afterRequest", ({ target }) => freeze(target, false));
  for (const form of document.querySelectorAll("form.editor")) editingOpened(form.closest("li"), false);
  if (list()) for (const number of keptNumbers()) reopen(number);
}

function reopen(number) {
  const link = document.getElementById(`edit-${number}`);
  const item = link?.closest("li");
  if (link) htmx.ajax("GET", link.getAttribute("hx-get"), { source: item, target: item, swap: "desk" });
  else if (isQueued(number) && !document.querySelector("#queue > .hint")) setTimeout(rescue, 0, number); // once the composer listens
}

/** Puts what was typed into something that no longer waits into the composer, whose own draft comes back after it. */
function rescue(number) {
  const { headline = "", body = "" } = keptEdit(number);
  forgetEdit(number);
  send("desk:edit", { state: "rejected", headline, body, is_key: false, at: "", photos: [] });
  say("What you had typed into an update that no longer waits is in the composer. It may have been published meanwhile.");
}

/** Prepares a form that has come from the server; `isAgain` if its update was being edited already. */
export function editingOpened(item, isAgain) {
  const form = formOf(item);
  asServed.set(form, JSON.stringify(fieldsOf(form)));
  const mine = keptEdit(numberOf(form));
  const refusal = item.querySelector(".errors");
  if (refusal) {
    asServed.set(form, ""); // it holds what was typed
    note(form);
    refusal.tabIndex = -1;
    refusal.focus({ preventScroll: true });
    refusal.scrollIntoView({ block: "nearest" });
    return;
  }
  if (isAgain) return note(form);
  if (mine && fill(form, mine)) {
    const line = document.createElement("p");
    line.className = "hint restored";
    line.textContent = "What you had typed here before is back. It has not been saved.";
    form.prepend(line);
    return;
  }
  if (!list()) return;
  const { body } = form.elements;
  body.focus({ preventScroll: true });
  body.setSelectionRange(body.value.length, body.value.length);
  item.scrollIntoView({ block: "start" });
}

/** Forgets what was typed in a form that is saved. */
export const editingSaved = (item) => forgetEdit(numberOf(formOf(item)));

function note(form) {
  if (isChanged(form)) keepEdit(numberOf(form), fieldsOf(form));
  else forgetEdit(numberOf(form));
}

function clicked(click) {
  const control = click.target.closest?.("form.editor [data-cancel], form.editor [data-step]");
  if (!control) return;
  const form = control.closest("form");
  if (control.dataset.step) {
    click.preventDefault();
    movePhoto(control);
    note(form);
  } else if (!list()) {
    forgetEdit(numberOf(form)); // the link leads back to the desk
  } else {
    click.preventDefault();
    cancel(form, { isCertain: Boolean(form.querySelector(".clash")) });
  }
}

function pressed(event) {
  const form = event.target.closest?.("form.editor");
  if (!form || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector(".post"));
  } else if (event.key === "Escape" && list()) {
    event.preventDefault();
    cancel(form);
  }
}

function cancel(form, { isCertain = false } = {}) {
  if (!isCertain && isChanged(form) && !confirm("Leave this without saving? What you changed here is dropped.")) return;
  const number = numberOf(form);
  forgetEdit(number);
  (isQueued(number) ? closeQueued : closeForm)(number);
}

/** Lets nobody type while the answer is awaited: the form is replaced by it. */
function freeze(target, isFrozen) {
  if (!target.matches?.("form.editor")) return;
  for (const field of target.querySelectorAll("input:not([type=hidden]), textarea")) field.readOnly = isFrozen;
}

/** Says above an open form that its update has changed; the form itself is left alone. */
export function showMeanwhile(formItem, item) {
  const form = formOf(formItem);
  const isOther = Number(item.dataset.content) > Number(form.elements.revision.value);
  const isGone = item.classList.contains("is-withdrawn");
  keepingItems(() => {
    formItem.querySelector(":scope > .meanwhile")?.remove();
    if (isOther || isGone) formItem.prepend(describe(item, { isGone }));
  });
}

/** Does the same for what waits; `item` is null if it no longer does. */
export function showQueuedMeanwhile(formItem, item) {
  const isOther = item && Number(item.dataset.version) > Number(formOf(formItem).elements.version.value);
  keepingItems(() => {
    formItem.querySelector(":scope > .meanwhile")?.remove();
    if (isOther || !item) formItem.prepend(describeQueued(item));
  });
}
