/** What is being written for this event, on the device at every keystroke; and the draft it was put before. */

import { slug, user } from "./page.js";
import { newKey } from "./key.js";
import { readValue, removeValue, watchValues, writeValue } from "./store.js";

const NAME = `draft:${user}:${slug}`;
let known = "";

/** An empty draft, under a key of its own: should the page die while it is posted, it is still one update. */
export const blankDraft = (aside = null) => ({ key: newKey(), headline: "", body: "", is_key: false, at: "", photos: [], aside });

/** Whether there is nothing in it. */
export const isBlank = ({ headline, body, photos }) => !headline.trim() && !body.trim() && !photos.length;

/** The draft that was kept. */
export function loadDraft() {
  const draft = readValue(NAME);
  known = JSON.stringify(draft);
  return draft;
}

/** Keeps a draft and says whether it is safe on the device. */
export function saveDraft(draft) {
  if (isBlank(draft) && !draft.aside && !draft.at && !draft.is_key) {
    forget();
    return true;
  }
  known = JSON.stringify(draft);
  return writeValue(NAME, draft);
}

/** Forgets the draft. */
export function forget() {
  known = "null";
  removeValue(NAME);
}

/** Calls back with the draft when another tab has changed it. */
export function followDraft(changed) {
  const look = () => {
    const before = known;
    const draft = loadDraft();
    if (known !== before) changed(draft ?? blankDraft());
  };
  watchValues(NAME, look);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) look(); });
}
