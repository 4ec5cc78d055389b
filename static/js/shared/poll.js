/** Decides which of htmx's ticks become requests, and what their answers mean. */

import { known, report } from "./connection.js";
import { cursor, feed } from "./stream.js";

const GREATEST_SECONDS = 60;
const SAFETY_SECONDS = 50; // beside a socket: with the time to give up a dead connection, less than a minute
const STALLED_MS = 8_000;
const GONE_AGAIN_MS = 5_000;
const SLEPT_MS = 10_000;
const element = () => document.getElementById("poll");
let finishedAt = performance.now(); // times are of the page's own, which nobody sets
let activeAt = null; // when the request under way was sent or brought its last bytes
let notBefore = 0;
let isUrgent = false;
let gone = 0;
let jitter = 1;
let ahead = clockAhead();

/** Asks at once, or as soon as the answer that is under way has come. */
export function pollNow() {
  isUrgent = true;
  if (activeAt === null && element()) htmx.trigger(element(), "poll");
}

/** Whether an answer is a fragment: the page of a hotel's network is one too, and says 200. */
const isOurs = (text) => text.startsWith("<section data-");

/** Gives up a request that brings nothing: its connection is dead, the next one gets another. */
function giveUpStalled() {
  if (activeAt !== null && performance.now() - activeAt > STALLED_MS) htmx.trigger(element(), "htmx:abort");
}

/** How far the clock is ahead of the page's own time, which stands still on many systems while the device sleeps. */
function clockAhead() {
  return Date.now() - performance.now();
}

/** Asks at once after the device has slept. A clock that was set looks the same, and costs one request. */
function noticeSleep() {
  const before = ahead;
  ahead = clockAhead();
  if (ahead - before > SLEPT_MS) pollNow();
}

/** Forgets a request that the browser froze with the page. */
export function forgetRequest() {
  activeAt = null;
}

function seconds() {
  const { failures, isOpen, seconds: often } = known();
  if (failures) return Math.min(GREATEST_SECONDS, often * 2 ** failures);
  if (isOpen) return SAFETY_SECONDS; // an ended event's too, whose answers ask for a minute
  return document.hidden ? GREATEST_SECONDS : often;
}

function isDue() {
  const now = performance.now();
  if (activeAt !== null || now < notBefore) return false;
  return isUrgent || now - finishedAt >= seconds() * 1000 * jitter;
}

/** Gates the ticks of the poll element and reads what its answers say about the connection. */
export function watchPolls({ onGone, onSilence, onRecovery }) {
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target !== element()) return;
    if (!isDue()) return event.preventDefault();
    const { headers, parameters } = event.detail;
    for (const name of Object.keys(headers)) delete headers[name]; // in a sandboxed frame they would cost a preflight
    parameters.after = String(cursor());
    parameters.edition = feed().dataset.edition;
    activeAt = performance.now();
    isUrgent = false;
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    if (event.target === element() && activeAt !== null) activeAt = performance.now();
  });
  setInterval(giveUpStalled, 1_000);
  setInterval(noticeSleep, 1_000);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== element()) return;
    const { xhr } = event.detail;
    activeAt = null;
    finishedAt = performance.now();
    report({ isChecking: false });
    jitter = 0.7 + Math.random() * 0.3; // never later than said, and not all at once
    // Every answer of the service says how often to ask; the 404 of a proxy before it does not.
    const often = Number(xhr.status && xhr.getResponseHeader("Poll-Seconds"));
    if (often > 0) report({ seconds: often });
    const retryAfter = Number(xhr.status && xhr.getResponseHeader("Retry-After"));
    notBefore = retryAfter > 0 ? finishedAt + Math.min(retryAfter, GREATEST_SECONDS) * 1000 : 0;
    if (xhr.status === 204 || (xhr.status === 200 && isOurs(xhr.responseText))) {
      gone = 0;
      if (known().failures) onRecovery();
      report({ failures: 0, isOnline: true });
    } else if (xhr.status === 404 && often > 0) {
      gone += 1;
      if (gone > 1) return onGone();
      notBefore = finishedAt + GONE_AGAIN_MS;
      isUrgent = true;
    } else {
      report({ failures: known().failures + 1 });
      // The first failure may be a connection that died unnoticed; the next try has a new one.
      if (known().failures === 1 && !retryAfter) isUrgent = true;
      if (!xhr.status) onSilence();
    }
    if (isUrgent && performance.now() >= notBefore) setTimeout(() => isUrgent && pollNow());
  });
}
