/** Puts changes, and parts of the stream that are loaded, into the open page. */

import { send } from "../shared/events.js";
import { isSame, patch, remember } from "../shared/patch.js";
import { arrange, cardOf, cards, cursor, feed, inOrder, insertInOrder, isNewestFirst, list, sideOf } from "../shared/stream.js";
import { blockInView, keepingPlace, registerSwap } from "../shared/swap.js";
import { admit, showCounts } from "./hold.js";
import { formatTimes, markDays } from "./times.js";

const beyond = new Set(); // numbers of new updates that lie above the window of an oldest-first page
const changed = new Map(); // the revisions of the last changes, by number: of what was withdrawn or moved away, too
const CHANGED_KEPT = 500; // far more than change while an answer is under way

/** Lets htmx put all answers into the page by `apply`: of poll, socket, older, newer, sort and reload. */
export function registerLive() {
  const take = (fragment) => {
    keepingPlace(list() && blockInView(list(), cards()), () => apply(fragment));
    return ["edge-top", "edge-bottom"].map((id) => document.getElementById(id)).filter(Boolean);
  };
  registerSwap("live", take, () => send("live:reload"));
}

/** Takes in a fragment, or the part of a whole page that `select` names. */
export function takeFragment(html, select) {
  const style = { swapStyle: "live", swapDelay: 0, settleDelay: 0, ignoreTitle: true };
  htmx.swap(feed(), html, style, { select, contextElement: feed() });
}

/** Takes in a fragment: changes by the rule, a page's part of the stream by its window, or a call to reload. */
export function apply(fragment) {
  const section = fragment.querySelector("section[data-reload], section[data-after], #feed");
  if (!section || !feed()) return;
  if ("reload" in section.dataset) send("live:reload");
  else if (section.id !== "feed") applyChanges(section);
  else if (fragment.querySelector("#live")) adopt(fragment, section);
  else if (section.dataset.edition !== feed().dataset.edition) send("live:reload");
  else if (section.dataset.before || section.dataset.afterPlace) extend(section);
  else replace(section, Math.min(cursor(), Number(section.dataset.revision)));
  markDays();
  showCounts();
  showBeyond();
}

function applyChanges(section) {
  const { after, revision, edition, status } = section.dataset;
  if (edition !== feed().dataset.edition) return send("live:reload");
  if (Number(revision) <= cursor()) return;
  if (Number(after) > cursor()) return send("live:gap");
  for (const part of section.querySelectorAll(":scope > [data-head]")) takeHead(part);
  for (const card of section.querySelectorAll(":scope > article")) takeCard(card);
  feed().dataset.revision = revision;
  feed().dataset.status = status;
  send("live:applied", { revision: Number(revision), status });
}

function takeCard(card) {
  const number = Number(card.dataset.number);
  const present = cardOf(number);
  if (present && !isNewer(card, present)) return;
  noteChange(number, Number(card.dataset.revision));
  beyond.delete(number);
  const side = "gone" in card.dataset ? null : sideOf(card);
  if (side === 1 && number > Number(feed().dataset.lastNumber)) beyond.add(number);
  if (side !== 0) {
    present?.remove();
    return;
  }
  remember(card);
  if (present) {
    const hasMoved = present.dataset.published !== card.dataset.published;
    patch(present, card);
    if (hasMoved) insertInOrder(present);
    formatTimes(present);
  } else {
    card.dataset.held = "";
    formatTimes(card);
    admit(card, insertInOrder(card));
  }
}

function noteChange(number, revision) {
  changed.delete(number); // so that the oldest change stands first
  changed.set(number, revision);
  if (changed.size > CHANGED_KEPT) changed.delete(changed.keys().next().value);
}

function takeHead(part) {
  const present = document.getElementById(part.id);
  remember(part);
  if (isSame(present, part)) return;
  patch(present, part);
  formatTimes(present);
}

/** Adds older or newer cards, if they join on to the window as it is now. */
function extend(section) {
  const { before, afterPlace, oldest, newest, revision } = section.dataset;
  if (before ? before !== feed().dataset.oldest : afterPlace !== feed().dataset.newest) return;
  const edge = document.getElementById(Boolean(before) !== isNewestFirst() ? "edge-top" : "edge-bottom");
  const isAwaited = edge.contains(document.activeElement) || document.activeElement === document.body;
  if (before) feed().dataset.oldest = oldest;
  else feed().dataset.newest = newest;
  const loaded = [...section.querySelectorAll("article")];
  for (const card of loaded) takeLoaded(card);
  takeEdge(section, edge.id);
  // Without the focus on the first that is new, the next Tab would skip all of them.
  if (isAwaited) loaded.find((card) => card.isConnected)?.focus({ preventScroll: true });
  feed().dataset.revision = Math.min(cursor(), Number(revision));
  send("live:loaded");
}

function takeLoaded(card) {
  const present = cardOf(card.dataset.number);
  beyond.delete(Number(card.dataset.number));
  if (present) return takeCard(card);
  if (isOutdated(card)) return;
  remember(card);
  formatTimes(card);
  insertInOrder(card);
}

function takeEdge(section, id) {
  const present = document.getElementById(id);
  const edge = section.querySelector(`#${id}`);
  const isFocused = present.contains(document.activeElement);
  present.replaceWith(edge);
  if (isFocused) edge.querySelector("a")?.focus({ preventScroll: true });
}

/**
 * Puts another part of the stream, or another order, in place of what is there. The answer may be older than the
 * page: what the page has learnt since then stays, where it belongs in the new window.
 */
function replace(section, revision, { isWhole = false } = {}) {
  const present = cards();
  for (const name of ["order", "oldest", "newest", "edition", "status", "zone"]) feed().dataset[name] = section.dataset[name];
  const wanted = new Set(isWhole ? [] : present.filter((card) => isNewer(card, section)));
  for (const card of section.querySelectorAll("article")) {
    const shown = present.find((one) => one.id === card.id);
    if (isWhole || !isOutdated(card)) wanted.add(renew(shown, card));
    else if (shown) wanted.add(shown);
  }
  for (const card of wanted) {
    delete card.dataset.held;
    delete card.dataset.settled;
  }
  arrange(list(), [...wanted].filter((card) => sideOf(card) === 0).sort(inOrder));
  takeEdge(section, "edge-top");
  takeEdge(section, "edge-bottom");
  feed().dataset.revision = revision;
  feed().dataset.lastNumber = Math.max(Number(feed().dataset.lastNumber), Number(section.dataset.lastNumber));
  for (const number of [...beyond]) if (cardOf(number) || !section.dataset.newest) beyond.delete(number);
  send("live:loaded");
}

const isNewer = (card, other) => Number(card.dataset.revision) > Number(other.dataset.revision);

/** Whether the page has known the update in a newer state; the next poll brings that again. */
function isOutdated(card) {
  const number = Number(card.dataset.number);
  const present = cardOf(number);
  return (present && isNewer(present, card)) || Number(card.dataset.revision) < (changed.get(number) ?? 0);
}

/** Returns the card for an update as the answer has it: the one that is there, changed, or a new one. */
function renew(shown, card) {
  remember(card);
  if (shown) patch(shown, card);
  formatTimes(shown ?? card);
  return shown ?? card;
}

/** Takes over a whole page that was fetched anew, because this one was too far behind. */
function adopt(fragment, section) {
  for (const part of fragment.querySelectorAll("[data-head]")) takeHead(part);
  beyond.clear();
  changed.clear();
  feed().dataset.lastNumber = section.dataset.lastNumber;
  replace(section, Number(section.dataset.revision), { isWhole: true });
  send("live:applied", { revision: cursor(), status: section.dataset.status });
}

function showBeyond() {
  const link = document.getElementById("jump-last");
  if (!feed().dataset.newest) beyond.clear();
  link.textContent = beyond.size ? `Jump to latest (${beyond.size} new)` : "Latest";
}
