/** The reader's page: brings its parts together. */

import { known, report } from "../shared/connection.js";
import { listen, onReturn } from "../shared/events.js";
import { remember } from "../shared/patch.js";
import { pollNow, resume, watchPolls } from "../shared/poll.js";
import "../shared/press.js";
import { takeNote, watchRelease } from "../shared/release.js";
import { isAtRest, notePlace, returnTo } from "../shared/rest.js";
import * as socket from "../shared/socket.js";
import { cards, feed, isFramed, list } from "../shared/stream.js";
import { holds } from "../shared/swap.js";
import { pause, release, showCounts, welcomeBack } from "./hold.js";
import { registerLive, takeFragment } from "./live.js";
import { followHash, loadAround, showOrder, watchLinks, watchLoading } from "./move.js";
import { reload } from "./reload.js";
import { formatTimes, markDays, offerZones } from "./times.js";

const SAFETY_SECONDS = 50; // beside a socket: with the time to give up a dead connection, less than a minute
const RARELY_SECONDS = 60;
const GONE_MS = 60_000;
const DUE_MS = 60_000;
let dueTimer = 0;
let hasMoved = false; // to another part of the stream

for (const element of [...cards(), ...document.querySelectorAll("[data-head]")]) remember(element);
offerZones(document.getElementById("zone"));
formatTimes(document);
markDays();
markDue();
document.getElementById("controls").hidden = false;

registerLive();
watchPolls({
  pace() {
    if (known().isOpen) return SAFETY_SECONDS; // an ended event's too, whose answers ask for a minute
    return document.hidden ? RARELY_SECONDS : known().seconds;
  },
  onFailure: ({ status }) => status || socket.renew(),
  onRecovery: socket.retrySoon,
  onGone: leave,
});
socket.watchSocket(takeFragment);
watchRelease({
  // In a frame that is as high as its content nobody scrolls: whoever has loaded more may be reading it.
  isAtRest: () => Boolean(feed()) && isAtRest(list()) && !(isFramed() && hasMoved && !document.hidden),
  note: notePlace,
});
watchLinks();
watchLoading();
addEventListener("popstate", followHash); // hashchange is silent where the query changes, too
report({ status: feed().dataset.status, failures: 0 });

listen("live:applied", ({ revision, status }) => {
  report({ status, failures: 0 });
  socket.expect(revision);
  markDue();
  if (status !== "ended") socket.allow();
  socket.start();
});
listen("live:gap", pollNow);
listen("live:loaded", () => {
  hasMoved = true;
  showOrder();
  pollNow();
});
listen("live:reload", () => {
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

onReturn(({ type }) => {
  if (type === "online") report({ isOnline: true });
  if (type === "pageshow") resume();
  if (type === "visibilitychange" && feed()) welcomeBack();
  comeBack();
});
addEventListener("offline", () => report({ isOnline: false }));

showCounts();
socket.start();
addEventListener("DOMContentLoaded", goToPlace);

/** Opens the page where it was before it was loaded anew, else at the update that its address names. */
function goToPlace() {
  const place = takeNote();
  if (place) returnTo(place, loadAround);
  else followHash();
}

function comeBack() {
  if (!feed()) return; // the event is gone
  markDue();
  pollNow();
  socket.start();
}

/** Marks the page when the planned start or end has come, so that the words about it change. */
function markDue() {
  clearTimeout(dueTimer);
  if (!feed()) return;
  const { starts, ends } = document.getElementById("masthead").dataset;
  let next = Infinity;
  for (const [name, at] of [["is-due", starts], ["is-over", ends]]) {
    const wait = at ? new Date(at) - Date.now() : Infinity;
    document.getElementById("live").classList.toggle(name, wait <= 0);
    if (wait > 0) next = Math.min(next, wait);
  }
  // No timer waits for longer than a minute: it stands still while the device sleeps, and a clock may be set.
  if (next < Infinity) dueTimer = setTimeout(markDue, Math.min(next, DUE_MS));
}

/** Says that the event is gone, and looks once a minute whether it has come back. */
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
