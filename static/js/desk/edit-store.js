/** Edits that are not saved yet, on this device: by author, event and update. */

import { readText, writeText } from "../shared/storage.js";
import { slug, user } from "./page.js";
import { removeText, storedNames } from "./store.js";

const PREFIX = `liveblog.edit.${user}.${slug}.`;
const KEPT_MS = 7 * 86_400_000;
const memory = new Map(); // where storage is closed to us, what is typed lasts as long as the page

/** Keeps the fields of an edit. */
export function keepEdit(number, fields) {
  memory.set(String(number), fields);
  writeText(PREFIX + number, JSON.stringify({ fields, at: Date.now() }));
}

/** Returns what was kept, or null. */
export function keptEdit(number) {
  try {
    const { fields, at } = JSON.parse(readText(PREFIX + number)) ?? {};
    if (fields && Date.now() - at < KEPT_MS) return fields;
  } catch {
    // What is damaged is as good as nothing.
  }
  return memory.get(String(number)) ?? null;
}

/** Forgets an edit that was saved or given up. */
export function forgetEdit(number) {
  memory.delete(String(number));
  removeText(PREFIX + number);
}

/** Returns the updates of this event that have unsaved edits here. */
export const keptNumbers = () => storedNames(PREFIX).map((name) => name.slice(PREFIX.length));
