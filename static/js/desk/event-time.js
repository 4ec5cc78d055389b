/** What the time that an author sets will mean, by the event's clock. */

import { desk } from "./page.js";

const line = document.getElementById("composer-when");

/** The event's wall-clock time, as a field of a form has it. The event may have been given another zone. */
function now() {
  const form = { timeZone: desk.dataset.zone || "UTC", dateStyle: "short", timeStyle: "short" };
  return new Intl.DateTimeFormat("sv-SE", form).format(new Date()).replace(" ", "T");
}

/** Whether a wall-clock time lies ahead. */
export const isLater = (at) => Boolean(at) && at > now();

/** A wall-clock time in words: 20:00, and the day unless it is today. */
export function shownTime(at) {
  const [day, clock] = at.split("T");
  if (day === now().split("T")[0]) return clock;
  return `${clock} on ${new Date(`${day}T00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" })}`;
}

/** Says it under the field. */
export function showEventTime(at) {
  line.textContent = !at ? "" : `${isLater(at) ? "Is scheduled for" : "Gets the time"} ${shownTime(at)}.`;
}
