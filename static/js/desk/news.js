/**
 * Follows what is new at the desk: asks every few seconds, and at once when the readers' socket brings something. A
 * draft has no socket, and an ended event soon has none; the poll goes on without it.
 */

import { known } from "../shared/connection.js";
import { onReturn, send } from "../shared/events.js";
import { remember } from "../shared/patch.js";
import { pollNow, rest, resume, watchPolls } from "../shared/poll.js";
import * as socket from "../shared/socket.js";
import { cards, cursor, feed } from "../shared/stream.js";
import { clock, pageKey, user } from "./page.js";
import { takeWaitingParts } from "./parts.js";

const OFTEN_SECONDS = 5;
const HIDDEN_SECONDS = 30;
const TOGETHER_MS = 1_000;
const MAY_BE_OLD = "What stands here may be out of date.";
const presence = () => document.getElementById("presence");
let together = 0;
let isNews = false;

/** Begins to ask and to listen. */
export function followNews() {
  watchPolls({
    pace: () => (document.hidden ? HIDDEN_SECONDS : OFTEN_SECONDS),
    question,
    headers: { "Liveblog-Author": user }, // whoever is named, or nobody, gets words instead of the page to sign in on
    onAnswer,
    onFailure,
    onRecovery: socket.retrySoon,
  });
  socket.watchSocket(noteFragment, { desk: 1 });
  addEventListener("pagehide", () => {
    rest(); // a request that comes after the beacon would be taken for a sign that the page is open
    leave();
  });
  onReturn(({ type }) => {
    if (type === "pageshow") resume();
    pollNow();
    socket.start();
  });
  for (const name of ["sendError", "timeout", "responseError"]) {
    document.addEventListener(`htmx:${name}`, ({ target }) => {
      if (target.id === "older") say("The older updates could not be loaded. Try again in a moment.");
    });
  }
  addEventListener("DOMContentLoaded", pollNow); // the others see at once who has come
  socket.start();
}

/** Checks after news that the socket brings it too. With another status the event may have a socket only now. */
export function noteNews(hasStatus) {
  if (hasStatus) {
    socket.allow();
    socket.start();
  }
  socket.expect(cursor());
}

function question() {
  const pinned = cards().filter((item) => item.classList.contains("is-pinned")).map((item) => item.dataset.number);
  const queue = document.getElementById("queue")?.dataset.digest ?? "";
  return { pinned: pinned.slice(0, 10).join(), queue, presence: presence().dataset.digest, page: pageKey };
}

function onAnswer() {
  send("desk:fresh");
  say("");
  takeWaitingParts();
}

function onFailure({ status, responseText }) {
  const words = responseText.length < 200 ? responseText.trim() : "";
  const since = clock(known().lastContact);
  if (status === 401 || status === 404) leave();
  if (status === 401) warn(`${words || "You are signed out."} ${MAY_BE_OLD}`, { offerLogin: true });
  else if (status === 404) warn("This event is gone, or you no longer work on it.");
  else if (!navigator.onLine) warn(`Offline since ${since}. ${MAY_BE_OLD}`);
  else if (known().failures > 1) warn(`No answer since ${since}; trying again. ${MAY_BE_OLD}`);
}

/** Has the poll fetch what the socket brings for readers: the desk has its own view of it. */
function noteFragment(fragment) {
  const [, revision = Infinity] = /data-revision="(\d+)"/.exec(fragment) ?? []; // a call to reload names none
  if (Number(revision) > cursor()) askSoon();
}

/** Asks at once, but only once a second: many posts are fetched together. */
function askSoon() {
  isNews = true;
  if (together) return;
  isNews = false;
  pollNow();
  together = setTimeout(() => {
    together = 0;
    if (isNews) askSoon();
  }, TOGETHER_MS);
}

/** Lets others see at once that this page is no longer open. */
function leave() {
  navigator.sendBeacon(feed().dataset.departureUrl, new URLSearchParams({ page: pageKey }));
}

/** Says that the page may be out of date, and empties the line of who is there. */
function warn(words, options) {
  presence().replaceChildren();
  presence().dataset.digest = "";
  remember(presence()); // else the same line would be taken for what stands there
  say(words, options);
}

/** Says something above the stream; "" takes it away. */
function say(words, { offerLogin = false } = {}) {
  const line = document.getElementById("stream-state");
  const text = line.querySelector("span");
  if (text.textContent === words) return;
  text.textContent = words;
  line.querySelector("a").hidden = !offerLogin;
  line.hidden = !words;
}
