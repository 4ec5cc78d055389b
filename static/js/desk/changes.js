/** Asks the server what has changed: every few seconds, at once when nudged, ever more rarely while nothing answers. */

import { clock, page, user } from "./here.js";
import { cursor, items, list, reaches } from "./items.js";
import { takeWaitingParts } from "./parts.js";
import * as presence from "./presence.js";
import * as socket from "./socket.js";
import { extend, replace, takeNews } from "./stream.js";

const OFTEN_MS = 5_000;
const HIDDEN_MS = 30_000;
const RARELY_MS = 60_000;
const PATIENCE_MS = 15_000;
const PAGES = 20;

let timer = 0;
let isAsking = false;
let request = null;
let isUrgent = false;
let isAway = false;
let failures = 0;
let lastAnswer = new Date();

/** Begins, and listens for what makes it worth asking at once. */
export function follow() {
  for (const name of ["desk:nudge", "desk:changed"]) document.addEventListener(name, askNow);
  document.addEventListener("visibilitychange", () => document.hidden || askNow());
  addEventListener("online", askNow);
  addEventListener("pagehide", () => {
    isAway = true;
    clearTimeout(timer);
    request?.abort(); // it might come after the beacon, and be taken for a sign that the page is open
    presence.leave();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    isAway = false;
    askNow();
  });
  list().addEventListener("click", (click) => {
    const link = click.target.closest("#older");
    if (!link || click.metaKey || click.ctrlKey || click.shiftKey || click.button) return;
    click.preventDefault();
    loadOlder(link);
  });
  ask(); // the others see at once who has come
}

function askNow() {
  isUrgent = true;
  if (!isAsking) ask();
}

function plan() {
  clearTimeout(timer);
  if (isAway) return;
  const pace = document.hidden ? HIDDEN_MS : OFTEN_MS;
  const wait = failures ? Math.min(RARELY_MS, OFTEN_MS * 2 ** (failures - 1)) * (0.5 + Math.random()) : pace;
  timer = setTimeout(ask, isUrgent ? 0 : wait);
}

async function ask() {
  if (isAsking || isAway) return;
  isAsking = true;
  clearTimeout(timer);
  isUrgent = false;
  const url = new URL(list().dataset.changesUrl, location.href);
  const pinned = items().filter((item) => item.classList.contains("is-pinned")).map((item) => item.dataset.number);
  url.search = new URLSearchParams({
    after: cursor(),
    edition: list().dataset.edition,
    pinned: pinned.slice(0, 10),
    queue: document.getElementById("queue")?.dataset.digest ?? "",
    presence: presence.digest(),
    page,
  });
  try {
    await hear(await fetchText(url));
  } catch (error) {
    if (!(error instanceof TypeError || error.name === "AbortError")) console.error(error);
    failures += 1;
    if (!navigator.onLine) warn(`Offline since ${clock(lastAnswer)}. What stands here may be out of date.`);
    else if (failures > 1) warn(`No answer since ${clock(lastAnswer)}; trying again. What stands here may be out of date.`);
  }
  isAsking = false;
  plan();
}

async function hear({ status, text }) {
  if (status === 204 || (status === 200 && text.startsWith('<section class="news"'))) {
    failures = 0;
    document.dispatchEvent(new CustomEvent("desk:fresh"));
    lastAnswer = new Date();
    tell("");
    if (status === 204) return takeWaitingParts();
    const section = document.createRange().createContextualFragment(text).firstElementChild;
    const isReload = "reload" in section.dataset;
    const mayBePublic = isReload || section.querySelector("#status");
    if (isReload) await reload();
    else if (!takeNews(section)) isUrgent = true;
    if (mayBePublic) socket.start();
    socket.expect(cursor());
    return takeWaitingParts();
  }
  failures += 1;
  const words = text.length < 200 ? text.trim() : "";
  if (status === 401 || status === 404) presence.leave();
  if (status === 401) warn(`${words || "You are signed out."} What stands here may be out of date.`, { offerLogin: true });
  else if (status === 404) warn("This event is gone, or you no longer work on it.");
  else if (failures > 1) warn(`No answer since ${clock(lastAnswer)}; trying again. What stands here may be out of date.`);
}

async function fetchText(url) {
  const patience = new AbortController();
  request = patience;
  const timeout = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    // Who is named here, or nobody, gets an answer in words instead of the page to sign in on.
    const headers = { "Liveblog-Author": user };
    const answer = await fetch(url, { headers, redirect: "manual", cache: "no-store", signal: patience.signal });
    return { status: answer.status, text: answer.status === 204 ? "" : (await answer.text()).trim() };
  } finally {
    clearTimeout(timeout);
  }
}

async function fetchPage(search) {
  const { status, text } = await fetchText(new URL(search || location.pathname, location.href));
  if (status !== 200) throw new TypeError(`the desk answered ${status}`);
  const page = new DOMParser().parseFromString(text, "text/html").getElementById("items");
  if (!page) throw new TypeError("that was not the desk");
  return page;
}

/** Fetches all that the page has loaded anew, because changes can no longer lead there. */
async function reload() {
  const { oldest } = list().dataset;
  const pages = [await fetchPage(location.search)];
  while (pages.length < PAGES && !reaches(pages.at(-1).dataset.oldest, oldest)) {
    pages.push(await fetchPage(`?before=${encodeURIComponent(pages.at(-1).dataset.oldest)}`));
  }
  replace(pages);
  isUrgent = true;
}

async function loadOlder(link) {
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  const { oldest } = list().dataset;
  try {
    const page = await fetchPage(link.getAttribute("href"));
    if (oldest === list().dataset.oldest) {
      const first = page.querySelector(":scope > .item");
      extend(page);
      first?.querySelector("[data-land]")?.focus({ preventScroll: true });
    }
  } catch {
    tell("The older updates could not be loaded. Try again in a moment.");
  }
  link.removeAttribute("aria-busy");
  askNow();
}

/** Says that nobody knows what is so now, nor who is there. */
function warn(words, options) {
  presence.empty();
  tell(words, options);
}

/** Says once what is the matter, and takes it back when it no longer is. */
function tell(words, { offerLogin = false } = {}) {
  const line = document.getElementById("stream-state");
  const text = line.querySelector("span");
  if (text.textContent === words) return;
  text.textContent = words;
  line.querySelector("a").hidden = !offerLogin;
  line.hidden = !words;
}
