/** Tells users of screen readers how many updates of others have arrived, every 15 s at most. */

import { user } from "./page.js";

const TOGETHER_MS = 15_000;
const unspoken = new Map();
let spokenAt = -Infinity;
let timer = 0;

/** Notes items that arrived. */
export function announce(items) {
  for (const { id, dataset } of items) if (dataset.byUser !== user) unspoken.set(id, dataset.by);
  clearTimeout(timer);
  if (unspoken.size) timer = setTimeout(speak, Math.max(0, spokenAt + TOGETHER_MS - performance.now()));
}

function speak() {
  const names = [...new Set(unspoken.values())];
  const line = document.getElementById("stream-news");
  line.textContent = `${unspoken.size === 1 ? "1 new update" : `${unspoken.size} new updates`} by ${names.join(", ")}.`;
  unspoken.clear();
  spokenAt = performance.now();
}
