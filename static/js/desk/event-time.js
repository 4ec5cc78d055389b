/** Explains the time that an author sets, in the event's time zone. */

import { desk } from "./page.js";

const line = document.getElementById("composer-when");

/** Returns a time in the event's zone, in the format of a form's field. The zone may change while the page is open. */
export function wallClock(date = new Date(), timeStyle = "short") {
  const form = { timeZone: desk.dataset.zone || "UTC", dateStyle: "short", timeStyle };
  return new Intl.DateTimeFormat("sv-SE", form).format(date).replace(" ", "T");
}

/** Whether a time in the event's zone is so far from the event that it is questioned, as the service does. */
export function isFar(at) {
  const { earliest, latest } = document.getElementById("composer").dataset;
  return Boolean(at && earliest) && (at < earliest || at > latest);
}

/** Whether a time in the event's zone lies ahead. */
export const isLater = (at) => Boolean(at) && at > wallClock();

/** Returns a time in words: 20:00, with the day unless it is today. */
export function shownTime(at) {
  const [day, clock] = at.split("T");
  if (day === wallClock().split("T")[0]) return clock;
  return `${clock} on ${new Date(`${day}T00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" })}`;
}

/** Says under the field what its time means. */
export function showEventTime(at) {
  line.textContent = !at ? "" : `${isLater(at) ? "Is scheduled for" : "Gets the time"} ${shownTime(at)}.`;
}
