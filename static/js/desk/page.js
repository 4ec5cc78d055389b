/** Which desk this page shows, who works on it, and its line for messages. */

import { newKey } from "./key.js";

export const desk = document.getElementById("desk");
export const user = desk.dataset.user ?? "";
export const slug = desk.dataset.event ?? "";

/** Tells this page from all others that are open. */
export const pageKey = newKey();

/** Says something in passing, where screen readers hear it. */
export function say(words) {
  const line = document.createElement("p");
  line.textContent = words;
  document.getElementById("said")?.replaceChildren(...(words ? [line] : []));
}

/** A clock's time in a few characters, the device's own. */
export const clock = (date) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(date);
