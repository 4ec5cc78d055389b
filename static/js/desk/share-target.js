/** Moves what other apps have shared to the desk into the composer. The service worker has stored it. */

import { decide } from "./outbox.js";
import { takeFiles } from "./photos.js";

const SHARED = "desk-shared";

/** Gives shared text to `append` and photos to the composer. Without a composer it says that something waits. */
export async function takeShared(append) {
  if (!globalThis.caches || !(await caches.has(SHARED))) return;
  if (append) await decide(() => takeAll(append));
  else document.getElementById("shared").hidden = !(await (await caches.open(SHARED)).keys()).length;
}

async function takeAll(append) {
  const shared = await caches.open(SHARED);
  for (const request of await shared.keys()) {
    const form = await (await shared.match(request)).formData();
    const words = ["title", "text", "url"].map((name) => form.get(name)?.trim()).filter(Boolean);
    const files = form.getAll("photos").filter((file) => file.size);
    if (words.length) append([...new Set(words)].join("\n\n"), request.url);
    if (files.length) await takeFiles(files, form.getAll("keys"));
    await shared.delete(request); // only now is it safe in the draft; a page that dies before takes nothing twice
  }
}
