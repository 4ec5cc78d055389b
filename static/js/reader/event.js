/** The reader's page: brings the parts together and tells them what the browser does. */

import { report } from "../shared/connection.js";
import "../shared/embed-link.js";
import "../shared/enlarge.js";
import { pause, release, tell, welcomeBack } from "./hold.js";
import { registerSwap } from "./live.js";
import { followHash, showOrder, watchLinks, watchLoading } from "./move.js";
import { holds } from "../shared/ours.js";
import { remember } from "../shared/patch.js";
import "../shared/players.js";
import { forgetRequest, pollNow, watchPolls } from "../shared/poll.js";
import { reload } from "./reload.js";
import * as socket from "../shared/socket.js";
import { cards, feed } from "../shared/stream.js";
import { divide, dress, offerZones } from "./times.js";

const HIDDEN_MS = 30_000;
const GONE_MS = 60_000;
const DUE_MS = 60_000;
let hiding = 0;
let looking = 0;

for (const element of [...cards(), ...document.querySelectorAll("[data-head]")]) remember(element);
offerZones(document.getElementById("zone"));
dress(document);
divide();
markDue();
document.getElementById("controls").hidden = false;

registerSwap();
watchPolls({ onGone: leave, onSilence: socket.renew, onRecovery: socket.retrySoon });
watchLinks();
watchLoading();
addEventListener("popstate", followHash); // hashchange is silent where the query changes, too
report({ status: feed().dataset.status, failures: 0 });

document.addEventListener("live:applied", ({ detail }) => {
  report({ status: detail.status, failures: 0 });
  socket.expect(detail.revision);
  markDue();
  if (detail.status !== "ended") socket.allow();
  goLive();
});
document.addEventListener("live:gap", pollNow);
document.addEventListener("live:loaded", () => {
  showOrder();
  pollNow();
});
document.addEventListener("live:reload", () => {
  socket.stop();
  reload({ onDone: comeBack });
});

document.getElementById("held").addEventListener("click", () => release({ goThere: true }));
document.getElementById("check").addEventListener("click", () => {
  report({ isChecking: true });
  comeBack();
});
document.getElementById("pause").addEventListener("click", (click) => {
  report({ isPaused: pause(click.currentTarget) });
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (!feed()) return;
  if (document.hidden) {
    hiding = setTimeout(socket.stop, HIDDEN_MS);
    return;
  }
  welcomeBack();
  comeBack();
});
addEventListener("pagehide", socket.stop); // an open socket keeps a page out of the back/forward cache
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  forgetRequest();
  comeBack();
});
addEventListener("online", () => {
  report({ isOnline: true });
  comeBack();
});
addEventListener("offline", () => report({ isOnline: false }));

tell();
goLive();
addEventListener("DOMContentLoaded", followHash);

function comeBack() {
  if (!feed()) return;
  markDue();
  pollNow();
  goLive();
}

function goLive() {
  if (!document.hidden) socket.start();
}

/** Notes when the planned start or end has come: the words about it change, and nothing else does. */
function markDue() {
  clearTimeout(looking);
  if (!feed()) return; // the event is gone
  const { starts, ends } = document.getElementById("masthead").dataset;
  let next = Infinity;
  for (const [name, at] of [["is-due", starts], ["is-over", ends]]) {
    const wait = at ? new Date(at) - Date.now() : Infinity;
    document.getElementById("live").classList.toggle(name, wait <= 0);
    if (wait > 0) next = Math.min(next, wait);
  }
  // No timer waits for longer than a minute: it stands still while the device sleeps, and a clock may be set.
  if (next < Infinity) looking = setTimeout(markDue, Math.min(next, DUE_MS));
}

/** The event is gone: says so in place of the feed, and looks once a minute whether it has come back. */
function leave() {
  socket.stop();
  const words = document.createElement("p");
  words.className = "empty";
  words.textContent = "This live blog is no longer available.";
  document.title = words.textContent;
  document.getElementById("live").replaceChildren(words);
  setInterval(async () => {
    const answer = await fetch(location.pathname).catch(() => null);
    if (answer?.ok && holds(await answer.text(), "#feed")) location.reload();
  }, GONE_MS);
}
