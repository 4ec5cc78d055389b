/** What the time that an author sets will mean, by the event's clock. */

import { desk } from "./here.js";

const zone = desk.dataset.zone || "UTC";
const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
const line = document.getElementById("composer-when");
const now = () => wall.format(new Date()).replace(" ", "T");

/** Whether a wall-clock time lies ahead. */
export const isLater = (at) => Boolean(at) && at > now();

/** A wall-clock time in words: 20:00, and the day unless it is today. */
export function shownTime(at) {
  const [day, clock] = at.split("T");
  if (day === now().split("T")[0]) return clock;
  return `${clock} on ${new Date(`${day}T00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" })}`;
}

/** Says it under the field. */
export function tellWhen(at) {
  line.textContent = !at ? "" : `${isLater(at) ? "Is scheduled for" : "Gets the time"} ${shownTime(at)}.`;
}
