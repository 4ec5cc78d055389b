/**
 * The readers' socket, opened at the desk: what it brings is only a sign that something has changed, and the
 * poll fetches it. A draft has no socket, and an ended event soon has none: then the poll alone goes on.
 */

import { cursor, list } from "./items.js";

const ENDED = 1000;
const GONE = 4404;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const PROVEN_MS = 5_000;
const OPENING_MS = 10_000;
const HALF_OPEN_MS = 3_000;
const HIDDEN_MS = 60_000;
const PAUSE_MS = 1_000;

let socket = null;
let isWanted = false;
let failures = 0;
let timer = 0;
let hiding = 0;
let heard = 0; // the newest revision that this socket has told of
let pause = 0;
let isNews = false;

/** Opens the socket while the page is seen, and again whenever it is lost. */
export function listen() {
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(stop, HIDDEN_MS);
    else start();
  });
  addEventListener("pagehide", stop); // an open socket keeps a page out of the back/forward cache
  addEventListener("pageshow", ({ persisted }) => persisted && start());
  addEventListener("online", renew); // the old one may be dead and not know it
  start();
}

/** Opens it if it is closed: at the start, on return, and when the event may have become public. */
export function start() {
  isWanted = true;
  if (!socket) connect();
}

/** Checks that the socket, too, tells of what a poll has brought; one that is half-open does not. */
export function expect(revision) {
  const asked = socket;
  if (asked?.readyState !== WebSocket.OPEN) return;
  setTimeout(() => socket === asked && heard < revision && renew(), HALF_OPEN_MS);
}

function stop() {
  isWanted = false;
  drop();
}

function renew() {
  if (!isWanted) return;
  drop();
  connect();
}

function drop() {
  clearTimeout(timer);
  const dropped = socket;
  socket = null;
  dropped?.close();
}

function connect() {
  clearTimeout(timer);
  const url = new URL(list().dataset.liveUrl, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ after: cursor(), edition: list().dataset.edition, desk: 1 });
  const opening = new WebSocket(url);
  const patience = setTimeout(() => opening.readyState === WebSocket.CONNECTING && opening.close(), OPENING_MS);
  let proof = 0;
  socket = opening;
  heard = cursor();
  opening.onopen = () => {
    clearTimeout(patience);
    proof = setTimeout(() => (failures = 0), PROVEN_MS);
  };
  opening.onmessage = ({ data }) => socket === opening && hear(data);
  opening.onclose = ({ code }) => {
    clearTimeout(patience);
    clearTimeout(proof);
    if (socket !== opening) return;
    socket = null;
    if (code === ENDED || code === GONE) isWanted = false;
    else retry();
    if (proof || !isWanted) nudge(); // what it did not tell of any more
  };
}

function retry() {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  failures += 1;
  timer = setTimeout(connect, wait * (0.5 + Math.random()));
}

function hear(fragment) {
  const [, revision = Infinity] = /data-revision="(\d+)"/.exec(fragment) ?? []; // a call to reload names none
  heard = Math.max(heard, Number(revision));
  if (heard > cursor()) nudge();
}

/** Has the poll ask at once, but once a second at most: a burst of posts is fetched together. */
function nudge() {
  isNews = true;
  if (pause) return;
  isNews = false;
  document.dispatchEvent(new Event("desk:nudge"));
  pause = setTimeout(() => {
    pause = 0;
    if (isNews) nudge();
  }, PAUSE_MS);
}
