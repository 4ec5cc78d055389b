/** Moving about in the stream: jumps, order, links to single updates. */

import { reveal, say } from "./hold.js";
import { addressOf, cardOf, feed, isFramed, isNewestFirst, shownCards } from "./stream.js";

/** Goes to an update by number, or to the first or last; loads its part of the stream if need be. */
export async function jump(to) {
  if (!isLoaded(to)) {
    const path = addressOf({ sort: feed().dataset.order, around: to }).href;
    await htmx.ajax("GET", path, { source: feed(), target: "#feed", swap: "live ignoreTitle:true", select: "#feed" });
  }
  const shown = shownCards();
  const isAtTop = (to === "last") === isNewestFirst();
  const card = /^\d+$/.test(to) ? reveal(to) : shown[isAtTop ? 0 : shown.length - 1];
  if (!card) return say("That update is not here any more.");
  for (const marked of document.querySelectorAll("[data-marked]")) delete marked.dataset.marked;
  card.dataset.marked = "";
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
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
    if (!link || click.metaKey || click.ctrlKey || click.shiftKey || click.button) return;
    if (link.dataset.jump) {
      click.preventDefault();
      if (/^\d+$/.test(link.dataset.jump) && !isFramed()) history.pushState(null, "", `#update-${link.dataset.jump}`);
      jump(link.dataset.jump);
    } else if (link.dataset.sort && !isFramed()) {
      history.replaceState(null, "", addressOf({ sort: link.dataset.sort }));
      rememberOrder(link.dataset.sort);
    } else if ("copy" in link.dataset) {
      click.preventDefault();
      copyLink(link);
    }
  });
  document.addEventListener("htmx:responseError", (event) => event.target.closest("#feed, .sort") && say("That could not be loaded. Please try again."));
  document.addEventListener("htmx:sendError", (event) => event.target.closest("#feed, .sort") && say("That could not be loaded. Please try again."));
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

function rememberOrder(order) {
  try {
    localStorage.setItem("liveblog.sort", order);
  } catch {
    // Nothing is remembered where storage is closed to us.
  }
}

async function copyLink(link) {
  let isCopied = true;
  try {
    await navigator.clipboard.writeText(link.href);
  } catch {
    isCopied = copyBySelection(link.href); // plain http is no secure context and has no clipboard
  }
  if (!isCopied) return open(link.href); // its address can be copied there
  say("Link copied");
  link.dataset.copied = "";
  setTimeout(() => delete link.dataset.copied, 2_000);
}

function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  return isCopied;
}
