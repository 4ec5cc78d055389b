/**
 * Sends the outbox, one tab at a time, again and again until the service has answered. Texts go in order, and photos on a
 * lane of their own, from the moment they are picked: a text overtakes those that still wait for their photos.
 */

import { send } from "../shared/events.js";
import { pageKey, user } from "./page.js";
import { alone } from "./lock.js";
import { changeEntry, decide, dropEntry, findEntry, isOpen, listEntries } from "./outbox.js";
import { postEntry, postPhoto } from "./outbox-request.js";
import { takeNotes } from "./copies.js";
import { settled } from "./photo-scaling.js";
import { findPhoto, forgetPhotos } from "./photo-store.js";

const SOON_MS = 200;
const FIRST_MS = 700;
const LONGEST_MS = 60_000;
const LOGIN_MS = 60_000;
const KICK_MS = 1_500;
const ELSEWHERE_MS = 1_500;
const TAKEN_MS = 1_800_000; // the service does not keep a photo for ever that no update has

let isUnderWay = false;
let isWanted = false;
let kicked_at = 0;
let timer;
let held = null; // the signal of the lock, while it is this tab that sends
let picked = null; // the photos in this page's composer
const texts = lane(nextText, attemptText);
const uploads = lane(nextPhoto, attemptPhoto);

/**
 * Names the photos of the composer, so that they travel while the text is still written: `list()` returns `photos` with the
 * `address` of their entry to be, without those that were refused; `taken(key)` and `refused(key, words)` hear of one.
 */
export function offerPhotos(composer) {
  picked = { ...composer, failures: 0, retry_at: 0 };
}

/** Sends what is due; returns when nothing is. */
export async function sendDue() {
  if (held) return goOn();
  isWanted = true;
  if (isUnderWay) return;
  isUnderWay = true;
  let pause = SOON_MS;
  while (isWanted) {
    isWanted = false;
    if (!nextText() && !nextPhoto() && !listEntries().some((entry) => entry.sending)) continue;
    await alone(`sender:${user}`, sendAll).catch((error) => {
      console.warn(error);
      pause = LONGEST_MS / 6;
    });
  }
  isUnderWay = false;
  schedule(pause);
}

/** Sends without waiting longer, because the network, the page or the author is back. */
export function kick({ isAsked = false } = {}) {
  const now = Date.now();
  const isLongAgo = kicked_at > now || now - kicked_at > KICK_MS; // one that lies ahead was before the clock was set back
  if (isAsked || isLongAgo) kicked_at = now;
  sendDue();
}

/** Takes out what the worker has sent while no page could. */
export async function takeSent() {
  for (const note of (await takeNotes(user)) ?? []) if (findEntry(note.key)) settle(note, note);
}

async function sendAll(signal) {
  await takeSent();
  for (const { key, sending, uploading } of listEntries()) {
    if (sending || uploading) changeEntry(key, { sending: false, uploading: false }); // its tab is gone
  }
  held = signal;
  try {
    goOn();
    while (texts.underWay() || uploads.underWay()) await Promise.all([texts.underWay(), uploads.underWay()]);
  } finally {
    held = null;
  }
}

/** Begins what is due on both lanes; one that is under way looks again when it has done its present work. */
function goOn() {
  for (const one of [texts, uploads]) one.goOn(held);
}

/** Returns a lane, on which `attempt(one, signal)` is called for what `next()` returns, one after the other. */
function lane(next, attempt) {
  let isAsked = false;
  let running = null;
  const run = async (signal) => {
    await null; // so that `running` is set before this can end
    while (isAsked && !signal.aborted) {
      isAsked = false;
      for (let one = next(); one && !signal.aborted; one = next()) await attempt(one, signal);
    }
    running = null;
  };
  return {
    underWay: () => running,
    goOn(signal) {
      isAsked = true;
      running ??= run(signal).catch((error) => {
        running = null;
        throw error;
      });
    },
  };
}

/** Returns the first text that is due. */
function nextText() {
  return navigator.onLine ? (heads().find((entry) => dueAt(entry) <= Date.now()) ?? null) : null;
}

/** Returns for each event the first open entry whose photos the service has; those after it wait for it. */
function heads() {
  const seen = new Set();
  return listEntries().filter((entry) => isOpen(entry) && isReady(entry) && !seen.has(entry.event) && seen.add(entry.event));
}

const isTaken = ({ taken_at = 0, address }) => Boolean(address) || Date.now() - taken_at < TAKEN_MS;
const isReady = ({ photos }) => photos.every(isTaken);
const waiting = () => listEntries().filter((entry) => isOpen(entry) && !isReady(entry));

/** Returns the first photo to be sent, as `{ entry, photo }`: of an entry that is due, else one that was picked. */
function nextPhoto() {
  if (!navigator.onLine) return null;
  const entry = waiting().find((one) => dueAt(one) <= Date.now());
  if (entry) return { entry, photo: entry.photos.find((photo) => !isTaken(photo)) };
  return picked && picked.retry_at <= Date.now() ? nextPicked() : null;
}

function nextPicked() {
  const draft = picked?.list();
  const photo = draft?.photos.find((one) => !isTaken(one));
  return photo ? { entry: draft, photo } : null;
}

/** Returns when an entry is to be sent. A noted time that lies ahead of now comes from before the clock was set back. */
function dueAt({ order, page, retry_at = 0, failed_at = 0, told: isSetByService = false }) {
  const now = Date.now();
  const isElsewhere = page !== pageKey || document.hidden; // where its author looks, it is seen to arrive
  if (isElsewhere && !failed_at && kicked_at < order && order <= now) return order + ELSEWHERE_MS;
  const isKicked = !isSetByService && kicked_at > failed_at && kicked_at <= now;
  return isKicked || failed_at > now ? 0 : retry_at;
}

async function attemptText({ key }, signal) {
  const entry = await decide(() => changeEntry(key, { sending: true, needs: "" }));
  if (!entry) return;
  const answer = await sendText(entry, signal);
  if (signal.aborted && answer.kind === "later") return; // whoever took over knows better
  settle(entry, answer);
}

/** Sends one photo. That ends when its entry is discarded, or when it is taken out of the composer. */
async function attemptPhoto({ entry, photo }, signal) {
  await settled(photo.key);
  const stop = new AbortController();
  const look = () => { if (signal.aborted || !(holderOf(photo) || isPicked(photo))) stop.abort(); };
  document.addEventListener("desk:outbox", look);
  document.addEventListener("desk:draft", look);
  signal.addEventListener("abort", look);
  noteUpload(photo, { uploading: true, needs: "" });
  const blob = await findPhoto(photo.key);
  const answer = blob ? await postPhoto(entry, photo, blob, stop.signal, (part) => showUpload(photo, part)) : LOST;
  document.removeEventListener("desk:outbox", look);
  document.removeEventListener("desk:draft", look);
  signal.removeEventListener("abort", look);
  noteUpload(photo, { uploading: false });
  if (!stop.signal.aborted) settlePhoto(photo, answer);
  goOn(); // the text that waited for it
}

const LOST = { kind: "refused", words: "it is no longer on this device. Post it again, or post without it." };
const holderOf = ({ key }) => listEntries().find(({ photos }) => photos.some((photo) => photo.key === key));
const isPicked = ({ key }) => Boolean(picked?.list().photos.some((photo) => photo.key === key));

function noteUpload(photo, fields) {
  const entry = holderOf(photo);
  if (entry) changeEntry(entry.key, fields);
}

function showUpload(photo, part) {
  const entry = holderOf(photo);
  if (entry) send("desk:progress", { key: entry.key, photo: entry.photos.findIndex(({ key }) => key === photo.key), part });
}

/** Notes what became of a photo: at its entry if it has been posted, and in the composer. */
function settlePhoto(photo, answer) {
  const isRefused = answer.kind === "refused" || answer.kind === "clash";
  const entry = holderOf(photo);
  if (!entry) settlePicked(photo, answer, isRefused);
  else if (answer.kind === "taken") {
    const photos = entry.photos.map((one) => (one.key === photo.key ? { ...one, taken_at: Date.now() } : one));
    changeEntry(entry.key, { photos, tries: 0, failed_at: 0, retry_at: 0, reason: "" });
  } else if (isRefused) {
    const place = entry.photos.findIndex(({ key }) => key === photo.key) + 1;
    settle(entry, { kind: "refused", words: `Photo ${place}${photo.name ? ` (${photo.name})` : ""}: ${answer.words ?? "refused"}` });
  } else settle(entry, answer);
}

function settlePicked(photo, answer, isRefused) {
  if (answer.kind === "taken") picked?.taken(photo.key);
  else if (isRefused) picked?.refused(photo.key, answer.words ?? "");
  const hasFailed = answer.kind !== "taken" && !isRefused;
  if (!picked) return;
  picked.failures = hasFailed ? picked.failures + 1 : 0;
  const wait = answer.seconds ? answer.seconds * 1000 : Math.min(LONGEST_MS, FIRST_MS * 2 ** picked.failures);
  picked.retry_at = hasFailed ? Date.now() + wait : 0;
}

async function sendText(entry, signal) {
  changeEntry(entry.key, { unanswered: true });
  const answer = await postEntry(entry, signal);
  if (answer.kind === "login" || (answer.kind === "later" && !answer.isUnsure)) {
    changeEntry(entry.key, { unanswered: entry.unanswered ?? false }); // this time it did not arrive
  }
  return answer;
}

function settle({ key, tries = 0 }, answer) {
  const entry = findEntry(key);
  const now = Date.now();
  if (answer.kind === "published" || answer.kind === "waits") {
    dropEntry(key);
    forgetPhotos((entry?.photos ?? []).map((photo) => photo.key));
    send("desk:posted", { html: answer.html, status: answer.kind === "waits" ? 202 : 200, readers: answer.readers, why: answer.why, entry });
  } else if (answer.kind === "refused") {
    changeEntry(key, { sending: false, unanswered: false, state: "refused", reason: answer.words });
  } else if (answer.kind === "clash") {
    changeEntry(key, { sending: false, unanswered: false, state: "clash", published: answer.html, reason: "" });
  } else if (answer.kind === "login") {
    changeEntry(key, { sending: false, needs: "login", reason: answer.words, failed_at: now, retry_at: now + LOGIN_MS, told: false });
  } else {
    const wait = answer.seconds ? answer.seconds * 1000 : Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.5 + Math.random() / 2);
    changeEntry(key, { sending: false, tries: tries + 1, reason: answer.words, failed_at: now, retry_at: now + wait, told: Boolean(answer.seconds) });
  }
}

function schedule(pause) {
  clearTimeout(timer);
  const first = [...heads(), ...waiting()].map(dueAt);
  if (nextPicked()) first.push(picked.retry_at);
  if (!first.length || !navigator.onLine) return;
  const soonest = Math.min(...first);
  timer = setTimeout(sendDue, Math.min(Math.max(pause, soonest - Date.now()), LONGEST_MS));
}
