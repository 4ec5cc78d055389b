/** Moving about in the stream: jumps, order, links to single updates. */

import { copyText } from "../shared/clipboard.js";
import { isPlain } from "../shared/press.js";
import { writeText } from "../shared/storage.js";
import { addressOf, cardOf, feed, isFramed, isNewestFirst, shownCards } from "../shared/stream.js";
import { reveal, say } from "./hold.js";

const GONE = "That update is not here any more.";
const FAILED = "That could not be loaded. Please try again.";

/** Goes to an update by its number, or to the first or last; loads its part of the stream if it is not there. */
export async function jump(to) {
  if (!feed()) return; // the event is gone
  const order = document.querySelector(".sort .htmx-request")?.dataset.sort ?? feed().dataset.order;
  htmx.trigger(feed(), "htmx:abort"); // the last press counts
  const isThere = isLoaded(to) && order === feed().dataset.order;
  if (!isThere && !(await loadAround(to, order))) return;
  const shown = shownCards();
  const isAtTop = (to === "last") === isNewestFirst();
  const card = /^\d+$/.test(to) ? reveal(to) : shown[isAtTop ? 0 : shown.length - 1];
  if (!card) return say(GONE);
  for (const marked of document.querySelectorAll("[data-marked]")) delete marked.dataset.marked;
  card.dataset.marked = "";
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
}

/** Loads the part of the stream that an update stands in, and returns whether it has come. */
export async function loadAround(to, order) {
  let hasCome = false;
  const waiting = new AbortController();
  document.addEventListener("live:loaded", () => { hasCome = true; }, { signal: waiting.signal });
  const path = addressOf({ sort: order, around: to }).href;
  await htmx.ajax("GET", path, { source: feed(), target: "#feed", swap: "live ignoreTitle:true", select: "#feed" }).catch(() => {});
  waiting.abort();
  return hasCome;
}

function isLoaded(to) {
  if (to === "first") return !feed().dataset.oldest;
  if (to === "last") return !feed().dataset.newest;
  return cardOf(to) !== null;
}

/** Follows links that jump, remembers the order that was chosen, copies links to updates. */
export function watchLinks() {
  document.addEventListener("click", (click) => {
    const link = click.target.closest("a");
    if (!link || !isPlain(click)) return;
    if (link.dataset.jump) {
      click.preventDefault();
      if (!isFramed()) noteInAddress(link.dataset.jump);
      jump(link.dataset.jump);
    } else if (link.dataset.sort && !isFramed()) {
      history.replaceState(history.state, "", addressOf({ sort: link.dataset.sort }));
      writeText("liveblog.sort", link.dataset.sort);
    } else if ("copy" in link.dataset) {
      click.preventDefault();
      copyLink(link);
    }
  });
}

/** Puts the update that was jumped to into the address; none where the reader went to an end. */
function noteInAddress(to) {
  const address = new URL(/^\d+$/.test(to) ? `#update-${to}` : addressOf({}), location.href);
  if (address.href !== location.href) history.pushState(history.state, "", address);
}

/** Marks the stream as busy while a part of it is loading, and says if that fails. */
export function watchLoading() {
  const listen = (name, act) => document.addEventListener(name, (event) => {
    if (feed() && event.target.closest("#feed, .sort")) act(event);
  });
  listen("htmx:confirm", (event) => event.target.matches(".more.htmx-request") && event.preventDefault()); // it is loading
  listen("htmx:beforeRequest", () => feed().setAttribute("aria-busy", "true"));
  listen("htmx:afterRequest", () => feed().removeAttribute("aria-busy"));
  listen("htmx:responseError", ({ detail }) => say(detail.xhr.status === 404 ? GONE : FAILED));
  for (const name of ["htmx:sendError", "htmx:timeout"]) listen(name, () => say(FAILED));
}

/** Opens the page at the update its address names. */
export function followHash() {
  const number = /^#update-(\d+)$/.exec(location.hash)?.[1];
  if (number) jump(number);
}

/** Shows in the links which order the page has now. */
export function showOrder() {
  for (const link of document.querySelectorAll("[data-sort]")) {
    if (link.dataset.sort === feed().dataset.order) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function copyLink(link) {
  if (!(await copyText(link.href))) return open(link.href); // its address can be copied there
  say("Link copied");
  link.dataset.copied = "";
  setTimeout(() => delete link.dataset.copied, 2_000);
}
