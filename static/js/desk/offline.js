/** The desk without a network: registers the service worker, says when a page is an old copy, and what plain http lacks. */

import { listen } from "../shared/events.js";
import { confirmed } from "./ask.js";
import { listEntries } from "./outbox.js";
import { clock, desk, slug, user } from "./page.js";

const NOTES = "desk-notes"; // a cache: the one store that a page and its worker share without ado
const AGAIN_MS = 5_000;
const MISSING = "This address is not encrypted (http), so this browser can’t open the desk without a network, install it, or take what is shared to it. Everything else works.";

export function openOffline() {
  showWhatIsMissing();
  showWhenSeen();
  if (!isSecureContext || !navigator.serviceWorker) return;
  navigator.serviceWorker.register("/desk/sw.js", { scope: "/desk/", updateViaCache: "none" }).catch(console.warn);
  // The page that brought the worker along came before it: the worker has yet to see it.
  const isUnseen = !performance.getEntriesByType("navigation")[0]?.workerStart;
  if (user && isUnseen) navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ keep: location.pathname }));
  if (document.getElementById("no-network")) tryAgain();
  if (user && slug) leaveNote(`last-${user}`, location.pathname);
  // Who signs in may be somebody else: until a page has come from the service, none that was kept is shown.
  runBefore(document.querySelector("form[data-signs=in]"), () => leaveNote("unsure", "yes"));
  runBefore(document.querySelector("form.who"), forgetPages, mayLeave);
}

/** Tries again to open the page: when the network is back, or every few seconds while there seems to be one. */
function tryAgain() {
  let leftAt = -Infinity;
  const again = () => {
    if (performance.now() - leftAt > AGAIN_MS) location.reload(); // else it would take back where its author is going
  };
  addEventListener("beforeunload", () => { leftAt = performance.now(); });
  addEventListener("online", again);
  if (navigator.onLine) setTimeout(again, AGAIN_MS);
}

function showWhatIsMissing() {
  const line = document.getElementById("missing");
  if (!line || isSecureContext) return;
  line.textContent = MISSING;
  line.hidden = false;
}

/** Says how old the page is if the worker took it from the device. */
function showWhenSeen() {
  const line = document.getElementById("seen");
  if (!line || !desk.dataset.seenAt) return;
  const seen = new Date(desk.dataset.seenAt);
  const day = seen.toDateString() === new Date().toDateString() ? "" : ` on ${seen.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
  const show = () => {
    line.querySelector("span").textContent = `${navigator.onLine ? "No answer from the service" : "Offline"}: showing the desk as it was at ${clock(seen)}${day}.`;
    line.querySelector("a").hidden = !navigator.onLine;
  };
  for (const name of ["online", "offline"]) addEventListener(name, show);
  listen("desk:fresh", () => { line.hidden = true; }); // the stream has caught up
  show();
  line.hidden = false;
}

/** Asks who signs out with something unsent, which would wait on this device until they are back. */
async function mayLeave() {
  const count = listEntries().length;
  if (!count) return true;
  const words = count === 1 ? "An update has not been sent yet." : `${count} updates have not been sent yet.`;
  return confirmed(words, "What is unsent stays on this device, and is sent when you sign in here again.", "Sign out all the same", "Stay");
}

/** Runs `act` before a form is sent, if it `may` be. The form is sent even if that fails. */
function runBefore(form, act, may = () => true) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await may())) return;
    const late = new Promise((resolve) => { setTimeout(resolve, 500); });
    await Promise.race([act().catch(() => {}), late]);
    form.submit();
  });
}

async function leaveNote(name, text) {
  const notes = await caches.open(NOTES);
  await notes.put(`/desk/notes/${name}/`, new Response(text));
}

async function forgetPages() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name === NOTES || name.startsWith("desk-pages")).map((name) => caches.delete(name)));
}
