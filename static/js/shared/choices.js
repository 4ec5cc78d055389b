/** What a reader has chosen on this device. A frame on another site keeps nothing, and some browsers allow no storage. */

import { isFramed } from "./stream.js";

/** What was chosen under a name, or null. */
export function recall(name) {
  try {
    return isFramed() ? null : localStorage.getItem(`liveblog.${name}`);
  } catch {
    return null;
  }
}

/** Keeps a choice for the next visit. */
export function remember(name, choice) {
  try {
    if (!isFramed()) localStorage.setItem(`liveblog.${name}`, choice);
  } catch {
    // It holds as long as the page is open.
  }
}
