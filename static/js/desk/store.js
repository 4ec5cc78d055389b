/**
 * Keeps values in localStorage. What can't be written stays in this page's memory and is read from there, so that
 * work goes on as long as the page is open; `writeValue` returns whether a value is on the device.
 */

import { readText, writeText } from "../shared/storage.js";

const PREFIX = "liveblog:";
const memory = new Map();

/** Why nothing is kept on this device, or "" if localStorage works. */
export const broken = probe();

function probe() {
  try {
    localStorage.setItem(`${PREFIX}probe`, "");
    localStorage.removeItem(`${PREFIX}probe`);
  } catch (error) {
    return isFull(error) && localStorage.length ? "" : "This browser keeps nothing for this site.";
  }
  return "";
}

function isFull(error) {
  return error.name === "QuotaExceededError" || error.name === "NS_ERROR_DOM_QUOTA_REACHED";
}

/** Returns the value under a name, or null. */
export function readValue(name) {
  if (memory.has(name)) return structuredClone(memory.get(name));
  try {
    return JSON.parse(readText(PREFIX + name));
  } catch {
    return null; // not ours
  }
}

/** Keeps a value under a name and returns whether it is on the device. */
export function writeValue(name, value) {
  const isKept = writeText(PREFIX + name, JSON.stringify(value));
  if (isKept) memory.delete(name);
  else memory.set(name, structuredClone(value));
  return isKept;
}

/** Removes the value under a name. */
export function removeValue(name) {
  memory.delete(name);
  removeText(PREFIX + name);
}

/** Whether the value under a name is only in this page's memory. */
export const isOnlyHere = (name) => memory.has(name);

/** Returns the names that begin with `start`. */
export function valueNames(start) {
  const inMemory = [...memory.keys()].filter((name) => name.startsWith(start));
  return [...new Set([...inMemory, ...storedNames(PREFIX + start).map((name) => name.slice(PREFIX.length))])];
}

/** Calls `changed(name)` when another tab has changed a name that begins with `start`. */
export function watchValues(start, changed) {
  addEventListener("storage", ({ key }) => {
    if (key === null || key.startsWith(PREFIX + start)) changed(key?.slice(PREFIX.length));
  });
}

/** Removes the text under a name. */
export function removeText(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // It was never there.
  }
}

/** Returns the names in localStorage that begin with `start`. */
export function storedNames(start) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(start));
  } catch {
    return [];
  }
}
