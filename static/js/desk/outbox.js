/**
 * The outbox: what this author has posted and the service has not yet confirmed, on the device, each
 * entry under a name of its own so that tabs don't overwrite each other's.
 *
 * An entry: key, author, event, title, address, headline, body, is_key, at, later, photos, order, page (where it was posted); and how it
 * stands: `unanswered` (sent, and it may have arrived: frozen), `sending`, `tries`, `reason`, `retry_at`,
 * `needs` ("login"), `state` ("refused" or "clash": answered for good, the author decides), `published`.
 * Only the one sender writes into an entry that is on its way; only the author's hand touches the others.
 */

import { send } from "../shared/events.js";
import { pageKey, user } from "./page.js";
import { isOnlyHere, readValue, removeValue, valueNames, watchValues, writeValue } from "./store.js";

const MINE = `outbox:${user}:`;
const nameOf = (entry) => `${MINE}${entry.key}`;
const changed = () => send("desk:outbox");

watchValues("outbox:", changed);

/** The entries of this author in the order in which they were posted. */
export function listEntries() {
  const found = valueNames(MINE).map(readValue).filter((entry) => entry?.author === user);
  return found.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
}

/** An entry as it is now, or null. */
export const findEntry = (key) => readValue(MINE + key);

/** Puts an entry in, as the last one, and says whether it is safe on the device. */
export function addEntry(entry) {
  const last = Math.max(0, ...listEntries().map(({ order }) => order));
  const isKept = writeValue(nameOf(entry), { ...entry, author: user, page: pageKey, order: Math.max(Date.now(), last + 1) });
  changed();
  return isKept;
}

/** Changes an entry, if it is still there, and returns it. */
export function changeEntry(key, fields) {
  const entry = findEntry(key);
  if (!entry) return null;
  const next = { ...entry, ...fields };
  writeValue(MINE + key, next);
  changed();
  return next;
}

/** Gives an entry another key, in the last place, as if it had just been posted. */
export function renewEntry(key, next) {
  const { author, order, state, published, reason, tries, unanswered, sending, retry_at, failed_at, told, ...entry } = findEntry(key);
  addEntry({ ...entry, key: next, photos: entry.photos.map(({ taken_at, ...photo }) => photo) });
  dropEntry(key);
}

/** Takes an entry out. */
export function dropEntry(key) {
  removeValue(MINE + key);
  changed();
}

/** Whether it is still to be sent, by itself. */
export const isOpen = (entry) => !entry.state;

/** Whether it can still be changed or taken back: it was not sent, or the service has said no. */
export const isFree = (entry) => Boolean(entry.state) || !(entry.unanswered || entry.sending);

/** Whether it is in this page's memory only. */
export const isLoose = (entry) => isOnlyHere(nameOf(entry));

/** How many entries of other people wait on this device. */
export const countOthers = () => valueNames("outbox:").filter((name) => !name.startsWith(MINE)).length;

/** Lets one tab at a time decide about an entry, so that none is sent that was just taken back. */
export function decide(work) {
  return navigator.locks ? navigator.locks.request(`outbox:${user}`, work) : Promise.resolve(work());
}
