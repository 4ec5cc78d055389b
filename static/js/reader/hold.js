/** Holds new updates back while showing them would move what is being read; counts and announces them. */

import { cardOf, cards, feed, isFramed, isNewestFirst, list, shownCards } from "../shared/stream.js";
import { markDays } from "./times.js";

const ANNOUNCE_MS = 15_000;
const SPOKEN_MS = 5_000;
const unseen = new Set();
const unspoken = new Set();
let isPaused = false;
let spokenAt = -Infinity;
let speaking = 0;

const held = () => cards().filter((card) => "held" in card.dataset);

/** Shows a new card now or holds it back. It stands in the list, hidden, before `next`. */
export function admit(card, next) {
  unspoken.add(card.id);
  if (wouldDisturb(next)) return;
  delete card.dataset.held;
  card.dataset.new = "";
  if (document.hidden) unseen.add(card.id);
}

function wouldDisturb(next) {
  if (isPaused) return true;
  if (isFramed()) return !feed().dataset.only; // the page around it is never moved
  if (!isNewestFirst() && !next) return false; // what is appended moves nothing
  if (document.hidden || hasSelection() || held().some((card) => card.dataset.settled)) return true;
  const frame = list().getBoundingClientRect();
  const at = next ? next.getBoundingClientRect().top : frame.bottom;
  return at < 0 || (frame.top < 0 && at < innerHeight);
}

function hasSelection() {
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && feed().contains(selection.anchorNode));
}

/** Shows the number of new updates in the button, the tab's title and the announcement. */
export function showCounts() {
  for (const card of held()) card.dataset.settled = "1";
  const waiting = held().length;
  const button = document.getElementById("held");
  button.hidden = waiting === 0;
  button.textContent = waiting === 1 ? "1 new update" : `${waiting} new updates`;
  for (const id of [...unseen]) if (!document.getElementById(id)) unseen.delete(id);
  const count = waiting + unseen.size;
  const title = document.getElementById("masthead")?.dataset.title ?? document.title;
  document.title = count ? `(${count}) ${title}` : title;
  const empty = document.getElementById("empty");
  empty.hidden = shownCards().length > 0;
  empty.textContent = empty.dataset[feed().dataset.status] ?? empty.textContent;
  announce();
}

function announce() {
  clearTimeout(speaking);
  for (const id of [...unspoken]) if (!document.getElementById(id)) unspoken.delete(id);
  if (!unspoken.size) return;
  const wait = spokenAt + ANNOUNCE_MS - performance.now();
  if (wait > 0) {
    speaking = setTimeout(announce, wait);
    return;
  }
  say(unspoken.size === 1 ? "1 new update" : `${unspoken.size} new updates`);
  unspoken.clear();
  spokenAt = performance.now();
}

/** Says something once to users of screen readers. */
export function say(text) {
  const line = document.getElementById("announcement");
  if (!line) return; // the event is gone
  line.textContent = text;
  setTimeout(() => line.textContent === text && (line.textContent = ""), SPOKEN_MS);
}

/** Shows what was held back; with `goThere`, scrolls to the first of them. */
export function release({ goThere = false } = {}) {
  const freed = held();
  for (const card of freed) {
    delete card.dataset.held;
    delete card.dataset.settled;
    card.dataset.new = "";
  }
  markDays();
  showCounts();
  if (!goThere || !freed.length) return;
  const first = isNewestFirst() ? shownCards()[0] : freed[0];
  (first.previousElementSibling?.matches(".day") ? first.previousElementSibling : first).scrollIntoView({ block: "start" });
  first.focus({ preventScroll: true });
}

/** Pauses or resumes the showing of new updates and returns whether it is paused. The connection stays. */
export function pause(button) {
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  button.textContent = isPaused ? "Resume updates" : "Pause updates";
  if (!isPaused && !isFramed() && isTopInView()) release();
  return isPaused;
}

/** Shows a reader who comes back what is new, if they are at the top; else the button says how many. */
export function welcomeBack() {
  unseen.clear();
  if (!isPaused && !isFramed() && isTopInView() && !hasSelection()) release();
  else showCounts();
}

const isTopInView = () => !isNewestFirst() || list().getBoundingClientRect().top >= 0;

/** Shows a held card because the reader asked for that one. */
export function reveal(number) {
  const card = cardOf(number);
  if (card && "held" in card.dataset) release();
  return card;
}
