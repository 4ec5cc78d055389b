/** The desk's stream of updates. All that is put into it passes through `takeItem`. */

import { patch, remember } from "../shared/patch.js";
import { pollNow } from "../shared/poll.js";
import { cardOf, cards, cursor, feed, insertInOrder, list, sideOf } from "../shared/stream.js";
import { blockInView, isInView, keepingPlace, registerSwap } from "../shared/swap.js";
import { takePart } from "./parts.js";
import { openQueued, queuedSaved } from "./queue.js";

const behind = new Map(); // what stands behind an open form, as it is now, by the update's number
const isForm = (item) => item.classList.contains("is-editing");
let page;

/**
 * Takes in what polls, the link to older items and the controls bring.
 *
 * `handlers` are called for what came of it: `onArrived(items)`, `onEditing(item, isAgain)`, `onMeanwhile(form, item)`,
 * `onSaved(form)`, `onWithdrawn(item)`, `onNews(hasStatus)`, `onReload()`.
 */
export function registerStream(handlers) {
  page = handlers;
  for (const item of cards()) remember(item);
  registerSwap("desk", takeFragment, page.onReload);
}

/** Takes in the server's answer to a post of the outbox. */
export function takeAnswerText(html) {
  if (list()) takeFragment(document.createRange().createContextualFragment(html), null);
}

function takeFragment(fragment, target) {
  const section = fragment.querySelector("section[data-reload], section[data-after], #items");
  keepingItems(() => {
    if (!section) takeAnswer(fragment, target);
    else if ("reload" in section.dataset) page.onReload();
    else if (section.id === "items") extend(section);
    else takeNews(section);
  });
}

/** Makes a change while the field being typed in, if it is seen, or else the item being read keeps its place on the screen. */
export function keepingItems(change) {
  const typed = document.activeElement?.closest("#desk :is(input, textarea, select)");
  keepingPlace(typed && isInView(typed) ? typed : blockInView(list(), cards()), change);
}

/** Applies a poll's answer by the rule of docs/protocol.md. Queue and presence have no revision and come with the present one. */
function takeNews(section) {
  const { after, revision, edition } = section.dataset;
  if (edition !== feed().dataset.edition || Number(after) > cursor()) return pollNow();
  if (Number(revision) < cursor()) return;
  for (const part of section.querySelectorAll(":scope > [id]:not(.item)")) takePart(part);
  const arrived = [...section.querySelectorAll(":scope > .item")].filter((item) => takeItem(item));
  feed().dataset.revision = revision;
  page.onArrived(arrived);
  page.onNews(section.querySelector("#status") !== null);
}

function takeAnswer(fragment, target) {
  for (const item of fragment.querySelectorAll(".item")) takeItem(item, { isAnswer: item.id === target?.id });
  for (const form of fragment.querySelectorAll(".queued.is-editing")) openQueued(form);
  const saved = fragment.querySelector("[data-saved]");
  if (saved) queuedSaved(saved.dataset.saved);
  for (const part of fragment.querySelectorAll("#queue, #status")) takePart(part);
  // Not out of band: htmx would look for it beside an element that a poll may have replaced meanwhile.
  const said = fragment.querySelector("#said");
  if (said) document.getElementById("said")?.replaceChildren(...said.childNodes);
  pollNow(); // what was asked for before may bring what was so before
}

/** Adds a page of older items, if it joins on to what is loaded now. */
function extend(section) {
  const { before, oldest, revision } = section.dataset;
  if (before !== feed().dataset.oldest) return;
  list().querySelector(":scope > .older")?.remove();
  feed().dataset.oldest = oldest;
  const loaded = [...section.querySelectorAll(":scope > .item")];
  for (const item of loaded) takeItem(item);
  addOlder(section);
  feed().dataset.revision = Math.min(cursor(), Number(revision));
  loaded[0]?.querySelector("[data-land]")?.focus({ preventScroll: true });
  pollNow();
}

/** Replaces all but open forms by the items of pages that were fetched anew. */
export function replaceItems(pages) {
  const last = pages.at(-1);
  Object.assign(feed().dataset, { edition: last.dataset.edition, oldest: last.dataset.oldest });
  feed().dataset.revision = Math.min(...pages.map((one) => Number(one.dataset.revision)));
  list().querySelector(":scope > .older")?.remove();
  const fresh = pages.flatMap((one) => [...one.querySelectorAll(":scope > .item")]);
  const ids = new Set(fresh.map((item) => item.id));
  for (const item of cards()) if (!ids.has(item.id) && !isForm(item)) item.remove();
  for (const item of fresh) takeItem(item, { isWhole: true });
  addOlder(last);
}

function addOlder(section) {
  const older = section.querySelector(":scope > .older");
  if (!older) return;
  list().append(older);
  htmx.process(older);
}

/** Closes an open form and shows the update as it is now. */
export function closeForm(number) {
  const form = cardOf(number);
  const item = behind.get(number);
  behind.delete(number);
  if (!item || sideOf(item) !== 0) return form.remove();
  change(form, item);
}

/** Whether `item` says something that `known` does not yet: a pin may move without a new revision of the update. */
function isNewer(item, known) {
  const [revision, other] = [Number(item.dataset.revision), Number(known.dataset.revision)];
  if (revision !== other) return revision > other;
  const hasOtherPin = item.classList.contains("is-pinned") !== known.classList.contains("is-pinned");
  return hasOtherPin && Number(item.dataset.seen) > Number(known.dataset.seen);
}

/**
 * Puts an item where it belongs, unless there is a newer one; returns whether it is one that was not there.
 * `isAnswer`: its own control asked for it. `isWhole`: it counts whatever came before.
 */
function takeItem(item, { isAnswer = false, isWhole = false } = {}) {
  const { number } = item.dataset;
  const present = cardOf(number);
  if (isForm(item)) return openForm(item, present);
  remember(item);
  const known = behind.get(number) ?? present;
  const isTaken = !known || isWhole || isNewer(item, known) || (isAnswer && item.dataset.revision === known.dataset.revision);
  const best = isTaken ? item : known;
  if (present && isForm(present) && !isAnswer) {
    behind.set(number, best);
    page.onMeanwhile(present, best);
    return false;
  }
  if (present && isForm(present)) page.onSaved(present);
  behind.delete(number);
  if (best === present) return false;
  if (sideOf(best) !== 0) present?.remove();
  else if (present) change(present, best);
  else show(best);
  if (isAnswer && best.classList.contains("is-fresh")) page.onWithdrawn(cardOf(number));
  return !present && best.isConnected;
}

function openForm(form, present) {
  if (!present) return false;
  const isAgain = isForm(present);
  if (!isAgain) behind.set(form.dataset.number, present);
  change(present, form);
  page.onEditing(form, isAgain);
  const now = behind.get(form.dataset.number);
  if (now) page.onMeanwhile(form, now);
  return false;
}

function show(item) {
  item.dataset.new = "";
  insertInOrder(item);
  htmx.process(item);
}

/** Changes an item into another, and keeps the keyboard's focus in it. */
function change(present, item) {
  const focused = present.contains(document.activeElement) && document.activeElement;
  const isPatched = !isForm(present) && !isForm(item);
  const shown = isPatched ? present : item;
  if (isPatched) patch(present, item);
  else present.replaceWith(item);
  insertInOrder(shown);
  htmx.process(shown);
  if (!focused || shown.contains(document.activeElement)) return;
  const again = (focused.id && shown.querySelector(`#${CSS.escape(focused.id)}`)) || shown.querySelector("[data-land]");
  again?.focus({ preventScroll: true });
}
