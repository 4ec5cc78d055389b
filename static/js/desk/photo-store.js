/** Keeps photos in IndexedDB, by their keys. What can't be written stays in this page's memory. */

import { opener } from "./database.js";

const memory = new Map();
const open = opener("liveblog", (database) => database.createObjectStore("photos"));

async function ask(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("photos", mode);
    const request = act(transaction.objectStore("photos"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
}

/** Keeps a photo and returns whether it is on the device. */
export async function keepPhoto(key, blob) {
  try {
    // Bytes, not the file: some browsers lose a file that the library has moved, and WebKit once lost blobs.
    const bytes = await blob.arrayBuffer();
    await ask("readwrite", (photos) => photos.put({ bytes, type: blob.type, kept_at: Date.now() }, key));
    memory.delete(key);
    return true;
  } catch {
    memory.set(key, blob);
    return false;
  }
}

/** Returns the photo of that key, or null. */
export async function findPhoto(key) {
  if (memory.has(key)) return memory.get(key);
  try {
    const found = await ask("readonly", (photos) => photos.get(key));
    return found ? new Blob([found.bytes], { type: found.type }) : null;
  } catch {
    return null;
  }
}

/** Removes photos. */
export async function forgetPhotos(keys) {
  for (const key of keys) {
    memory.delete(key);
    await ask("readwrite", (photos) => photos.delete(key)).catch(() => {});
  }
}

/** Removes photos that are not needed, unless a page may just have added them. */
export async function sweepPhotoStore(isNeeded, olderThanMs = 86_400_000) {
  const keys = await ask("readonly", (photos) => photos.getAllKeys()).catch(() => []);
  for (const key of keys.filter((one) => !isNeeded(one))) {
    const found = await ask("readonly", (photos) => photos.get(key)).catch(() => null);
    if (found && Date.now() - found.kept_at > olderThanMs) await forgetPhotos([key]);
  }
}
