/** The draft of this event's next update, kept on the device. `aside` is a draft that waits until this one is posted. */

import { slug, user } from "./page.js";
import { newKey } from "./key.js";
import { readValue, removeValue, watchValues, writeValue } from "./store.js";

const NAME = `draft:${user}:${slug}`;
let known = "";

/** Returns an empty draft. Its key makes sure that it becomes one update, even if the page dies while it is posted. */
export const blankDraft = (aside = null) => ({ key: newKey(), headline: "", body: "", is_key: false, at: "", photos: [], aside });

/** Whether a draft has no content. */
export const isBlank = ({ headline, body, photos }) => !headline.trim() && !body.trim() && !photos.length;

/** Returns the draft that was kept, or null. */
export function loadDraft() {
  const draft = readValue(NAME);
  known = JSON.stringify(draft);
  return draft;
}

/** Keeps a draft and returns whether it is on the device. */
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
