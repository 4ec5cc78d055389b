/** Text in localStorage, as far as the browser allows it. A frame on another site keeps nothing. */

import { isFramed } from "./stream.js";

/** Returns the text under a name, or null. */
export function readText(name) {
  try {
    return isFramed() ? null : localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a text under a name and returns whether it is kept. */
export function writeText(name, text) {
  try {
    if (!isFramed()) localStorage.setItem(name, text);
    return !isFramed();
  } catch {
    return false; // full, or forbidden
  }
}
