/** What stands in an edit form: read out, filled in, its photos moved; and another's text shown above it. */

import { user } from "./page.js";

const KEPT = ["headline", "body", "at", "correction", "revision"];

/** Everything in the form that an author can change, and the revision it began from. */
export function fieldsOf(form) {
  const fields = {};
  for (const name of KEPT) if (form.elements[name]) fields[name] = form.elements[name].value;
  fields.photos = photosOf(form).map((photo) => [keyOf(photo), photo.querySelector("[name=alt]").value]);
  return fields;
}

/** Fills in what was kept, and says whether it differs from what is there. */
export function fill(form, fields) {
  const before = JSON.stringify(fieldsOf(form));
  for (const name of KEPT) if (form.elements[name] && name in fields) form.elements[name].value = fields[name];
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

/** Moves the photo of a button one place, or takes it out; saving makes it so. */
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

const photosOf = (form) => [...form.querySelectorAll(".edit-photo")];
const keyOf = (photo) => photo.querySelector("[name=photo]").value;

function count(form) {
  photosOf(form).forEach((photo, at) => {
    for (const number of photo.querySelectorAll(".photo-number")) number.textContent = at + 1;
  });
}

/** What stands above a form whose update has changed: who did it, and what it says now. */
export function describe(item, { isGone }) {
  const box = document.createElement("div");
  const line = document.createElement("p");
  box.className = "meanwhile";
  box.setAttribute("role", "status");
  line.className = "meanwhile-who";
  const who = item.dataset.byUser === user ? "you, from elsewhere" : item.dataset.by;
  line.textContent = isGone ? "Withdrawn meanwhile. It has to be restored before it can be saved." : `Changed meanwhile by ${who}:`;
  box.append(line);
  if (isGone) return box;
  const quote = document.createElement("blockquote");
  quote.tabIndex = 0;
  const { lang } = item.querySelector("article");
  quote.lang = lang;
  for (const part of item.querySelectorAll("article > :is(.update-headline, .prose, .photos)")) {
    const copy = part.cloneNode(true);
    for (const element of [copy, ...copy.querySelectorAll("[id]")]) element.removeAttribute("id");
    quote.append(copy);
  }
  box.append(quote);
  return box;
}
