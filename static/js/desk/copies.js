/**
 * Copies of what waits in the outbox, from which the service worker sends when no page can. localStorage stays the
 * truth, which a worker can't read: a copy that was sent leaves a note, and the page takes its entry out.
 *
 * They are a database of their own: a page of a former release opens that of the photos under its own version.
 * A copy: {key, user, order, address, token, fields, photos: [{key, name}], begun_at}; a note: {key, user, and what
 * outbox-request says came of it}; a page: {client}, which knows of copies. worker.js reads and writes the same.
 */

import { opener } from "./database.js";

const open = opener("liveblog-outbox", (database) => {
  for (const name of ["copies", "notes", "pages"]) database.createObjectStore(name, { keyPath: name === "pages" ? "client" : "key" });
});

/** Runs `act(store)` in one transaction and returns what it returns, or null where there is no database. */
async function change(name, act) {
  try {
    const transaction = (await open()).transaction(name, "readwrite");
    const found = await act(transaction.objectStore(name));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return found;
  } catch (error) {
    console.warn(error);
    return null;
  }
}

const answerOf = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Makes one user's copies what they are to be. One that the worker has begun to send stays as it is. */
export const putCopies = (user, wanted) => change("copies", async (store) => {
  const present = (await answerOf(store.getAll())).filter((copy) => copy.user === user);
  const begun = new Set(present.filter((copy) => copy.begun_at).map(({ key }) => key));
  const keys = new Set(wanted.map(({ key }) => key));
  for (const { key } of present) if (!keys.has(key)) store.delete(key);
  for (const copy of wanted) if (!begun.has(copy.key)) store.put(copy);
});

/** Removes a copy, so that its entry can be changed, and returns whether the worker has not begun to send it. */
export async function withdrawCopy(key) {
  const isBegun = await change("copies", async (store) => {
    const copy = await answerOf(store.get(key));
    if (!copy?.begun_at) store.delete(key);
    return Boolean(copy?.begun_at);
  });
  return !isBegun;
}

/** Returns one user's notes and removes them. */
export const takeNotes = (user) => change("notes", async (store) => {
  const found = (await answerOf(store.getAll())).filter((note) => note.user === user);
  for (const { key } of found) store.delete(key);
  return found;
});
