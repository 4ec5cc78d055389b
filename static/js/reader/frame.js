/** The feed in a frame on another site: the reader's page, and what it says to the page around it. */

import "./event.js";
import { say } from "./hold.js";

const PRESSED_MS = 3_000;
const secret = /^#\?secret=([A-Za-z0-9]+)$/.exec(location.hash)?.[1]; // WordPress tells its frames apart by it
const isSandboxed = self.origin === "null";
let pressed = null; // when the reader last pressed something, and the heights then
let sentHeight = 0;

// From a sandbox a request with headers of htmx's own would need leave first.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const name of Object.keys(detail.headers)) delete detail.headers[name];
});

if (parent !== self) {
  addEventListener("click", notePress, { capture: true });
  addEventListener("keydown", notePress, { capture: true });
  new ResizeObserver(sendHeight).observe(document.body);
  document.addEventListener("click", openElsewhere);
  if (secret) {
    sendToWordPress("height", innerHeight); // what has been reserved: nothing moves
    addEventListener("message", ({ source, data }) => {
      if (source === parent && data?.message === "ready" && data.secret === secret) sendToWordPress("height", innerHeight);
    });
  }
}

/** Notes a press: only after a press may the frame become higher. */
function notePress({ isTrusted }) {
  if (isTrusted) pressed = { at: performance.now(), frame: innerHeight, content: document.body.offsetHeight };
}

/** Asks the page around for as much more height as the content has grown since the press, if it does not fit. */
function sendHeight() {
  if (!pressed || performance.now() - pressed.at > PRESSED_MS) return;
  const content = document.body.offsetHeight;
  const wanted = Math.min(content, pressed.frame + content - pressed.content);
  if (wanted <= innerHeight || wanted === sentHeight) return;
  sentHeight = wanted;
  parent.postMessage({ liveblog: "height", height: wanted }, "*"); // a height is no secret
  if (secret) sendToWordPress("height", wanted);
}

function sendToWordPress(message, value) {
  parent.postMessage({ message, value, secret }, "*");
}

/** A sandbox opens no new window: WordPress follows links to our own site, others are there to copy. */
function openElsewhere(click) {
  const link = click.target.closest?.("a[href]");
  if (!isSandboxed || !link || link.target === "_self" || click.defaultPrevented) return;
  click.preventDefault();
  if (secret && link.host === location.host) sendToWordPress("link", link.href);
  showAddress(link.href);
}

function showAddress(address) {
  const line = document.querySelector(".frame-said") ?? document.createElement("p");
  line.className = "frame-said";
  line.textContent = `This page lets no link be opened from here. Its address: ${address}`;
  document.body.append(line);
  say(line.textContent);
  addEventListener("click", () => line.remove(), { once: true, capture: true });
}
