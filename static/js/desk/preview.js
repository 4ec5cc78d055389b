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
  form.addEventListener("input", ask);
  listen("desk:posted", ask);
}
