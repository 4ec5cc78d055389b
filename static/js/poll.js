/** Decides which of htmx's ticks become requests, and what their answers mean. */

import { known, report } from "./connection.js";
import { cursor, feed } from "./stream.js";

const GREATEST_SECONDS = 60;
const STALLED_MS = 30_000;
const GONE_AGAIN_MS = 5_000;
const element = () => document.getElementById("poll");
let finishedAt = Date.now();
let sentAt = 0; // 0: none is under way
let notBefore = 0;
let isUrgent = false;
let gone = 0;
let jitter = 1;

/** Asks at once, or as soon as the answer that is under way has come. */
export function pollNow() {
  isUrgent = true;
  if (!sentAt && element()) htmx.trigger(element(), "poll");
}

/** Forgets a request that the browser froze with the page. */
export function forgetRequest() {
  sentAt = 0;
}

function seconds() {
  const { failures, isOpen, seconds: often } = known();
  if (failures) return Math.min(GREATEST_SECONDS, often * 2 ** failures);
  return isOpen || document.hidden ? GREATEST_SECONDS : often;
}

function isDue() {
  const now = Date.now();
  if (sentAt && now - sentAt < STALLED_MS) return false;
  if (now < notBefore) return false;
  return isUrgent || now - finishedAt >= seconds() * 1000 * jitter;
}

/** Gates the ticks of the poll element and reads what its answers say about the connection. */
export function watchPolls({ onGone }) {
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target !== element()) return;
    if (!isDue()) return event.preventDefault();
    const { headers, parameters } = event.detail;
    for (const name of Object.keys(headers)) delete headers[name]; // in a sandboxed frame they would cost a preflight
    parameters.after = String(cursor());
    parameters.edition = feed().dataset.edition;
    sentAt = Date.now();
    isUrgent = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== element()) return;
    const { xhr } = event.detail;
    sentAt = 0;
    finishedAt = Date.now();
    jitter = 0.85 + Math.random() * 0.3;
    const often = Number(xhr.status && xhr.getResponseHeader("Poll-Seconds"));
    if (often > 0) report({ seconds: often });
    const retryAfter = Number(xhr.status && xhr.getResponseHeader("Retry-After"));
    notBefore = retryAfter > 0 ? finishedAt + Math.min(retryAfter, GREATEST_SECONDS) * 1000 : 0;
    if (xhr.status === 200 || xhr.status === 204) {
      gone = 0;
      report({ failures: 0, isOnline: true });
    } else if (xhr.status === 404) {
      gone += 1;
      if (gone > 1) return onGone();
      notBefore = finishedAt + GONE_AGAIN_MS;
      isUrgent = true;
    } else {
      report({ failures: known().failures + 1 });
    }
    if (isUrgent && Date.now() >= notBefore) setTimeout(() => isUrgent && pollNow());
  });
}
