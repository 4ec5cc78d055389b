/** Edits that are not saved yet, on this device: by author, event and update. */

import { slug, user } from "./here.js";

const PREFIX = `liveblog.edit.${user}.${slug}.`;
const KEPT_MS = 7 * 86_400_000;
const memory = new Map(); // where storage is closed to us, what is typed lasts as long as the page

/** Keeps the fields of an edit. */
export function keep(number, fields) {
  memory.set(String(number), fields);
  try {
    localStorage.setItem(PREFIX + number, JSON.stringify({ fields, at: Date.now() }));
  } catch {
    // Full or forbidden: the form itself still holds it.
  }
}

/** What was kept, or null. */
export function kept(number) {
  try {
    const { fields, at } = JSON.parse(localStorage.getItem(PREFIX + number)) ?? {};
    if (fields && Date.now() - at < KEPT_MS) return fields;
  } catch {
    // Whatever is damaged is as good as nothing.
  }
  return memory.get(String(number)) ?? null;
}

/** Forgets an edit that was saved or given up. */
export function forget(number) {
  memory.delete(String(number));
  try {
    localStorage.removeItem(PREFIX + number);
  } catch {
    // There was nothing to forget.
  }
}

/** The updates of this event that have unsaved edits here. */
export function keptNumbers() {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}
