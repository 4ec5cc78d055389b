/** A page of another release than the service's: loads itself anew when its reader rests, and offers it until then. */

const SPREAD_MS = 120_000; // ten thousand open pages don't come back in the same second
const APART_MS = 60_000;
const LOOK_MS = 5_000;

const own = document.documentElement.dataset.release;
const isForgetful = self.origin === "null"; // a sandbox loses the history's state, and could load for ever
const page = { isAtRest: () => false, note: () => null, show: (change) => change(), confirm: () => true };
const line = () => document.querySelector("#newer > p");
let other = null; // the release that the service has now, if it is another
let isDue = false;
let timer = 0;
let triedAt = -Infinity;

/**
 * Lets a page be loaded anew. `isAtRest()` says whether its reader loses nothing by it, `note()` returns what the page
 * after it finds by `takeNote()`, `show(change)` changes what is shown, `confirm()` is asked when the button is pressed.
 */
export function watchRelease(handlers) {
  Object.assign(page, handlers);
  document.addEventListener("visibilitychange", () => isDue && look());
  line().querySelector("[name=load]").addEventListener("click", () => page.confirm() && load());
  line().querySelector("[name=later]").addEventListener("click", () => {
    line().dataset.putAway = other;
    withdraw();
  });
}

/** Returns, once, what the page before this one has noted. */
export function takeNote() {
  const { noted, ...rest } = history.state ?? {};
  if (noted) history.replaceState(rest, "");
  return noted;
}

/** Notes which release an answer of the service names, if any. */
export function noteRelease(release) {
  const seen = release === own ? null : release;
  if (!release || seen === other) return;
  // While processes are replaced one by one, both releases answer: the wait begins anew after each answer of the former.
  other = seen;
  isDue = false;
  clearTimeout(timer);
  withdraw();
  if (other) timer = setTimeout(begin, SPREAD_MS * Math.random());
}

/** Returns the release that some HTML names. */
export const releaseIn = (html) => /\sdata-release="(\w+)"/.exec(html)?.[1];

function begin() {
  isDue = true;
  look();
}

/** Loads the page if that may be now, else offers it. */
async function look() {
  clearTimeout(timer);
  timer = setTimeout(look, LOOK_MS);
  const { releases, at } = loadedBefore();
  if (isForgetful || releases.includes(other) || !page.isAtRest()) return offer();
  if (performance.now() - triedAt < APART_MS || Math.abs(Date.now() - at) < APART_MS) return;
  triedAt = performance.now();
  const wanted = other;
  if ((await isServed(wanted)) && isDue && other === wanted && page.isAtRest()) load();
}

/** Whether the document is there and of a release. Else an error page, or the former document, would take this one's place. */
async function isServed(release) {
  const answer = await fetch(location.href).catch(() => null);
  return Boolean(answer?.ok) && !answer.redirected && releaseIn(await answer.text()) === release;
}

function offer() {
  if (line().hidden && line().dataset.putAway !== other) page.show(() => { line().hidden = false; });
}

function withdraw() {
  if (!line().hidden) page.show(() => { line().hidden = true; });
}

/** Loads the document anew. The history's state outlives that, in frames too, which keep nothing on the device. */
function load() {
  clearTimeout(timer);
  isDue = false;
  const loaded = { releases: [...loadedBefore().releases, other], at: Date.now() };
  history.replaceState({ ...history.state, loaded, noted: page.note() }, "");
  location.reload();
}

/** The releases for which this page was loaded anew before, and when last: a cache may have the former one for long. */
const loadedBefore = () => history.state?.loaded ?? { releases: [], at: 0 };
