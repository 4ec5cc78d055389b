/** Keeps what this device holds: asks the browser not to clear it, warns before leaving, sweeps up what is done. */

import { listen } from "../shared/events.js";
import { readValue, valueNames, writeValue } from "./store.js";
import { isOpen, listEntries } from "./outbox.js";
import { sweepPhotoStore } from "./photo-store.js";

const ASKED = "asked";

/** Asks once, at the first thing worth keeping; a refusal is said, once on this device. */
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

/** Warns before the page is left while something is unsent; a page without such a warning can be kept whole by the browser. */
export function warnBeforeLeaving(isAtRisk) {
  const warn = (event) => event.preventDefault();
  const look = () => (isAtRisk() || listEntries().some(isOpen) ? addEventListener : removeEventListener)("beforeunload", warn);
  for (const name of ["desk:outbox", "desk:draft"]) listen(name, look);
  document.getElementById("outbox-login")?.addEventListener("click", () => { if (!isAtRisk()) removeEventListener("beforeunload", warn); });
  look();
}

/** Forgets photos that no draft and no entry of anybody needs. */
export function sweepPhotos() {
  const needed = new Set();
  const note = (draft) => {
    for (const { key } of draft?.photos ?? []) needed.add(key);
    if (draft?.aside) note(draft.aside);
  };
  for (const name of [...valueNames("draft:"), ...valueNames("outbox:")]) note(readValue(name));
  sweepPhotoStore((key) => needed.has(key));
}
