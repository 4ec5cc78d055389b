/** The queue of what is not public yet. */

import { send } from "../shared/events.js";
import { patch } from "../shared/patch.js";
import { isPlain } from "../shared/press.js";
import { arrange } from "../shared/stream.js";

/** Changes the queue into what was sent. Items that stay keep their element, and what is being typed in it. */
export function takeQueue(shown, sent) {
  if (shown.dataset.digest === sent.dataset.digest) return;
  const hadFocus = shown.contains(document.activeElement);
  const kept = [...sent.querySelectorAll(".queued")].map(({ id }) => document.getElementById(id)).filter(Boolean);
  arrange(shown.querySelector("ol"), kept);
  patch(shown, sent);
  htmx.process(shown);
  if (hadFocus && !shown.contains(document.activeElement) && !shown.hidden) shown.focus({ preventScroll: true });
}

/** Puts a rejected text into the composer when its author asks for that. */
export function watchQueue() {
  document.addEventListener("click", (click) => {
    const link = click.target.closest("[data-again]");
    if (!link || !isPlain(click)) return;
    click.preventDefault();
    const { content } = link.parentElement.querySelector("[data-again-text]");
    const [headline, body] = ["headline", "body"].map((name) => content.querySelector(`[name=${name}]`).value);
    send("desk:edit", { state: "rejected", headline, body, is_key: "key" in link.dataset, at: "", photos: [] });
  });
}
