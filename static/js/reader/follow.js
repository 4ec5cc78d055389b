/** Keeps a page up to date by fetching it whole: the list of events, the page of one update. */

import { onReturn } from "../shared/events.js";
import { patch, remember } from "../shared/patch.js";
import { noteRelease, releaseIn, watchRelease } from "../shared/release.js";
import { isAtRest } from "../shared/rest.js";
import { blockInView, keepingPlace, registerSwap } from "../shared/swap.js";
import { formatTimes } from "./times.js";

const poll = () => document.getElementById("poll");

/** Updates the element `page` every few seconds and when its reader comes back; `#poll` beside it fetches. */
export function follow(page) {
  remember(page);
  formatTimes(page);
  if (!poll()) return;
  registerSwap("live", take, () => location.reload());
  // What is withdrawn or gone is an answer as well; `take` leaves what is not ours.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.requestConfig.elt === poll()) detail.shouldSwap = true;
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.elt === poll() && detail.xhr.status) noteRelease(releaseIn(detail.xhr.responseText));
  });
  watchRelease({ isAtRest: () => isAtRest(page) });
  const ask = () => htmx.trigger(poll(), "poll");
  setInterval(ask, 1000 * poll().dataset.seconds);
  onReturn(ask);
}

/** Takes over what differs, if the answer is this page. A hotel's sign-in page says 200 too. */
function take(fragment, page) {
  const fresh = fragment.querySelector(`#${page.id}[data-digest]`);
  if (!fresh || fresh.dataset.digest === page.dataset.digest) return;
  const focused = page.contains(document.activeElement) && document.activeElement;
  remember(fresh);
  keepingPlace(blockInView(page, [...page.querySelectorAll("article")]), () => {
    patch(page, fresh);
    formatTimes(page);
  });
  if (page.dataset.title) document.title = page.dataset.title;
  if (focused && !focused.isConnected) findAgain(page, focused)?.focus({ preventScroll: true });
}

const findAgain = (page, { href }) => [...page.querySelectorAll("a[href]")].find((link) => link.href === href);
