/** The line that says who else is at the desk. The poll brings it; a beacon says that this page is closing. */

import { page } from "./here.js";
import { list } from "./items.js";

const line = () => document.getElementById("presence");

/** What the line shows, as the server knows it again; nothing while it is empty. */
export const digest = () => line().dataset.digest;

/** Empties the line: it is no longer known who is there. */
export function empty() {
  line().replaceChildren();
  line().dataset.digest = "";
}

/** Has the others see at once that this page is no longer open. */
export function leave() {
  navigator.sendBeacon(list().dataset.departureUrl, new URLSearchParams({ page }));
}
