/** One update's own page: it follows edits and a withdrawal, shows times in the reader's zone, copies its link. */

import "./embed-link.js";
import "./enlarge.js";
import { watchLinks } from "./move.js";
import "./players.js";
import { dress } from "./times.js";

dress(document);
watchLinks();

document.addEventListener("htmx:afterSwap", () => dress(document));
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (detail.xhr.status === 404 || detail.xhr.status === 410) location.reload();
});
