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
self.addEventListener("message", (event) => {
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
