/** Shows times in the reader's zone or the event's, and marks where a new day begins. */

import { listen } from "../shared/events.js";
import { readText, writeText } from "../shared/storage.js";
import { feed, list, shownCards } from "../shared/stream.js";

const page = document.documentElement;
const language = readLanguage();
const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const day = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const forms = {
  clock: new Intl.DateTimeFormat(language, clock),
  day: new Intl.DateTimeFormat(language, day),
  short: new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short", ...clock }),
  full: new Intl.DateTimeFormat(language, { ...day, ...clock }),
};

/** Returns the language that a frame's publisher has chosen for days and times, if the browser knows it. */
function readLanguage() {
  try {
    return Intl.getCanonicalLocales(page.dataset.language ?? [])[0] ?? "en-GB";
  } catch {
    return "en-GB";
  }
}

const written = (form, date) => forms[form].format(date).replace(/^(\w+), /, "$1 ").replace(" at ", ", ");

/** Shows every time in `root` as the reader wants it; the other zone is in its title. */
export function formatTimes(root) {
  for (const time of root.querySelectorAll("time[data-form]")) {
    time.dataset.home ??= time.textContent;
    const date = new Date(time.dateTime);
    time.textContent = page.dataset.times === "event" ? time.dataset.home : written(time.dataset.form, date);
    time.dataset.homeTitle ??= time.title;
    time.title = `${time.dataset.homeTitle}\n${written("full", date)}, ${zoneName(date)}`;
  }
}

/** Puts a day's name before the first card of each day that is shown. */
export function markDays() {
  const before = new Map([...list().querySelectorAll(":scope > .day")].map((mark) => [mark.dataset.key, mark]));
  let last = null;
  for (const card of shownCards()) {
    const time = card.querySelector("time");
    const key = dayOf(time);
    if (key !== last) {
      const mark = before.get(key) ?? makeMark(key);
      before.delete(key);
      if (card.previousElementSibling !== mark) card.before(mark);
      mark.firstElementChild.textContent = key;
      mark.firstElementChild.dateTime = time.dateTime;
    }
    last = key;
  }
  for (const mark of before.values()) mark.remove();
  for (const mark of list().querySelectorAll(":scope > .day:not([data-key])")) mark.remove();
}

function dayOf(time) {
  // The title begins with the day in the event's zone: "Sunday 20 July 1969, 15:17 CDT".
  return page.dataset.times === "event" ? time.dataset.homeTitle.split(",")[0] : written("day", new Date(time.dateTime));
}

function makeMark(key) {
  const mark = document.createElement("p");
  mark.className = "day";
  mark.dataset.key = key;
  mark.append(document.createElement("time"));
  return mark;
}

function zoneName(date) {
  return new Intl.DateTimeFormat(language, { timeZoneName: "short" }).formatToParts(date).find((part) => part.type === "timeZoneName").value;
}

/** Lets the reader choose between their own zone and the event's, by the button or by tapping any time. */
export function offerZones(button) {
  page.dataset.times = readText("liveblog.times") ?? "local";
  const label = () => {
    const isEvent = page.dataset.times === "event";
    button.dataset.eventZone = feed().dataset.zone;
    const city = button.dataset.eventZone.split("/").pop().replaceAll("_", " ");
    button.textContent = isEvent ? `Times: ${city}` : `Times: yours, ${zoneName(new Date())}`;
    button.setAttribute("aria-pressed", String(isEvent));
  };
  const toggle = () => {
    page.dataset.times = page.dataset.times === "event" ? "local" : "event";
    writeText("liveblog.times", page.dataset.times);
    formatTimes(document);
    markDays();
    label();
  };
  button.addEventListener("click", toggle);
  listen("live:loaded", label); // the event may have another zone now
  document.addEventListener("click", (click) => {
    if (click.target.closest("time") && !click.target.closest("a")) toggle();
  });
  label();
}
