/** Fetches the page's feed anew when changes can no longer lead to the present. */

import { addressOf, cards, cursor, feed, isNewestFirst, list, shownCards } from "../shared/stream.js";
import { blockInView } from "../shared/swap.js";
import { takeFragment } from "./live.js";

const WAITS_MS = [0, 5_000, 10_000, 20_000];
const FAILED_MS = 10_000;
const BUSY_MS = 200;
let isRunning = false;

/** Fetches until what comes is newer than what there is; then calls `onDone`. */
export async function reload({ onDone }) {
  if (isRunning) return;
  isRunning = true;
  const { edition } = feed().dataset;
  const before = cursor();
  for (let attempt = 0; ; ) {
    await pause(WAITS_MS[attempt]);
    while (isLoading()) await pause(BUSY_MS);
    if (!feed()) return; // the event is gone
    const asked = partShown();
    const html = await fetchPage(before);
    if (!feed()) return;
    if (isLoading() || partShown() !== asked) continue; // the reader goes elsewhere, and it is fetched from there
    if (html === null) {
      await pause(FAILED_MS * (0.5 + Math.random()));
      continue;
    }
    const found = new DOMParser().parseFromString(html, "text/html").getElementById("feed")?.dataset;
    // After the last wait whatever comes is the truth: the database itself has gone back.
    const isNewer = found && (found.edition !== edition || Number(found.revision) > before);
    if (found && (isNewer || attempt === WAITS_MS.length - 1)) {
      takeFragment(html, "#live");
      break;
    }
    attempt = Math.min(attempt + 1, WAITS_MS.length - 1);
  }
  isRunning = false;
  onDone();
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether the reader waits for a part of the stream. Its link must not be replaced before the answer has come. */
const isLoading = () => feed()?.hasAttribute("aria-busy");

/** What part of the stream the page shows. */
function partShown() {
  const { order, oldest, newest } = feed().dataset;
  return [order, oldest, newest].join();
}

/** Returns the page, or null if it can't be fetched now. The poll finds out whether it is gone. */
async function fetchPage(revision) {
  const url = addressOf({ sort: feed().dataset.order, at: revision });
  const reading = readingNow();
  if (reading) url.searchParams.set("around", reading);
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    if (response.status === 404 && reading) {
      url.searchParams.delete("around");
      const whole = await fetch(url, { credentials: "same-origin" });
      return whole.ok ? await whole.text() : null;
    }
    return response.ok || response.status === 410 ? await response.text() : null; // a frame's one update is withdrawn
  } catch {
    return null;
  }
}

/** The number of the card in view, if the reader is in the middle of the stream. */
function readingNow() {
  const card = blockInView(list(), shownCards());
  return !card || (isNewestFirst() && card === cards()[0]) ? null : card.dataset.number;
}
