/**
 * Lets one tab at a time send: by Web Locks, or where they are missing (plain http) by a lease in localStorage.
 * A tab that has fallen silent, because the phone has frozen it, loses the lock and learns so from its signal.
 * Sending twice is harmless, because of the keys.
 */

import { newKey } from "./key.js";
import { readValue, removeValue, writeValue } from "./store.js";

const BEAT_MS = 1_500;
const LEASE_MS = 6_000;
const SILENCE_MS = 20_000;

/** Runs `work(signal)` when no other tab runs work of that name; the signal says when another tab takes over. */
export function alone(name, work) {
  return navigator.locks ? withLock(name, work) : withLease(name, work);
}

async function withLock(name, work) {
  const beat = `beat:${name}`;
  const given = new AbortController(); // up waiting
  const lost = new AbortController();
  let isMine = false;
  let heard = readValue(beat);
  // Since when its holder has been silent: at first as the clock says, then by this page's own time, which nobody sets.
  let heardAt = performance.now() - Math.max(0, Date.now() - (heard ?? Date.now()));
  const run = async () => {
    isMine = true;
    writeValue(beat, Date.now());
    await work(lost.signal);
  };
  const watch = setInterval(() => {
    if (isMine) return writeValue(beat, Date.now());
    const last = readValue(beat);
    if (last === null || last !== heard) heardAt = performance.now();
    heard = last;
    if (performance.now() - heardAt > SILENCE_MS) given.abort();
  }, BEAT_MS);
  try {
    await navigator.locks.request(name, { signal: given.signal }, run);
  } catch (error) {
    if (error.name !== "AbortError" && isMine) throw error;
    if (error.name !== "AbortError") await withLease(name, work); // no locks here after all
    else if (isMine) lost.abort();
    else await navigator.locks.request(name, { steal: true }, run);
  } finally {
    clearInterval(watch);
    if (isMine && !lost.signal.aborted) removeValue(beat);
  }
}

async function withLease(name, work) {
  const lease = `lease:${name}`;
  const owner = newKey();
  const isMine = () => readValue(lease)?.owner === owner;
  const renew = () => writeValue(lease, { owner, until: Date.now() + LEASE_MS });
  while (!(await take())) await pause(200 + 300 * Math.random());
  const lost = new AbortController();
  const beat = setInterval(() => (isMine() ? renew() : lost.abort()), BEAT_MS);
  const leave = () => { if (isMine()) removeValue(lease); };
  addEventListener("pagehide", leave);
  try {
    await work(lost.signal);
  } finally {
    clearInterval(beat);
    removeEventListener("pagehide", leave);
    leave();
  }

  async function take() {
    const held = readValue(lease);
    const isHeld = held && held.until > Date.now() && held.until < Date.now() + 10 * LEASE_MS; // a clock may jump
    if (isHeld) return false;
    renew();
    await pause(40 + 80 * Math.random()); // whoever wrote last has it
    return isMine();
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
