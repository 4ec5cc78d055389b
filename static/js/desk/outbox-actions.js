/** The buttons of the outbox's entries. */

import { send } from "../shared/events.js";
import { confirmed } from "./ask.js";
import { withdrawCopy } from "./copies.js";
import { newKey } from "./key.js";
import { changeEntry, decide, dropEntry, findEntry, isFree, renewEntry } from "./outbox.js";
import { wallClock } from "./event-time.js";
import { kick } from "./sender.js";
import { forgetPhotos } from "./photo-store.js";

const ACTIONS = {
  retry: () => kick({ isAsked: true }),
  edit: (key) => takeBack(key, (entry) => send("desk:edit", entry)),
  date: (key) => changeFree(key, (entry) => changeEntry(key, { at: wallClock(new Date(entry.written_at), "medium"), later: false })),
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
const takeBack = (key, handOver) => changeFree(key, (entry) => {
  handOver(entry);
  dropEntry(key);
});

/** Changes an entry unless it was sent meanwhile, by this page or by the worker. */
function changeFree(key, change) {
  return decide(async () => {
    const entry = findEntry(key);
    if (!entry || !isFree(entry)) return;
    if (await withdrawCopy(key)) change(entry);
    else changeEntry(key, { unanswered: true });
  });
}

document.getElementById("entries")?.addEventListener("click", ({ target }) => {
  const action = target.closest("[data-act]")?.dataset.act;
  if (ACTIONS[action]) ACTIONS[action](target.closest(".entry").dataset.key);
});
