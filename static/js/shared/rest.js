/** Whether and where somebody reads a page, so that it can be loaded anew without their losing anything. */

import { cardOf, feed, list, shownCards } from "./stream.js";
import { blockInView } from "./swap.js";

const BEGUN = "dialog[open], [data-player] > :is(iframe, video, audio), [aria-busy=true], .htmx-request:not(#poll), #pause[aria-pressed=true]";
const OPEN = "details[open], :focus-visible";

/** Whether nothing has been begun on a page, and it is hidden, or `root` begins in view with nothing selected or open. */
export function isAtRest(root) {
  if (document.querySelector(BEGUN)) return false;
  if (document.hidden) return true;
  return root.getBoundingClientRect().top >= 0 && getSelection().isCollapsed && !document.querySelector(OPEN);
}

/** Returns which part of the stream is shown and which card is being read, for the page that is loaded next. */
export function notePlace() {
  if (!feed()) return null; // the event is gone
  const card = blockInView(list(), shownCards());
  if (card) history.scrollRestoration = "manual"; // browsers know pixels alone
  return { order: feed().dataset.order, number: card?.dataset.number, top: card?.getBoundingClientRect().top };
}

/** Goes back to a place that was noted; `loadPart(to, order)` loads the part of the stream around it if need be. */
export async function returnTo({ order, number, top }, loadPart) {
  const isThere = order === feed().dataset.order && (!number || cardOf(number));
  if (!isThere) await loadPart(number ?? (order === "oldest" ? "first" : "last"), order);
  const card = number && cardOf(number);
  if (card) scrollBy({ top: card.getBoundingClientRect().top - top, behavior: "instant" });
  history.scrollRestoration = "auto";
}
