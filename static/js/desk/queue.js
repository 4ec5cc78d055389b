/** The queue: takes in what the server sends item by item, and gives what came back to the composer. */

import { send } from "../shared/events.js";
import { patch } from "../shared/patch.js";
import { isPlain } from "../shared/press.js";
import { arrange } from "../shared/stream.js";

/** Makes the queue that is shown what was sent. A reason that is being written stays, as its item does. */
export function takeQueue(shown, sent) {
  if (shown.dataset.digest === sent.dataset.digest) return;
  const hadFocus = shown.contains(document.activeElement);
  const kept = [...sent.querySelectorAll(".queued")].map(({ id }) => document.getElementById(id)).filter(Boolean);
  arrange(shown.querySelector("ol"), kept);
  patch(shown, sent);
  htmx.process(shown);
  if (hadFocus && !shown.contains(document.activeElement) && !shown.hidden) shown.focus({ preventScroll: true });
}

/** What came back goes into the composer; what was being written there waits behind it. */
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
