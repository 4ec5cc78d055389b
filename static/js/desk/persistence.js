/** Protects unsent work: asks the browser to keep it, warns before the page is left, removes photos nobody needs. */

import { listen } from "../shared/events.js";
import { readValue, valueNames, writeValue } from "./store.js";
import { isOpen, listEntries } from "./outbox.js";
import { sweepPhotoStore } from "./photo-store.js";

const ASKED = "asked";

/** Asks the browser, once and at the first input, not to clear our storage. A refusal is shown. */
export function askToKeep() {
  const ask = async () => {
    document.removeEventListener("input", ask);
    if (!navigator.storage?.persist || readValue(ASKED) || (await navigator.storage.persisted())) return;
    const isGranted = await navigator.storage.persist();
    writeValue(ASKED, Date.now());
    if (!isGranted) document.getElementById("unkept").hidden = false;
  };
  document.getElementById("composer")?.addEventListener("input", ask, { once: true });
}

/** Warns before the page is left while something is unsent, and only then: the warning keeps a page out of the back/forward cache. */
export function warnBeforeLeaving(isAtRisk) {
  const warn = (event) => event.preventDefault();
  const look = () => (isAtRisk() || listEntries().some(isOpen) ? addEventListener : removeEventListener)("beforeunload", warn);
  for (const name of ["desk:outbox", "desk:draft"]) listen(name, look);
  document.getElementById("outbox-login")?.addEventListener("click", () => { if (!isAtRisk()) removeEventListener("beforeunload", warn); });
  look();
}

/** Removes photos that no draft and no entry on this device needs. */
export function sweepPhotos() {
  const needed = new Set();
  const note = (draft) => {
    for (const { key } of draft?.photos ?? []) needed.add(key);
    if (draft?.aside) note(draft.aside);
  };
  for (const name of [...valueNames("draft:"), ...valueNames("outbox:")]) note(readValue(name));
  sweepPhotoStore((key) => needed.has(key));
}
