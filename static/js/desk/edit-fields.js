/** The fields of an edit form: reads them, fills them in, moves photos, and describes a change made elsewhere. */

import { user } from "./page.js";

const KEPT = ["headline", "body", "at", "correction", "is_key", "revision", "version", "seen_revision", "waiting_version"];
const valueOf = (field) => (field.type === "checkbox" ? field.checked : field.value);

/** Returns all that an author can change in a form, and the revision that the form began from. */
export function fieldsOf(form) {
  const fields = {};
  for (const name of KEPT) if (form.elements[name]) fields[name] = valueOf(form.elements[name]);
  fields.notes = notesOf(form).map((field) => [field.previousElementSibling.value, field.value]);
  fields.photos = photosOf(form).map((photo) => [keyOf(photo), photo.querySelector("[name=alt]").value]);
  return fields;
}

/** Fills in kept fields and returns whether they differ from what was there. */
export function fill(form, fields) {
  const before = JSON.stringify(fieldsOf(form));
  for (const name of KEPT) {
    const field = name in fields && form.elements[name];
    if (field) field[field.type === "checkbox" ? "checked" : "value"] = fields[name];
  }
  const notes = new Map(fields.notes ?? []);
  for (const field of notesOf(form)) field.value = notes.get(field.previousElementSibling.value) ?? field.value;
  const photos = new Map(photosOf(form).map((photo) => [keyOf(photo), photo]));
  for (const [key, alt] of fields.photos ?? []) {
    const photo = photos.get(key);
    if (!photo) continue;
    photo.querySelector("[name=alt]").value = alt;
    photo.parentElement.append(photo);
    photos.delete(key);
  }
  for (const photo of photos.values()) photo.remove();
  count(form);
  return JSON.stringify(fieldsOf(form)) !== before;
}

/** Moves the photo of a button one place, or takes it out. Nothing is saved yet. */
export function movePhoto(button) {
  const form = button.form;
  const photo = button.closest(".edit-photo");
  const other = { earlier: photo.previousElementSibling, later: photo.nextElementSibling }[button.dataset.step];
  if (button.dataset.step === "remove") {
    const next = photo.nextElementSibling ?? photo.previousElementSibling;
    photo.remove();
    (next?.querySelector("[data-step=remove]") ?? form.elements.body).focus();
  } else if (other) {
    if (button.dataset.step === "earlier") other.before(photo);
    else other.after(photo);
    button.focus();
  }
  count(form);
}

const notesOf = (form) => [...form.querySelectorAll("[name=note]")];
const photosOf = (form) => [...form.querySelectorAll(".edit-photo")];
const keyOf = (photo) => photo.querySelector("[name=photo]").value;

function count(form) {
  photosOf(form).forEach((photo, at) => {
    for (const number of photo.querySelectorAll(".photo-number")) number.textContent = at + 1;
  });
}

/** Returns a box that says who has changed an update meanwhile and what it says now. */
export function describe(item, { isGone }) {
  if (isGone) return box("Withdrawn meanwhile. It has to be restored before it can be saved.");
  const who = item.dataset.byUser === user ? "you, from elsewhere" : item.dataset.by;
  return box(`Changed meanwhile by ${who}:`, item.querySelector("article"), ":scope > :is(.update-headline, .prose, .photos)");
}

/** Returns such a box for what waits; `item` is null if it no longer does. */
export function describeQueued(item) {
  if (!item) return box("It no longer waits: it was published, rejected or taken back meanwhile. Copy what you still need of this.");
  return box("Changed meanwhile:", item.querySelector(".queued-text"), ":scope > *");
}

function box(words, text = null, parts = "") {
  const made = document.createElement("div");
  const line = document.createElement("p");
  made.className = "meanwhile";
  made.setAttribute("role", "status");
  line.className = "meanwhile-who";
  line.textContent = words;
  made.append(line);
  if (text) made.append(quotation(text, parts));
  return made;
}

function quotation(text, parts) {
  const quote = document.createElement("blockquote");
  quote.tabIndex = 0;
  quote.lang = text.lang;
  for (const part of text.querySelectorAll(parts)) {
    const copy = part.cloneNode(true);
    for (const element of [copy, ...copy.querySelectorAll("[id]")]) element.removeAttribute("id");
    quote.append(copy);
  }
  return quote;
}
