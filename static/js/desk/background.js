/** Has the service worker send what waits while the phone is in a pocket, in browsers that have Background Sync. */

import { listen } from "../shared/events.js";
import { putCopies } from "./copies.js";
import { user } from "./page.js";
import { isOpen, listEntries } from "./outbox.js";
import { fieldsOf, token } from "./outbox-request.js";

const TAG = "outbox";

/** Keeps the copies up to date and asks for the worker's help when this page may fall silent. */
export function sendInBackground() {
  if (!canSync()) return;
  navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ knowsCopies: true }));
  listen("desk:outbox", copyOpen);
  document.addEventListener("visibilitychange", () => document.hidden && askWorker());
  copyOpen();
}

/** Whether what waits is sent though no page is open. */
export const canSync = () => isSecureContext && "serviceWorker" in navigator && "SyncManager" in globalThis && "locks" in navigator;

let copying = Promise.resolve();

function copyOpen() {
  copying = copying.then(() => putCopies(user, listEntries().filter(isOpen).map(copyOf)));
  if (!navigator.onLine) askWorker();
}

function copyOf(entry) {
  const { key, order, address } = entry;
  const photos = entry.photos.filter((photo) => !photo.address && !photo.taken_at).map((photo) => ({ key: photo.key, name: photo.name }));
  return { key, user, order, address, token: token(), fields: fieldsOf(entry).toString(), photos };
}

async function askWorker() {
  if (!listEntries().some(isOpen)) return;
  await copying;
  const { sync } = await navigator.serviceWorker.ready;
  await sync.register(TAG).catch(console.warn); // forbidden, as in a private window
}
