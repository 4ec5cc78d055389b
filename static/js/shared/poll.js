/** Decides which of htmx's ticks become requests, and what their answers mean. */

import { known, report } from "./connection.js";
import { noteRelease } from "./release.js";
import { cursor, feed } from "./stream.js";

const GREATEST_SECONDS = 60;
const STALLED_MS = 8_000;
const RETRY_SPREAD = 1.4; // with the jitter, from what was said to nearly half as long again
const GONE_AGAIN_MS = 5_000;
const SLEPT_MS = 10_000;
const element = () => document.getElementById("poll");
let finishedAt = performance.now(); // times are of the page's own, which nobody sets
let activeAt = null; // when the request under way was sent or brought its last bytes
let notBefore = 0;
let isUrgent = false;
let isResting = false;
let timesGone = 0;
let jitter = 1;
let ahead = clockAhead();

/** Asks at once, or as soon as the answer that is under way has come. */
export function pollNow() {
  isUrgent = true;
  if (activeAt === null && element()) htmx.trigger(element(), "poll");
}

/** Asks no more until `resume()`, because the page is closing or kept in the browser's memory. */
export function rest() {
  isResting = true;
  htmx.trigger(element(), "htmx:abort");
}

/** May ask again. A request that was under way was frozen with the page. */
export function resume() {
  isResting = false;
  activeAt = null;
}

/** Whether an answer is a fragment of ours. The page of a hotel's network says 200 too. */
const isOurs = (text) => /^\s*<section (class="news"|data-)/.test(text);

/** Gives up a request that brings nothing: its connection is dead, and the next request gets another. */
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

/**
 * Gates the ticks of the poll element and reads what its answers say about the connection.
 *
 * `pace()` returns the seconds between two requests while answers come, `question()` the parameters beside the cursor.
 * `headers` are sent with each. `onAnswer(xhr)`, `onFailure(xhr)`, `onRecovery()` and `onGone()` are called for the result.
 */
export function watchPolls({ pace, question = () => ({}), headers = {}, onAnswer, onFailure, onRecovery, onGone }) {
  let retrySeconds = 0; // what a service that is up but can't tell has said
  const seconds = () => {
    const { failures, seconds: often } = known();
    if (!failures) return pace();
    return retrySeconds > 0 ? retrySeconds * RETRY_SPREAD : Math.min(GREATEST_SECONDS, often * 2 ** failures);
  };
  const isDue = () => {
    const now = performance.now();
    if (isResting || activeAt !== null || now < notBefore) return false;
    return isUrgent || now - finishedAt >= seconds() * 1000 * jitter;
  };

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target !== element()) return;
    if (!isDue()) return event.preventDefault();
    const { headers: sent, parameters } = event.detail;
    for (const name of Object.keys(sent)) delete sent[name]; // in a sandboxed frame they would cost a preflight
    Object.assign(sent, headers);
    Object.assign(parameters, { after: String(cursor()), edition: feed().dataset.edition, ...question() });
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
    if (isResting) return;
    finishedAt = performance.now();
    report({ isChecking: false });
    jitter = 0.7 + Math.random() * 0.3; // never later than said, and not all at once
    // Every answer of the service says how often to ask; the 404 of a proxy before it does not.
    const often = Number(xhr.status && xhr.getResponseHeader("Poll-Seconds"));
    if (often > 0) report({ seconds: often });
    if (xhr.status) noteRelease(xhr.getResponseHeader("Release"));
    const retryAfter = Number(xhr.status && xhr.getResponseHeader("Retry-After"));
    retrySeconds = retryAfter > 0 ? Math.min(retryAfter, GREATEST_SECONDS) : 0;
    notBefore = retrySeconds ? finishedAt + retrySeconds * 1000 : 0;
    if (xhr.status === 204 || (xhr.status === 200 && isOurs(xhr.responseText))) {
      timesGone = 0;
      const wasFailing = known().failures > 0;
      report({ failures: 0, isOnline: true });
      if (wasFailing) onRecovery();
      onAnswer?.(xhr);
    } else if (xhr.status === 404 && often > 0) {
      timesGone += 1;
      if (timesGone > 1) return onGone();
      notBefore = finishedAt + GONE_AGAIN_MS;
      isUrgent = true;
    } else {
      report({ failures: known().failures + 1 });
      // The first failure may be a connection that died unnoticed; the next try has a new one.
      if (known().failures === 1 && !retryAfter) isUrgent = true;
      onFailure(xhr);
    }
    if (isUrgent && performance.now() >= notBefore) setTimeout(() => isUrgent && pollNow());
  });
}
