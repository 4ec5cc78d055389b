/** The buttons of the outbox's entries. */

import { send } from "../shared/events.js";
import { confirmed } from "./ask.js";
import { newKey } from "./key.js";
import { changeEntry, decide, dropEntry, findEntry, isFree, renewEntry } from "./outbox.js";
import { wallClock } from "./event-time.js";
import { kick } from "./sender.js";
import { forgetPhotos } from "./photo-store.js";

const ACTIONS = {
  retry: () => kick({ isAsked: true }),
  edit: (key) => takeBack(key, (entry) => send("desk:edit", entry)),
  date: (key) => decide(() => {
    const entry = findEntry(key);
    if (entry && isFree(entry)) changeEntry(key, { at: wallClock(new Date(entry.written_at), "medium"), later: false });
  }),
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
