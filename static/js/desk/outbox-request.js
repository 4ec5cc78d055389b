/**
 * Sends one request of the outbox and returns what came of it:
 *
 * {kind: "published" | "waits", html, number, readers, why}   taken
 * {kind: "refused", words}, {kind: "clash", html}             answered for good
 * {kind: "login", words}                                      not under this login
 * {kind: "later", words, seconds?, isUnsure}                  to be sent again under the same key
 *
 * An answer without the service's own headers (a hotel's page, a proxy's error) counts as no answer.
 */

import { desk, user } from "./page.js";

const NO_ANSWER = "No answer came";
const UNSENT = new Set([408, 425, 429, 503]); // the service says that it has not taken it
export const token = () => /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
const headers = () => ({ "Liveblog-Author": user, "X-CSRFToken": token() });

/** Sends an entry's text, with the keys of its photos. */
export async function postEntry(entry, signal, isSecondTry = false) {
  const seconds = Number(desk.dataset.answerSeconds ?? 30);
  let response, text;
  const wait = new AbortController();
  const stop = () => wait.abort();
  const timer = setTimeout(stop, seconds * 1000);
  signal.addEventListener("abort", stop);
  try {
    const options = { method: "POST", headers: headers(), body: fieldsOf(entry), redirect: "manual", cache: "no-store", signal: wait.signal };
    response = await fetch(entry.address, options);
    text = await response.text();
  } catch {
    const isLate = wait.signal.aborted && !signal.aborted;
    if (isLate) closeDeadConnections(seconds);
    const words = isLate ? `${NO_ANSWER} for ${seconds} ${seconds === 1 ? "second" : "seconds"}` : NO_ANSWER;
    return { kind: "later", words, isUnsure: true };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
  const header = (name) => response.headers.get(name);
  if (response.status === 200 && header("Liveblog-Number")) {
    return { kind: "published", html: text, number: Number(header("Liveblog-Number")), readers: header("Liveblog-Readers") };
  }
  if (response.status === 202 && header("Liveblog-Waiting")) return { kind: "waits", html: text, why: header("Liveblog-Waiting") };
  const refusal = readRefusal(response.status, header, text);
  if (refusal.isToken && !isSecondTry && (await renewToken(entry))) return postEntry(entry, signal, true);
  return refusal;
}

/** Sends one photo; `progressed` gets the part that is sent, from 0 to 1. */
export async function postPhoto(entry, ...rest) {
  const answer = await sendPhoto(entry, ...rest);
  return answer.isToken && (await renewToken(entry)) ? sendPhoto(entry, ...rest) : answer;
}

function sendPhoto(entry, photo, blob, signal, progressed) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const address = entry.address.replace(/updates\/$/, "photos/");
    const form = new FormData();
    form.append("key", photo.key);
    form.append("photo", blob, photo.name || "photo");
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.timeout = 1000 * (Number(desk.dataset.answerSeconds ?? 60) + blob.size / 10_000); // at least 10 kB/s
    request.upload.onprogress = ({ loaded, total }) => progressed(loaded / total);
    const later = () => resolve({ kind: "later", words: NO_ANSWER, isUnsure: false });
    request.onerror = request.onabort = later;
    request.ontimeout = () => { closeDeadConnections(2); later(); };
    request.onload = () => {
      const isOurs = request.status === 200 && readKey(request.responseText) === photo.key;
      resolve(isOurs ? { kind: "taken" } : readRefusal(request.status, (name) => request.getResponseHeader(name), request.responseText));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/**
 * Closes dead connections. A network that swallows bytes leaves up to six of them, and each would cost a try of its
 * own. A browser closes one only when a request on it is given up.
 */
function closeDeadConnections(seconds) {
  const given = new AbortController();
  setTimeout(() => given.abort(), Math.min(2, seconds) * 1000);
  for (let number = 0; number < 6; number += 1) {
    fetch("/healthz", { method: "HEAD", cache: "no-store", signal: given.signal }).catch(() => {});
  }
}

/** Returns the fields of an entry as a form sends them. */
export function fieldsOf(entry) {
  const fields = new URLSearchParams({ key: entry.key, headline: entry.headline, body: entry.body });
  if (entry.is_key) fields.set("is_key", "on");
  if (entry.at) fields.set("at", entry.at);
  if (entry.far_time) fields.set("far_time", entry.far_time);
  if (entry.later) fields.set("later", "1");
  for (const photo of entry.photos) {
    fields.append("photo", photo.key);
    fields.append("alt", photo.alt);
  }
  return fields;
}

function readRefusal(status, header, text) {
  const isPlain = header("Content-Type")?.startsWith("text/plain") ?? false;
  const words = isPlain ? text.trim() : "";
  const isToken = status === 403 && header("Liveblog-Refusal") === "csrf";
  if (isToken) return { kind: "login", words: "Your session has changed.", isToken };
  if (status === 401 && isPlain) return { kind: "login", words };
  if (status === 409) return { kind: "clash", html: text };
  if (status === 413) return { kind: "refused", words: words || "This is too large for the service." };
  if (isPlain && status >= 400 && status < 500 && !UNSENT.has(status)) return { kind: "refused", words };
  if (status === 400) return { kind: "refused", words: "The service could not read this." };
  const after = Number(header("Retry-After"));
  const seconds = after > 0 ? Math.min(after, 300) : undefined;
  if (UNSENT.has(status)) return { kind: "later", words: words || "The service is busy", seconds, isUnsure: status === 408 };
  if (status >= 500) return { kind: "later", words: `The service has trouble (${status})`, seconds, isUnsure: true };
  return { kind: "later", words: "Something else answered, perhaps the sign-in page of a wireless network", isUnsure: true };
}

/** Fetches a desk page, which sets the cookie that the token is read from. */
async function renewToken(entry) {
  const options = { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout?.(10_000) };
  const response = await fetch(entry.address.replace(/updates\/$/, ""), options).catch(() => null);
  return Boolean(response?.ok && token());
}

function readKey(text) {
  try {
    return JSON.parse(text).key;
  } catch {
    return "";
  }
}
