/*
 * The desk's service worker: opens the desk's pages and their static files without a network, and
 * takes what other apps share. It never touches readers' pages, polls, photos, posts or other origins.
 *
 * /desk/sw.js loads it after setting `self.desk`: {release, files, page}. A new release is another
 * file, so browsers take it up at their next visit; it takes over at once, since every static file has
 * a name that changes with its content: a page of the release before finds its files as before.
 */

const { release, files, page } = self.desk;
const FILES = `desk-files:${release}`;
const PAGES = `desk-pages:${release}`;
const NOTES = "desk-notes";
const SHARED = "desk-shared";
const PATIENCE_MS = 3_000;
const DESK = /^\/desk\/(?:(?!new\/|share\/)[-\w]+\/)?$/;

self.addEventListener("install", (event) => {
  // A beacon that passes a worker dies with its page: always if the worker has to be started for it, else one in four.
  event.addRoutes?.({ condition: { urlPattern: "/desk/*/departure/", requestMethod: "POST" }, source: "network" });
  event.waitUntil(keepFiles().then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("sync", (event) => { if (event.tag === "outbox") event.waitUntil(sendCopies()); });
self.addEventListener("message", (event) => {
  if (event.data?.knowsCopies) event.waitUntil(notePage(event.source.id));
  const path = event.data?.keep;
  if (typeof path === "string" && DESK.test(path)) event.waitUntil(keepUnlessKept(new URL(path, location.href).href));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method === "POST" && pathname === "/desk/share/") event.respondWith(share(request));
  else if (request.method !== "GET") return;
  else if (request.mode === "navigate" && DESK.test(pathname) && !search) event.respondWith(open(event));
  else if (request.mode === "navigate" && pathname.startsWith("/desk/")) event.respondWith(fetch(request).catch(noNetwork));
  else if (pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function keepFiles() {
  const kept = await caches.open(FILES);
  const found = await Promise.all(files.map((name) => kept.match(name, { ignoreVary: true })));
  await kept.addAll(files.filter((_, at) => !found[at]));
}

async function takeOver() {
  // While this worker was installed, the one before may have swept its files away: it knew of no page that needs them.
  await keepFiles().catch(console.warn);
  await sweep();
  await self.clients.claim();
}

/** A desk page from the network; from the device if that takes long or fails. */
async function open(event) {
  const coming = fetch(event.request);
  const kept = coming.then(keep, () => null);
  event.waitUntil(kept);
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); });
  const first = await Promise.race([coming.catch(() => null), late]);
  if (first && first.status < 500) return first;
  return (await find(event.request.url)) ?? first ?? coming.catch(noNetwork);
}

/** What stands in the place of a page that is not kept, as settings and people never are. */
const noNetwork = () => new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } });

/** Keeps a page that is open and did not come through here. */
async function keepUnlessKept(url) {
  if (!(await find(url))) await fetch(url).then(keep).catch(() => {});
}

/** Keeps an author's page; whoever else used this device before, their pages go. */
async function keep(response) {
  if ([403, 404, 410].includes(response.status)) await drop(response.url); // no longer theirs
  if (!response.ok || response.redirected) return;
  const html = await response.clone().text();
  const user = /<main[^>]*\sdata-user="(\d+)"/.exec(html)?.[1];
  if (!user) return;
  const notes = await caches.open(NOTES);
  if ((await read(notes, "user")) !== user) await forget();
  await notes.put("/desk/notes/user/", new Response(user));
  await notes.delete("/desk/notes/unsure/");
  const headers = new Headers(response.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  const marked = html.replace(/(<main[^>]*\sid="desk")/, `$1 data-seen-at="${new Date().toISOString()}"`);
  await drop(response.url);
  await (await caches.open(PAGES)).put(response.url, new Response(marked, { headers }));
  await sweep();
}

async function find(url) {
  if (await read(await caches.open(NOTES), "unsure")) return null;
  for (const name of await pageCaches()) {
    const found = await (await caches.open(name)).match(url);
    if (found) return found;
  }
  return null;
}

async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept && files.length) return kept;
  try {
    const fresh = await fetch(request);
    if (fresh.ok && fresh.status === 200) await (await caches.open(FILES)).put(request, fresh.clone()).catch(() => {});
    return fresh;
  } catch (error) {
    if (kept) return kept; // files that keep their name, as in development
    throw error;
  }
}

/** Puts what was shared aside for the composer, and opens the desk that was used last. */
async function share(request) {
  try {
    const form = await request.formData();
    form.getAll("photos").forEach(() => form.append("keys", crypto.randomUUID()));
    const number = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    await (await caches.open(SHARED)).put(`/desk/share/${number}/`, new Response(form));
  } catch {
    return new Response("This device could not take what you shared: its storage is full. It is still in the app you shared it from.\n", { status: 507, headers: { "Content-Type": "text/plain; charset=utf-8" } });
  }
  const notes = await caches.open(NOTES);
  return Response.redirect((await read(notes, `last-${await read(notes, "user")}`)) ?? "/desk/", 303);
}

/** Drops the files of releases of which no page is kept any more. */
async function sweep() {
  const needed = new Set([FILES]);
  for (const name of await pageCaches()) {
    const isEmpty = !(await (await caches.open(name)).keys()).length;
    if (isEmpty && name !== PAGES) await caches.delete(name);
    else needed.add(name.replace("pages", "files"));
  }
  for (const name of await caches.keys()) if (name.startsWith("desk-files:") && !needed.has(name)) await caches.delete(name);
}

async function drop(url) {
  for (const name of await pageCaches()) await (await caches.open(name)).delete(url);
}

async function forget() {
  for (const name of await pageCaches()) await caches.delete(name);
}

const pageCaches = async () => (await caches.keys()).filter((name) => name.startsWith("desk-pages:"));
const read = async (notes, name) => (await notes.match(`/desk/notes/${name}/`))?.text() ?? null;

// What waits in the outbox is sent from its copies (copies.js) when no page can do it.

/** Sends the copies in their order; throws if the browser is to try again later. */
async function sendCopies() {
  if (await isForPages()) return;
  const copies = (await ask("copies", "readonly", (store) => store.getAll())).sort((a, b) => a.order - b.order);
  for (const user of new Set(copies.map((copy) => copy.user))) {
    await navigator.locks.request(`sender:${user}`, { ifAvailable: true }, async (lock) => {
      if (!lock) throw new Error("a page is sending");
      for (const copy of copies) if (copy.user === user) await sendCopy(copy);
    });
  }
  for (const client of await desks()) client.postMessage({ sent: true });
}

/** Whether a page is looked at, which sends by itself, or is of a release that knows nothing of copies. */
async function isForPages() {
  const known = new Set((await ask("pages", "readonly", (store) => store.getAllKeys())));
  const open = await desks();
  return open.some(({ id, visibilityState }) => visibilityState === "visible" || !known.has(id));
}

async function desks() {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => new URL(url).pathname.startsWith("/desk/"));
}

async function notePage(client) {
  const open = new Set((await self.clients.matchAll({ type: "window", includeUncontrolled: true })).map(({ id }) => id));
  for (const id of await ask("pages", "readonly", (store) => store.getAllKeys())) if (!open.has(id)) await ask("pages", "readwrite", (store) => store.delete(id));
  await ask("pages", "readwrite", (store) => store.put({ client }));
}

async function sendCopy({ key, user }) {
  const copy = await navigator.locks.request(`outbox:${user}`, () => begin(key)); // its author may be taking it back
  if (!copy) return;
  for (const photo of copy.photos) {
    const words = await sendPhoto(copy, photo);
    if (words) return leaveNote(copy, { kind: "refused", words: `${photo.name || "A photo"}: ${words}` });
  }
  const headers = { ...headersOf(copy), "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8" };
  const answer = await fetch(copy.address, { method: "POST", headers, body: copy.fields, redirect: "manual", cache: "no-store" });
  const html = await answer.text();
  const header = (name) => answer.headers.get(name);
  if (answer.status === 200 && header("Liveblog-Number")) return leaveNote(copy, { kind: "published", html, readers: header("Liveblog-Readers") });
  if (answer.status === 202 && header("Liveblog-Waiting")) return leaveNote(copy, { kind: "waits", html, why: header("Liveblog-Waiting") });
  if (answer.status === 409) return leaveNote(copy, { kind: "clash", html });
  const isPlain = header("Content-Type")?.startsWith("text/plain");
  if (isPlain && [400, 404, 410, 413, 415, 422].includes(answer.status)) return leaveNote(copy, { kind: "refused", words: html.trim() });
  throw new Error(`not taken: ${answer.status}`); // the page knows what to make of it, or the next try
}

async function begin(key) {
  const copy = await ask("copies", "readonly", (store) => store.get(key));
  if (copy) await ask("copies", "readwrite", (store) => store.put({ ...copy, begun_at: Date.now() }));
  return copy;
}

/** Sends a photo and returns why it was refused, or "". */
async function sendPhoto(copy, { key, name }) {
  const kept = await ask("photos", "readonly", (store) => store.get(key), "liveblog");
  if (!kept) return "it is no longer on this device. Post it again, or post without it.";
  const form = new FormData();
  form.append("key", key);
  form.append("photo", new Blob([kept.bytes], { type: kept.type }), name || "photo");
  const answer = await fetch(copy.address.replace(/updates\/$/, "photos/"), { method: "POST", headers: headersOf(copy), body: form, redirect: "manual", cache: "no-store" });
  if (answer.ok) return "";
  if ([413, 415, 422].includes(answer.status)) return (await answer.text()).trim();
  throw new Error(`photo not taken: ${answer.status}`);
}

const headersOf = ({ user, token }) => ({ "Liveblog-Author": user, "X-CSRFToken": token });

async function leaveNote({ key, user }, note) {
  await ask("notes", "readwrite", (store) => store.put({ key, user, ...note }));
  await ask("copies", "readwrite", (store) => store.delete(key));
}

/** Asks a store of the outbox's copies; where there is no such database yet there are none. */
function ask(name, mode, act, database = "liveblog-outbox") {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(database, 1);
    opening.onupgradeneeded = () => {
      for (const store of database === "liveblog" ? ["photos"] : ["copies", "notes", "pages"]) {
        opening.result.createObjectStore(store, store === "photos" ? undefined : { keyPath: store === "pages" ? "client" : "key" });
      }
    };
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(name, mode);
      const request = act(transaction.objectStore(name));
      transaction.oncomplete = () => { opening.result.close(); resolve(request.result); };
      transaction.onabort = () => { opening.result.close(); reject(transaction.error); };
    };
  });
}
