/** The dialog for publishers: shows what they choose, measures it, and copies the code. */

import { copyField } from "./clipboard.js";
import "./swap.js";

const SUGGESTED = { least: 200, most: 800 };
let dialog = null;
let isOwnHeight = false;
const one = (selector) => document.querySelector(selector);

if (one("main#embedding")) begin();

/** Shows the page behind a link in a dialog on the page that is open. */
export async function open(link) {
  const answer = await fetch(link.href).catch(() => null);
  if (!answer?.ok) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("embedding");
  if (!page) return location.assign(link.href);
  dialog ??= build();
  const shown = document.createElement("div");
  shown.className = "embedding";
  shown.id = "embedding";
  shown.append(...page.childNodes);
  await loadStyle(shown);
  dialog.querySelector(".embedding")?.remove();
  dialog.append(shown);
  dialog.showModal();
  htmx.process(shown);
  begin();
}

/** Moves the page's style sheet into the head and waits until it is loaded. */
async function loadStyle(shown) {
  const sheet = shown.querySelector("link[rel=stylesheet]");
  if (document.head.querySelector(`link[href="${sheet.getAttribute("href")}"]`)) return sheet.remove();
  await new Promise((resolve) => {
    sheet.onload = sheet.onerror = resolve;
    document.head.append(sheet);
  });
}

function build() {
  const made = document.createElement("dialog");
  made.className = "embed-dialog";
  made.setAttribute("aria-label", "Embed");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button close";
  close.textContent = "Close";
  close.addEventListener("click", () => made.close());
  made.append(close);
  made.addEventListener("close", () => made.querySelector(".embedding")?.remove()); // its preview would go on polling
  document.body.append(made);
  return made;
}

function begin() {
  isOwnHeight = new URLSearchParams(location.search).has("height");
  one("#embed-height").addEventListener("input", () => { isOwnHeight = true; });
  one("#embed-preview").addEventListener("load", ({ currentTarget: preview }) => {
    preview.contentWindow.addEventListener("keydown", closeFromInside);
    measure();
  });
  one("#embedding .apply").hidden = true;
  offerCopies();
  measure();
}

document.addEventListener("htmx:afterSwap", () => {
  const codes = one("#embed-codes");
  if (!codes) return;
  const preview = one("#embed-preview");
  if (preview.getAttribute("src") !== codes.dataset.frame) preview.setAttribute("src", codes.dataset.frame);
  preview.height = one("#embed-height").value;
  offerCopies();
});

/** Keys that are pressed in the preview don't reach the dialog around it. */
function closeFromInside(press) {
  if (press.key === "Escape" && !press.defaultPrevented) dialog?.close();
}

/** Suggests the height that the content needs, within limits. */
function measure() {
  const content = one("#embed-preview")?.contentDocument?.body?.offsetHeight ?? 0;
  const field = one("#embed-height");
  if (isOwnHeight || !content) return;
  const wanted = String(Math.min(Math.max(content, SUGGESTED.least), SUGGESTED.most));
  if (field.value === wanted) return;
  field.value = wanted;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function offerCopies() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = false;
    button.onclick = () => copy(button);
  }
}

/** Copies the code beside a button, which says so. */
async function copy(button) {
  const field = button.parentElement.querySelector("textarea");
  const isCopied = await copyField(field);
  for (const other of document.querySelectorAll("[data-copies]")) other.textContent = "Copy";
  button.textContent = isCopied ? "Copied" : "Selected";
}
