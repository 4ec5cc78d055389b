/** Makes the outbox's entry of a draft, and checks it as the service will. */

import { slug } from "./page.js";
import { isLater } from "./event-time.js";

const MOST = 20_000;
const NEAR = 19_000;
const HEADLINE = 200;

const count = document.getElementById("composer-count");
const titleNow = () => document.querySelector(".desk-head h1")?.textContent ?? slug;
const normalised = (text) => text.replace(/\r\n?/g, "\n").trim();
const lengthOf = (text) => [...normalised(text)].length;

/** Says how many characters are left, when there are few. */
export function showLength(text) {
  const length = lengthOf(text);
  count.textContent = length > NEAR ? (length > MOST ? `${length - MOST} too many` : `${MOST - length} left`) : "";
  count.toggleAttribute("data-over", length > MOST);
}

/** Returns the entry for a draft, without the photos that were taken out. */
export function entryOf({ key, headline, body, is_key, at, far_time, photos }, address) {
  const shown = photos.filter(({ isOut }) => !isOut).map(({ key: photoKey, name, alt, taken_at, address: there }) => ({ key: photoKey, name, alt, taken_at, address: there }));
  return { key, event: slug, title: titleNow(), address, written_at: Date.now(), headline, body, is_key, at, far_time, later: isLater(at), photos: shown };
}

/** Returns why the service would refuse an entry, or "". */
export function problemOf({ headline, body, photos }) {
  const length = lengthOf(body);
  if (!length && !headline.trim() && !photos.length) return "Write something first.";
  if (length > MOST) return `${length.toLocaleString("en")} characters are too many; at most ${MOST.toLocaleString("en")} fit in one update. Nothing was sent, and nothing is lost.`;
  if (lengthOf(headline) > HEADLINE) return `A headline has at most ${HEADLINE} characters; this one has ${lengthOf(headline)}.`;
  return "";
}
