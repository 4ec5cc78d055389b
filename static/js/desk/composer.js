/** The form in which updates are written: kept at every keystroke, posted into the outbox. */

import { listen, send } from "../shared/events.js";
import { blankDraft, followDraft, isBlank, loadDraft, saveDraft } from "./draft.js";
import { entryOf, problemOf, showLength } from "./outbox-entry.js";
import { say } from "./page.js";
import { newKey } from "./key.js";
import { addMarks } from "./markdown.js";
import { addEntry, findEntry, isLoose } from "./outbox.js";
import * as photos from "./photos.js";
import { kick, offerPhotos, sendDue } from "./sender.js";
import { forgetPhotos } from "./photo-store.js";
import { broken } from "./store.js";
import { confirmed } from "./ask.js";
import { isFar, isLater, showEventTime, shownTime } from "./event-time.js";

const TWICE_MS = 1_000;

const form = document.getElementById("composer");
const { headline, body, is_key: isKey, at } = form?.elements ?? {};
const errors = document.getElementById("composer-errors");
const note = document.getElementById("composer-note");
const postButton = form?.querySelector(".post");
const postWords = postButton?.textContent;

let draft = blankDraft();
let posted_at = -Infinity;

/** Whether the form holds text that is not kept on the device. */
export const isAtRisk = () => "unkept" in form.dataset;

export function openComposer() {
  const there = takeThere();
  const isAnswer = Boolean(body.defaultValue || headline.defaultValue || there.length); // the server gave a plain form back
  const kept = loadDraft();
  const isPosted = kept && findEntry(kept.key); // the page died between putting it into the outbox and forgetting it here
  const rest = isPosted ? kept.aside : kept;
  const isSame = !rest || isBlank(rest) || rest.body === body.defaultValue;
  show(isAnswer ? { ...blankDraft(isSame ? rest?.aside : rest), ...written(), photos: there } : begin(rest ?? blankDraft(), kept));
  followDraft(show);
  form.querySelector("[name=photos]").removeAttribute("name");
  form.addEventListener("input", ({ target }) => {
    keep();
    if (target.id === "shots") sendDue(); // photos travel when they are picked
  });
  offerPhotos({ list: () => ({ address: form.action, photos: photos.toSend() }), taken: photos.settle, refused: photos.settle });
  form.addEventListener("submit", (event) => { event.preventDefault(); post(); });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    if (event.ctrlKey || event.metaKey) post();
    else if (event.target.localName !== "input") return;
    else body.focus(); // half an update would be posted
    event.preventDefault();
  });
  isKey.addEventListener("change", () => {
    if (isKey.checked && !headline.value) headline.focus(); // a key moment is known by it
  });
  // The keyboard stays: a button that takes the focus would put it away.
  for (const name of ["pointerdown", "mousedown"]) {
    form.addEventListener(name, (event) => { if (event.target.closest("button, .is-tick")) event.preventDefault(); });
  }
  for (const input of form.querySelectorAll("[data-pick]")) {
    input.addEventListener("change", () => { photos.takeFiles([...input.files]).then(keep); input.value = ""; });
  }
  form.addEventListener("paste", ({ clipboardData }) => takeDropped(clipboardData)); // its text is pasted as well
  form.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
  form.addEventListener("drop", (event) => { if (takeDropped(event.dataTransfer)) event.preventDefault(); });
  addMarks(form, body);
  listen("desk:edit", edit);
  listen("desk:outbox", followEntry);
  listen("desk:posted", ({ entry }) => { if (entry?.key === draft.key) next(); });
  if (broken) setNote(`${broken} Drafts are not kept, but posting works: leave this page open until it is done.`);
}

/** Takes the photos out of the form that the service has already: it gave the form back, or they are sent again. */
function takeThere() {
  const items = [...form.querySelectorAll("#kept-photos li")];
  const found = items.map((item) => ({ key: item.querySelector("[name=photo]").value, name: "", alt: item.querySelector("[name=alt]").value, address: item.querySelector("img")?.getAttribute("src") ?? "" }));
  document.getElementById("kept-photos")?.remove();
  return found;
}

/** Adds the files of a drop or a paste and returns whether there were any. */
function takeDropped({ files }) {
  if (files.length) photos.takeFiles([...files]).then(keep);
  return files.length > 0;
}

/**
 * Returns the draft to begin with: the kept one, unless somebody typed before this script had loaded. Then that text
 * comes first and the kept draft after it. Text equal to `last` was put back by the browser itself.
 */
function begin(kept, last) {
  const early = written();
  const isTyped = (early.body || early.headline) && ![kept, last].some((one) => one?.body === early.body && one.headline === early.headline);
  return isTyped ? { ...blankDraft(isBlank(kept) ? kept.aside : kept), ...early } : kept;
}

/** Adds shared text after the text that is there, once for each share. */
export function append(text, share) {
  if ([draft, draft.aside].some((one) => one?.shared?.includes(share))) return;
  draft.shared = [...(draft.shared ?? []), share];
  body.value = [body.value.trimEnd(), text].filter(Boolean).join("\n\n");
  keep();
}

function written() {
  return { headline: headline.value, body: body.value, is_key: isKey.checked && !isKey.disabled, at: at.value, photos: photos.listed() };
}

function show(next) {
  draft = { ...blankDraft(), ...next };
  if (body.value !== draft.body) body.value = draft.body;
  headline.value = draft.headline;
  isKey.checked = draft.is_key;
  at.value = draft.at;
  photos.show(draft.photos);
  if (draft.at) form.querySelector(".more-fields").open = true;
  fitBody();
}

function keep() {
  draft = { ...draft, ...written() };
  const isKept = saveDraft(draft);
  form.toggleAttribute("data-unkept", !isKept);
  if (broken) note.hidden = false;
  else setNote(isKept ? (draft.aside ? "Your other draft comes back after this one." : "") : "This device’s storage is full: what you write now is not kept on it. Posting still works; leave this page open until it is done.");
  send("desk:draft");
  fitBody();
}

function fitBody() {
  showLength(body.value);
  showEventTime(at.value);
  postButton.textContent = isLater(at.value) ? `Schedule for ${shownTime(at.value)}` : postWords;
  postButton.toggleAttribute("data-later", isLater(at.value));
  if (!CSS.supports("field-sizing", "content")) {
    body.style.setProperty("block-size", "auto");
    body.style.setProperty("block-size", `${body.scrollHeight + 2}px`);
  }
}

const setNote = (words) => { note.textContent = words; note.hidden = !words; };

function complain(words) {
  errors.replaceChildren();
  errors.hidden = !words;
  if (!words) return;
  const line = document.createElement("p");
  line.textContent = words;
  errors.append(line);
}

function post() {
  if (form.dataset.state === "sending") return;
  say(""); // what was said of the one before
  keep();
  const entry = entryOf(draft, form.action);
  const wrong = problemOf(entry);
  if (wrong && isBlank(draft) && performance.now() - posted_at < TWICE_MS) return; // the second half of a double tap
  complain(wrong);
  if (wrong) return body.focus();
  if (isFar(entry.at) && entry.far_time !== entry.at) return ask(entry);
  posted_at = performance.now();
  if (addToOutbox(entry)) next();
  else form.dataset.state = "sending"; // straight from this page; the text stays until it has arrived
  body.readOnly = "state" in form.dataset;
  body.focus();
  kick({ isAsked: true });
}

/** Asks whether a time far from the event's is meant, then posts it. */
async function ask({ at }) {
  const isMeant = await confirmed(`${shownTime(at)}?`, "That is far from this event’s other times.", "I mean it", "Change it");
  if (!isMeant || at !== form.elements.at.value) return form.elements.at.focus();
  draft.far_time = at;
  post();
}

/** Puts an entry into the outbox. A full device has room for it only when its draft is removed first. */
function addToOutbox(entry) {
  if (addEntry(entry)) return true;
  saveDraft(blankDraft());
  if (addEntry(entry)) return true;
  keep();
  return false;
}

/** Shows the draft that was put aside, or an empty one. */
function next() {
  forgetPhotos(draft.photos.filter(({ isOut }) => isOut).map(({ key }) => key));
  unlock();
  show(draft.aside ?? blankDraft());
  form.querySelector(".more-fields").open = Boolean(draft.at);
  keep();
}

function unlock() {
  delete form.dataset.state;
  body.readOnly = false;
}

/** While an entry is only in this page's memory, the form keeps its text and shows what becomes of it. */
function followEntry() {
  if (isAtRisk()) keep();
  if (form.dataset.state !== "sending") return;
  const entry = findEntry(draft.key);
  if (entry && !entry.state && isLoose(entry)) return;
  unlock();
  if (!entry?.state) return;
  complain(entry.reason || "Another text was already published under this form’s key. Nothing was changed by what you sent just now; post again to publish it as well.");
  draft.key = newKey();
  keep();
}

/** Shows an entry of the outbox for editing. The present draft is put aside and comes back after it. */
function edit(entry) {
  const isAnswered = Boolean(entry.state);
  const aside = isBlank(draft) ? draft.aside : draft;
  show({ ...entry, key: isAnswered ? newKey() : entry.key, photos: entry.photos.map(({ key, name, alt, address, taken_at }) => ({ key, name, alt, address, taken_at: isAnswered ? 0 : taken_at })), aside });
  draft = { ...blankDraft(), key: draft.key, aside };
  keep();
  complain("");
  body.focus();
  form.scrollIntoView({ block: "nearest" });
}
