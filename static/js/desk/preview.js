/** The preview: while it is open, htmx fetches what the server makes of the text. */

import { listen } from "../shared/events.js";

const toggle = document.getElementById("preview-toggle");
const preview = document.getElementById("preview");
const form = document.getElementById("composer");

export function openPreview() {
  const ask = () => { if (!preview.hidden) htmx.trigger(preview, "desk:preview"); };
  toggle.addEventListener("click", () => {
    preview.hidden = !preview.hidden;
    toggle.setAttribute("aria-expanded", String(!preview.hidden));
    ask();
  });
  preview.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 503) preview.textContent = "There is no preview just now. What you wrote is not touched by that.";
  });
  preview.addEventListener("htmx:afterSwap", showPhotos);
  form.addEventListener("input", ask);
  listen("desk:posted", ask);
}

/** Shows the composer's photos below the text, small, as they stand there. */
function showPhotos() {
  const shots = [...document.querySelectorAll("#shots .shot:not([data-out])")];
  if (!shots.length) return;
  const row = document.createElement("p");
  row.className = "queued-photos";
  for (const shot of shots) {
    const thumb = shot.querySelector("canvas");
    const copy = thumb.cloneNode();
    if (thumb.width > 1) copy.getContext("2d").drawImage(thumb, 0, 0);
    copy.setAttribute("role", "img");
    copy.removeAttribute("aria-hidden");
    copy.setAttribute("aria-label", shot.querySelector("input").value || "Photo without a description");
    row.append(copy);
  }
  preview.append(row);
}
