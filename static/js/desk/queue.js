/** The queue at the desk: takes in what the server sends, never what is being typed; counts in the tab's title. */
import { take } from "./stream.js";

const COUNT = /^\(\d+\) /;

/** Puts a queue that was sent in the place of the one that is shown, item by item: what has not changed is not touched. */
export function takeQueue(sent) {
  const shown = document.getElementById("queue");
  if (!shown || !sent || shown.dataset.digest === sent.dataset.digest) return;
  const list = shown.querySelector("ol");
  const coming = [...sent.querySelectorAll(".queued")];
  const ids = new Set(coming.map((item) => item.id));
  for (const item of [...list.children]) if (!ids.has(item.id)) item.remove();
  let next = list.firstElementChild;
  for (const item of coming) {
    const old = document.getElementById(item.id);
    const isSame = old?.dataset.digest === item.dataset.digest;
    if (old === next) next = next?.nextElementSibling ?? null;
    if (isSame && old.nextElementSibling === next) continue; // it stands where it belongs
    list.insertBefore(isSame ? old : item, next);
    if (old && !isSame) carry(old, item);
  }
  shown.querySelector("h2").replaceWith(sent.querySelector("h2"));
  shown.querySelector(":scope > .hint")?.remove();
  const more = sent.querySelector(":scope > .hint");
  if (more) shown.append(more);
  for (const name of ["digest", "waiting"]) shown.dataset[name] = sent.dataset[name];
  shown.hidden = sent.hidden;
  htmx.process(shown);
  count();
}

/** Takes a reason that was being written over to what an item is now. */
function carry(old, item) {
  const [before, now] = [old, item].map((each) => each.querySelector(".reject"));
  if (before?.open && now) {
    const [from, to] = [before, now].map((each) => each.querySelector("input[name=reason]"));
    now.open = true;
    to.value = from.value;
    const isTyping = document.activeElement === from;
    old.remove();
    if (isTyping) to.focus();
  }
  old.remove();
}

function count() {
  const waiting = Number(document.getElementById("queue")?.dataset.waiting ?? 0);
  const title = document.title.replace(COUNT, "");
  document.title = waiting ? `(${waiting}) ${title}` : title;
}

// An answer to what was done in the queue: the queue as it is now, and what came of it in the stream.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isPlain = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (detail.target.id !== "queue" || isPlain || detail.xhr.status >= 500) return;
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

document.addEventListener("desk:posted", ({ detail: { html } }) => {
  takeQueue(document.createRange().createContextualFragment(html ?? "").querySelector("#queue"));
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
