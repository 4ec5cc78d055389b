/** The desk: brings together what it adds where there is JavaScript. */

import { listen, onReturn } from "../shared/events.js";
import "../shared/press.js";
import { takeNote, watchRelease } from "../shared/release.js";
import { notePlace, returnTo } from "../shared/rest.js";
import { list } from "../shared/stream.js";
import "../shared/swap.js";
import { announce } from "./arrivals.js";
import { append, isAtRisk, openComposer } from "./composer.js";
import { sendInBackground } from "./background.js";
import { watchCopies } from "./copy.js";
import { editingOpened, editingSaved, showMeanwhile, showQueuedMeanwhile, watchEditing } from "./edit-forms.js";
import { explainErrors } from "./errors.js";
import { watchKeyboard } from "./keyboard.js";
import { followNews, noteNews } from "./news.js";
import { openOffline } from "./offline.js";
import "./outbox-actions.js";
import { showEntries, showProgress } from "./outbox-list.js";
import { say, slug, user } from "./page.js";
import { askToKeep, sweepPhotos, warnBeforeLeaving } from "./persistence.js";
import { openPreview } from "./preview.js";
import { watchQueue } from "./queue.js";
import { reload } from "./reload.js";
import { isAtRest, wouldLose } from "./rest.js";
import { kick, sendDue, takeSent } from "./sender.js";
import { takeShared } from "./share-target.js";
import { keepingItems, registerStream, takeAnswerText } from "./stream.js";
import { offerUndo } from "./undo.js";

const TYPED = "Load the page anew? What you have typed into a form and not sent is lost.";
const on = (name, act) => document.addEventListener(name, act);
const hasComposer = Boolean(document.getElementById("composer"));

document.documentElement.dataset.script = "on";
explainErrors();
openOffline();
watchCopies();
watchQueue({ onEditing: editingOpened, onMeanwhile: showQueuedMeanwhile, onSaved: editingSaved });
if (list()) {
  registerStream({
    onArrived: announce,
    onEditing: editingOpened,
    onMeanwhile: showMeanwhile,
    onSaved: editingSaved,
    onWithdrawn: offerUndo,
    onNews: noteNews,
    onReload: reload,
  });
  followNews();
  watchRelease({ isAtRest, note: notePlace, show: keepingItems, confirm: () => !wouldLose() || confirm(TYPED) });
  const place = takeNote();
  if (place) returnTo(place, () => {}); // older items come by their link
}
watchEditing();

if (user && document.getElementById("outbox")) {
  listen("desk:outbox", showEntries);
  listen("desk:progress", showProgress);
  listen("desk:posted", sayPosted);
  listen("desk:outbox", sendDue); // whichever tab put something in
  for (const name of ["online", "offline"]) addEventListener(name, showEntries);
  addEventListener("focus", () => kick());
  onReturn(() => kick());
  sendInBackground();
  navigator.serviceWorker?.addEventListener("message", ({ data }) => { if (data?.sent) takeSent(); });
  if (hasComposer) {
    openComposer();
    watchKeyboard();
    openPreview();
    askToKeep();
  }
  takeShared(hasComposer && append);
  warnBeforeLeaving(() => hasComposer && isAtRisk());
  showEntries();
  sweepPhotos();
  kick();
}

function sayPosted({ html, status, readers, why, entry }) {
  if (entry?.event === slug) takeAnswerText(html);
  const words = document.createRange().createContextualFragment(html).querySelector("#said")?.textContent.trim();
  if (status === 202) say(words || (why === "schedule" ? "Scheduled." : "Sent. It waits for an editor to approve it."));
  else if (readers === null || readers === undefined) say("Posted.");
  else say(`Posted. ${readers === "0" ? "No reader is" : readers === "1" ? "1 reader is" : `${readers} readers are`} connected now.`);
}

// Whoever works with the keyboard goes on where the answer stands.
on("htmx:afterSettle", ({ detail: { elt } }) => {
  if (document.activeElement === document.body) elt.querySelector?.("[data-land]")?.focus({ preventScroll: true });
});

on("keydown", (event) => {
  const next = event.target.dataset?.next;
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || !next) return;
  event.preventDefault(); // Enter in the headline would post half an update
  event.target.form.elements[next].focus();
});

const zone = document.querySelector("[data-guess=zone]");
if (zone && zone.value === zone.defaultValue && zone.value === "UTC") {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
