/** Fetches all that the desk has loaded anew, when changes can no longer lead to the present. */

import { pollNow } from "../shared/poll.js";
import { feed, reaches } from "../shared/stream.js";
import { user } from "./page.js";
import { takeHead } from "./parts.js";
import { keepingItems, replaceItems } from "./stream.js";
import { showEventTime } from "./event-time.js";

const MOST_PAGES = 20;
const PATIENCE_MS = 15_000;
let isRunning = false;

/** Fetches it and takes it in. If that fails, the next poll leads here again. */
export async function reload() {
  if (isRunning) return;
  isRunning = true;
  try {
    const first = await fetchPage(location.search);
    keepingItems(() => takeHead(first));
    showEventTime(document.getElementById("composer-at").value);
    const pages = await fetchOlder(first, feed().dataset.oldest);
    keepingItems(() => replaceItems(pages.map((page) => page.getElementById("items"))));
    pollNow();
  } catch (error) {
    console.warn(error);
  }
  isRunning = false;
}

/** Returns a page and those after it, as far as to the place `oldest`. */
async function fetchOlder(first, oldest) {
  const pages = [first];
  while (pages.length < MOST_PAGES && !reaches(oldestOf(pages.at(-1)), oldest)) {
    pages.push(await fetchPage(`?before=${encodeURIComponent(oldestOf(pages.at(-1)))}`));
  }
  return pages;
}

const oldestOf = (page) => page.getElementById("items").dataset.oldest;

async function fetchPage(search) {
  const options = { headers: { "Liveblog-Author": user }, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout?.(PATIENCE_MS) };
  const answer = await fetch(new URL(search || location.pathname, location.href), options);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !page.getElementById("items")) throw new Error(`something else than the desk answered: ${answer.status}`);
  return page;
}
