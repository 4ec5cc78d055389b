/** Sends the outbox: in order, one tab at a time, again and again until the service has answered. */

import { send } from "../shared/events.js";
import { pageKey, user } from "./page.js";
import { alone } from "./lock.js";
import { changeEntry, decide, dropEntry, findEntry, isOpen, listEntries } from "./outbox.js";
import { postEntry, postPhoto } from "./outbox-request.js";
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

/** Sends what is due; returns when nothing is. */
export async function sendDue() {
  isWanted = true;
  if (isUnderWay) return;
  isUnderWay = true;
  let pause = SOON_MS;
  while (isWanted) {
    isWanted = false;
    if (!next() && !listEntries().some((entry) => entry.sending)) continue;
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

async function sendAll(signal) {
  for (const { key, sending } of listEntries()) if (sending) changeEntry(key, { sending: false }); // its tab is gone
  for (let entry = next(); entry && !signal.aborted; entry = next()) await attempt(entry.key, signal);
}

/** Returns the first entry that is due. */
function next() {
  return navigator.onLine ? (heads().find((entry) => dueAt(entry) <= Date.now()) ?? null) : null;
}

/** Returns the first open entry of each event; the others wait for it. */
function heads() {
  const seen = new Set();
  return listEntries().filter((entry) => isOpen(entry) && !seen.has(entry.event) && seen.add(entry.event));
}

/** Returns when an entry is to be sent. A noted time that lies ahead of now comes from before the clock was set back. */
function dueAt({ order, page, retry_at = 0, failed_at = 0, told: isSetByService = false }) {
  const now = Date.now();
  const isElsewhere = page !== pageKey || document.hidden; // where its author looks, it is seen to arrive
  if (isElsewhere && !failed_at && kicked_at < order && order <= now) return order + ELSEWHERE_MS;
  const isKicked = !isSetByService && kicked_at > failed_at && kicked_at <= now;
  return isKicked || failed_at > now ? 0 : retry_at;
}

async function attempt(key, signal) {
  const entry = await decide(() => changeEntry(key, { sending: true, needs: "" }));
  if (!entry) return;
  const answer = (await sendPhotos(entry, signal)) ?? (await sendText(entry, signal));
  if (signal.aborted && answer.kind === "later") return; // whoever took over knows better
  settle(entry, answer);
}

/** Sends the photos that the service does not have yet. Returns the answer that stopped it, or null. */
async function sendPhotos(entry, signal) {
  for (const [place, photo] of entry.photos.entries()) {
    if (Date.now() - (photo.taken_at ?? 0) < TAKEN_MS) continue;
    await settled(photo.key);
    const blob = await findPhoto(photo.key);
    const what = `Photo ${place + 1}${photo.name ? ` (${photo.name})` : ""}`;
    if (!blob) return { kind: "refused", words: `${what} is no longer on this device. Post it again, or post without it.` };
    const progressed = (part) => send("desk:progress", { key: entry.key, photo: place, part });
    progressed(0);
    const answer = await postPhoto(entry, photo, blob, signal, progressed);
    if (answer.kind === "refused" || answer.kind === "clash") return { kind: "refused", words: `${what}: ${answer.words ?? "refused"}` };
    if (answer.kind !== "taken") return answer;
    photo.taken_at = Date.now();
    changeEntry(entry.key, { photos: entry.photos });
  }
  return null;
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
  const first = heads();
  if (!first.length || !navigator.onLine) return;
  const soonest = Math.min(...first.map(dueAt));
  timer = setTimeout(sendDue, Math.min(Math.max(pause, soonest - Date.now()), LONGEST_MS));
}
