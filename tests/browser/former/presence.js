/** Who else is at the desk, and how many readers there are: a line that the server writes, through a socket. */

const SIGNED_OUT = 4401;
const GONE = 4404;
const COME_BACK = 4000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const PROVEN_MS = 5_000;
const OPENING_MS = 10_000;
const HIDDEN_MS = 60_000;
const OUTDATED_MS = 10_000;
const SILENT_MS = 40_000; // the server repeats itself every 15 s

const place = document.getElementById("presence-place");
let socket = null;
let isWanted = false;
let isRefused = false;
let failures = 0;
let timer = 0;
let hiding = 0;
let outdating = 0;
let silence = 0;

/** Opens the socket, and again whenever it is lost; also after the server said that nobody is signed in. */
export function start() {
  isRefused = false;
  wake();
}

function wake() {
  clearTimeout(hiding);
  if (!place || isRefused) return;
  isWanted = true;
  failures = 0;
  if (!socket) connect();
}

function rest() {
  isWanted = false;
  drop();
  outdate();
}

function renew() {
  drop();
  if (isWanted) connect();
}

function drop() {
  clearTimeout(timer);
  clearTimeout(silence);
  const dropped = socket;
  socket = null;
  dropped?.close();
}

function connect() {
  clearTimeout(timer);
  const url = new URL(place.dataset.socket, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const opening = new WebSocket(url);
  const patience = setTimeout(() => opening.readyState === WebSocket.CONNECTING && opening.close(), OPENING_MS);
  let proof = 0;
  socket = opening;
  opening.onopen = () => {
    clearTimeout(patience);
    proof = setTimeout(() => (failures = 0), PROVEN_MS);
  };
  opening.onmessage = ({ data }) => socket === opening && show(data);
  opening.onclose = ({ code }) => {
    clearTimeout(patience);
    clearTimeout(proof);
    if (socket !== opening) return;
    drop();
    isRefused = code === SIGNED_OUT || code === GONE;
    outdate();
    if (isWanted && !isRefused) retry(code);
  };
}

function retry(code) {
  if (code !== COME_BACK) failures += 1;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1));
  timer = setTimeout(connect, wait * (0.5 + Math.random()));
}

function show(html) {
  clearTimeout(outdating);
  outdating = 0;
  clearTimeout(silence);
  silence = setTimeout(renew, SILENT_MS);
  place.innerHTML = html; // with every name escaped
  const { revision, queue, readers } = place.firstElementChild.dataset;
  const detail = { revision: Number(revision), queue, readers: Number(readers) };
  document.dispatchEvent(new CustomEvent("desk:nudge", { detail }));
}

// Without a socket nobody knows who is there; a moment without one is no news.
function outdate() {
  outdating ||= setTimeout(() => place?.replaceChildren(), OUTDATED_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiding = setTimeout(rest, HIDDEN_MS);
  else wake();
});
addEventListener("online", () => isWanted && !isRefused && renew()); // the old one may be dead and not know it
addEventListener("pagehide", rest);
addEventListener("pageshow", ({ persisted }) => persisted && wake());
document.addEventListener("desk:posted", () => isRefused && start()); // somebody is signed in again
if (!document.hidden) wake();
