/** Which desk this page shows, who works on it, and its line for messages. */

import { newKey } from "./key.js";

export const desk = document.getElementById("desk");
export const user = desk.dataset.user ?? "";
export const slug = desk.dataset.event ?? "";

/** A key of this page's own. */
export const pageKey = newKey();

/** Shows a message, which screen readers read out. */
export function say(words) {
  const line = document.createElement("p");
  line.textContent = words;
  document.getElementById("said")?.replaceChildren(...(words ? [line] : []));
}

/** Returns the time of day in the device's zone. */
export const clock = (date) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(date);
