/** What the time that an author sets will mean, by the event's clock. */

import { desk } from "./here.js";

const zone = desk.dataset.zone || "UTC";
const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
const line = document.getElementById("composer-when");
const now = () => wall.format(new Date()).replace(" ", "T");

/** Whether a wall-clock time lies ahead. */
export const isLater = (at) => Boolean(at) && at > now();

/** Says it under the field. */
export function tellWhen(at) {
  const [day, clock] = at.split("T");
  const on = day === now().split("T")[0] ? "" : ` on ${day}`;
  line.textContent = !at ? "" : isLater(at) ? `Is scheduled for ${clock}${on}.` : `Gets the time ${clock}${on}.`;
}
