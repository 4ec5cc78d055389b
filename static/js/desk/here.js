/** Where this page is and who works on it, as the page's own markup says. */

import { newKey } from "./key.js";

export const desk = document.getElementById("desk");
export const user = desk.dataset.user ?? "";
export const slug = desk.dataset.event ?? "";

/** This page among all pages of this device. */
export const page = newKey();

/** Says something in passing, where screen readers hear it. */
export function say(words) {
  const line = document.createElement("p");
  line.textContent = words;
  document.getElementById("said")?.replaceChildren(...(words ? [line] : []));
}

/** A clock's time in a few characters, the device's own. */
export const clock = (date) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(date);
