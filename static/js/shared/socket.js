/** The socket brings the same fragments as the poll, sooner. Every connect sends the present cursor. */

import { known, report } from "./connection.js";
import { pollNow } from "./poll.js";
import { noteRelease, releaseIn } from "./release.js";
import { cursor, feed } from "./stream.js";

const ENDED = 1000;
const COME_BACK = 4000;
const GONE = 4404;
const FAILURES_UNTIL_RARELY = 6;
const RARELY_MS = 5 * 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const PROVEN_MS = 5_000;
const OPENING_MS = 10_000;
const HALF_OPEN_MS = 3_000;
const HIDDEN_MS = 30_000;
const UNSURE_SPREAD_MS = 2_000;
const UNSURE = "<section data-unsure>"; // the server can't tell what is new: the poll's answers say so, and for how long

let socket = null;
let timer = 0;
let failures = 0;
let isWanted = false;
let delivered = 0; // the newest revision that came through this socket
let query = {};
let onFragment;

/** Sets up the socket: `take(fragment)` gets what it brings, `more` is added to its query. It closes in a hidden tab. */
export function watchSocket(take, more = {}) {
  onFragment = take;
  query = more;
  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(stop, HIDDEN_MS);
  });
  addEventListener("pagehide", stop); // an open socket keeps a page out of the back/forward cache
}

/** Opens the socket, and again whenever it is lost. An event that ended long ago has none, and no event of some servers. */
export function start() {
  if (document.hidden || !feed()?.dataset.liveUrl || "pollOnly" in feed().dataset) return;
  isWanted = true;
  if (!socket) connect();
}

/** Lets `start()` open the socket again, because the event goes on. */
export function allow() {
  delete feed().dataset.pollOnly;
}

/** Closes it and keeps it closed until `start()`. */
export function stop() {
  isWanted = false;
  clearTimeout(timer);
  drop();
}

/** Replaces a socket that looks open and delivers nothing. The new one has a new connection. */
export function renew() {
  if (!known().isOpen) return;
  drop();
  if (isWanted) connect();
}

/** Checks that the socket, too, brings what a poll has brought. */
export function expect(revision) {
  const asked = socket;
  if (!known().isOpen || delivered >= revision) return;
  setTimeout(() => {
    if (socket === asked && delivered < revision) renew();
  }, HALF_OPEN_MS);
}

function drop() {
  const dropped = socket;
  socket = null;
  dropped?.close();
  report({ isOpen: false });
}

function connect() {
  clearTimeout(timer);
  if (!("WebSocket" in window)) return;
  const url = new URL(feed().dataset.liveUrl, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ after: cursor(), edition: feed().dataset.edition, ...query });
  const opening = new WebSocket(url);
  let proof = 0;
  const patience = setTimeout(() => opening.readyState === WebSocket.CONNECTING && opening.close(), OPENING_MS);
  socket = opening;
  delivered = cursor();
  opening.onopen = () => {
    clearTimeout(patience);
    if (socket !== opening) return;
    report({ isOpen: true, isOnline: true });
    proof = setTimeout(prove, PROVEN_MS);
  };
  opening.onmessage = ({ data }) => {
    if (socket !== opening) return;
    if (data.startsWith(UNSURE)) return void setTimeout(pollNow, UNSURE_SPREAD_MS * Math.random());
    delivered = Math.max(delivered, Number(/data-revision="(\d+)"/.exec(data)?.[1] ?? 0));
    onFragment(data);
    noteRelease(releaseIn(data));
  };
  opening.onclose = ({ code }) => {
    clearTimeout(proof);
    if (socket !== opening) return;
    const wasOpen = known().isOpen;
    socket = null;
    report({ isOpen: false });
    if (code === ENDED) feed().dataset.pollOnly = "";
    if (code === ENDED || code === GONE) isWanted = false;
    else if (isWanted) retry(code);
    if (wasOpen || !isWanted) pollNow();
  };
}

/** Notes that the socket has stayed open. A server without its database closes a new one as soon as it is open. */
function prove() {
  failures = 0;
  report({ failures: 0 });
}

function retry(code) {
  if (code !== COME_BACK) failures += 1;
  // Only where polls get through do failing sockets say that something on the way forbids them.
  const isForbidden = failures >= FAILURES_UNTIL_RARELY && !known().failures;
  const wait = isForbidden ? RARELY_MS : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  timer = setTimeout(connect, wait * (0.5 + Math.random()));
}

/** Tries again soon, because a poll has found that the network is back. */
export function retrySoon() {
  failures = 0;
  if (!isWanted || socket) return;
  clearTimeout(timer);
  timer = setTimeout(connect, FIRST_WAIT_MS * 4 * Math.random());
}
