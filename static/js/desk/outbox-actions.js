/** The buttons of the outbox's entries. */

import { send } from "../shared/events.js";
import { newKey } from "./key.js";
import { decide, dropEntry, findEntry, isFree, renewEntry } from "./outbox.js";
import { kick } from "./sender.js";
import { forgetPhotos } from "./photo-store.js";

/** Asks a question in a dialog and returns whether the answer is yes. */
function confirmed(question, aboutIt, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-question").textContent = question;
  document.getElementById("ask-about").textContent = aboutIt;
  document.getElementById("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => { dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }); });
}

const ACTIONS = {
  retry: () => kick({ isAsked: true }),
  edit: (key) => takeBack(key, (entry) => send("desk:edit", entry)),
  renew: async (key) => {
    await decide(() => { if (findEntry(key)?.state) renewEntry(key, newKey()); });
    kick({ isAsked: true });
  },
  discard: async (key) => {
    const { body, headline } = findEntry(key) ?? {};
    if (!(await confirmed("Discard this update?", headline || body || "", "Discard it"))) return;
    await takeBack(key, ({ photos }) => forgetPhotos(photos.map((photo) => photo.key)));
  },
};

/** Takes an entry out unless it was sent meanwhile. It is removed only after `handOver` has it. */
function takeBack(key, handOver) {
  return decide(() => {
    const entry = findEntry(key);
    if (!entry || !isFree(entry)) return;
    handOver(entry);
    dropEntry(key);
  });
}

document.getElementById("entries")?.addEventListener("click", ({ target }) => {
  const action = target.closest("[data-act]")?.dataset.act;
  if (ACTIONS[action]) ACTIONS[action](target.closest(".entry").dataset.key);
});
