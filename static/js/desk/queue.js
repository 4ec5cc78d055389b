/** The queue's controls: their answers go into the queue and the stream; what came back goes into the composer. */

import { take } from "./stream.js";
import { takeQueue } from "./waiting.js";

// An answer to what was done in the queue: the queue as it is now, and what came of it in the stream.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isPlain = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (detail.target.id !== "queue" || isPlain || !detail.shouldSwap) return;
  detail.shouldSwap = false;
  detail.isError = false;
  const sent = document.createRange().createContextualFragment(detail.serverResponse);
  const news = sent.querySelector(".news");
  const said = sent.querySelector("#said");
  takeQueue(sent.querySelector("#queue"));
  if (news?.children.length) take(news.outerHTML);
  if (said) document.getElementById("said")?.replaceChildren(...said.childNodes);
  if (document.activeElement === document.body) document.querySelector("#queue:not([hidden])")?.focus({ preventScroll: true });
});

// What came back goes into the composer; what was being written there waits behind it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-again]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { content } = link.parentElement.querySelector("[data-again-text]");
  const [headline, body] = ["headline", "body"].map((name) => content.querySelector(`[name=${name}]`).value);
  const isKey = "key" in link.dataset;
  document.dispatchEvent(new CustomEvent("desk:edit", { detail: { state: "rejected", headline, body, is_key: isKey, at: "", photos: [] } }));
});
