/** The desk's stream of updates: the one function through which anything gets into it. */

import { cursor, insertInOrder, isForm, isInside, isNewer, itemOf, items, keepingPlace, list } from "./items.js";
import { takePart } from "./parts.js";

const signal = (name, detail) => document.dispatchEvent(new CustomEvent(`desk:${name}`, { detail }));
const behind = new Map(); // what stands behind an open form, as it is now, by the update's number

/** Has htmx put the answers to the stream's own controls into it. */
export function registerSwap() {
  htmx.defineExtension("desk", {
    isInlineSwap: (style) => style === "desk",
    handleSwap(style, target, fragment) {
      if (style !== "desk") return false;
      takeAnswer(fragment, target);
      // Not out of band: htmx would look for it beside an element that a poll may have replaced meanwhile.
      const said = fragment.querySelector("#said");
      if (said) document.getElementById("said")?.replaceChildren(...said.childNodes);
      return [];
    },
  });
}

/** Takes in what the server has said about an update that was just posted. */
export function take(html) {
  if (list()) takeAnswer(document.createRange().createContextualFragment(html), null);
}

function takeAnswer(fragment, target) {
  keepingPlace(() => {
    for (const item of fragment.querySelectorAll(".item")) place(item, { isAnswer: item.id === target?.id });
    for (const id of ["queue", "status"]) takePart(fragment.querySelector(`#${id}`));
  });
  signal("changed"); // what was asked for before may bring what was so before
}

/** Applies a poll's answer by the rule of docs/protocol.md, and says whether it could. */
export function takeNews(section) {
  const { after, revision, edition } = section.dataset;
  if (edition !== list().dataset.edition || Number(after) > cursor()) return false;
  if (Number(revision) < cursor()) return true;
  const arrived = [];
  keepingPlace(() => {
    for (const part of section.querySelectorAll(":scope > [id]:not(.item)")) takePart(part);
    for (const item of section.querySelectorAll(":scope > .item")) if (place(item)) arrived.push(item);
  });
  list().dataset.revision = revision;
  if (arrived.length) signal("arrived", { items: arrived });
  return true;
}

/** Adds a page of older items. */
export function extend(page) {
  list().querySelector(":scope > .older")?.remove();
  list().dataset.oldest = page.dataset.oldest;
  const older = page.querySelector(":scope > .older");
  for (const item of page.querySelectorAll(":scope > .item")) place(item);
  if (older) list().append(older);
  list().dataset.revision = Math.min(cursor(), Number(page.dataset.revision));
}

/** Puts pages that were fetched anew in place of everything but open forms. */
export function replace(pages) {
  keepingPlace(() => {
    const last = pages.at(-1);
    Object.assign(list().dataset, { edition: last.dataset.edition, oldest: last.dataset.oldest });
    list().dataset.revision = Math.min(...pages.map((page) => Number(page.dataset.revision)));
    list().querySelector(":scope > .older")?.remove();
    const fresh = pages.flatMap((page) => [...page.querySelectorAll(":scope > .item")]);
    const ids = new Set(fresh.map((item) => item.id));
    for (const item of items()) if (!ids.has(item.id) && !isForm(item)) item.remove();
    for (const item of fresh) place(item, { isWhole: true });
    const older = last.querySelector(":scope > .older");
    if (older) list().append(older);
  });
}

/** Closes an open form and shows the update as it is now. */
export function closeForm(number) {
  const form = itemOf(number);
  const item = behind.get(number);
  behind.delete(number);
  if (!item || !isInside(item)) return form.remove();
  swap(form, item);
}

/**
 * Puts an item where it belongs, unless there is a newer one; says whether it is one that was not there.
 * `isAnswer`: its own control asked for it. `isWhole`: it counts whatever came before.
 */
function place(item, { isAnswer = false, isWhole = false } = {}) {
  const { number } = item.dataset;
  const present = itemOf(number);
  if (isForm(item)) return openForm(item, present);
  const known = behind.get(number) ?? present;
  const isTaken = !known || isWhole || isNewer(item, known) || (isAnswer && item.dataset.revision === known.dataset.revision);
  const best = isTaken ? item : known;
  if (present && isForm(present) && !isAnswer) {
    behind.set(number, best);
    signal("meanwhile", { form: present, item: best });
    return false;
  }
  if (present && isForm(present)) signal("saved", { form: present });
  behind.delete(number);
  if (best === present) return false;
  if (!isInside(best)) present?.remove();
  else if (present) swap(present, best);
  else show(best);
  if (isAnswer && best.classList.contains("is-fresh")) signal("withdrawn", { item: best });
  return !present && best.isConnected;
}

function openForm(item, present) {
  if (!present) return false;
  const isAgain = isForm(present);
  if (!isAgain) behind.set(item.dataset.number, present);
  swap(present, item);
  signal("editing", { item, isAgain });
  const now = behind.get(item.dataset.number);
  if (now) signal("meanwhile", { form: item, item: now });
  return false;
}

function show(item) {
  item.dataset.new = "";
  insertInOrder(item);
  htmx.process(item);
}

/** Replaces an item; whoever works with the keyboard goes on where they were. */
function swap(present, item) {
  const [more, anew] = [present, item].map((one) => one.querySelector(".item-more"));
  if (more?.open && anew) anew.open = true;
  const focused = present.contains(document.activeElement) && document.activeElement;
  present.replaceWith(item);
  insertInOrder(item);
  htmx.process(item);
  if (!focused || item.contains(document.activeElement)) return;
  const again = (focused.id && item.querySelector(`#${CSS.escape(focused.id)}`)) || item.querySelector("[data-land]");
  again?.focus({ preventScroll: true });
}
