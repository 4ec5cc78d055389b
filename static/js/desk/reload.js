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
    const pages = await fetchPages(feed().dataset.oldest);
    keepingItems(() => {
      takeHead(pages[0]);
      replaceItems(pages.map((page) => page.getElementById("items")));
    });
    showEventTime(document.getElementById("composer-at").value);
    pollNow();
  } catch (error) {
    console.warn(error);
  }
  isRunning = false;
}

async function fetchPages(oldest) {
  const pages = [await fetchPage(location.search)];
  for (let reached = oldestOf(pages[0]); pages.length < MOST_PAGES && !reaches(reached, oldest); reached = oldestOf(pages.at(-1))) {
    pages.push(await fetchPage(`?before=${encodeURIComponent(reached)}`));
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
