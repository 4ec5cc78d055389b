/**
 * The outbox: what this author has posted and the service has not confirmed yet. It is kept on the device, each entry
 * under its own name so that tabs don't overwrite each other's.
 *
 * An entry has key, author, event, title, address, headline, body, is_key, at, later, photos, order, page (where it was
 * posted), and its state of affairs: `unanswered` (sent, may have arrived, can't be changed), `sending`, `tries`, `reason`,
 * `failed_at`, `retry_at`, `told` (the service said when to retry), `needs` ("login"), `state` ("refused" or "clash": the
 * author decides), `published`, and `uploading`, while one of its photos is on the way. Former releases left entries on devices, so the names stay.
 *
 * Only the sender changes an entry that is on its way; only its author changes the others.
 */

import { send } from "../shared/events.js";
import { pageKey, user } from "./page.js";
import { isOnlyHere, readValue, removeValue, valueNames, watchValues, writeValue } from "./store.js";

const MINE = `outbox:${user}:`;
const nameOf = (entry) => `${MINE}${entry.key}`;
const changed = () => send("desk:outbox");

watchValues("outbox:", changed);

/** Returns this author's entries in the order in which they were posted. */
export function listEntries() {
  const found = valueNames(MINE).map(readValue).filter((entry) => entry?.author === user);
  return found.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
}

/** Returns an entry as it is now, or null. */
export const findEntry = (key) => readValue(MINE + key);

/** Adds an entry as the last one and returns whether it is kept on the device. */
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

/** Gives an entry another key and puts it last, as if it had just been posted. */
export function renewEntry(key, next) {
  const { author, order, state, published, reason, tries, unanswered, sending, retry_at, failed_at, told, ...entry } = findEntry(key);
  addEntry({ ...entry, key: next, photos: entry.photos.map(({ taken_at, ...photo }) => photo) });
  dropEntry(key);
}

/** Removes an entry. */
export function dropEntry(key) {
  removeValue(MINE + key);
  changed();
}

/** Whether an entry is still to be sent. */
export const isOpen = (entry) => !entry.state;

/** Whether an entry can be changed or taken back: it was not sent, or it was refused. */
export const isFree = (entry) => Boolean(entry.state) || !(entry.unanswered || entry.sending);

/** Whether an entry is in this page's memory only. */
export const isLoose = (entry) => isOnlyHere(nameOf(entry));

/** Returns how many entries of other people wait on this device. */
export const countOthers = () => valueNames("outbox:").filter((name) => !name.startsWith(MINE)).length;

/** Runs `work` in one tab at a time, so that no entry is sent that was just taken back. */
export function decide(work) {
  return navigator.locks ? navigator.locks.request(`outbox:${user}`, work) : Promise.resolve(work());
}
