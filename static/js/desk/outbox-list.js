/** Shows the outbox's entries and what becomes of them. */

import { canSync } from "./background.js";
import { clock, slug } from "./page.js";
import { countOthers, findEntry, isFree, isLoose, isOpen, listEntries } from "./outbox.js";
import { shownTime } from "./event-time.js";

const OLD_MS = 120_000;
const LOOK_MS = 30_000; // how soon it is seen that one has become old

const box = document.getElementById("outbox");
const shown = document.getElementById("entries");
const template = document.getElementById("entry-template");
const part = (item, name) => item.querySelector(`[data-says="${name}"]`);
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

setInterval(() => { if (shown?.children.length) showEntries(); }, LOOK_MS);

/** Shows all entries. Those that stay keep their element, and so the focus in it. */
export function showEntries() {
  const entries = listEntries();
  const others = countOthers();
  const login = entries.find((entry) => entry.needs === "login" && isOpen(entry));
  box.hidden = !entries.length && !others;
  for (const item of [...shown.children]) if (!entries.some(({ key }) => key === item.dataset.key)) leave(item);
  let last = null;
  for (const entry of entries) {
    const item = document.getElementById(`entry-${entry.key}`) ?? make(entry.key);
    const place = last ? last.nextElementSibling : shown.firstElementChild;
    if (item !== place) shown.insertBefore(item, place);
    fill(item, entry);
    last = item;
  }
  setText(document.getElementById("outbox-line"), lineAbout(entries));
  setText(document.querySelector("#outbox-login span"), login?.reason ?? "");
  document.getElementById("outbox-login").hidden = !login;
  const line = document.getElementById("outbox-others");
  line.hidden = !others;
  setText(line, others === 1 ? "One update by somebody else waits on this device. It is sent when they sign in here." : `${others} updates by somebody else wait on this device. They are sent when they sign in here.`);
}

/** Shows how much of a photo is sent. */
export function showProgress({ key, photo, part: sent }) {
  const item = document.getElementById(`entry-${key}`);
  const photos = findEntry(key)?.photos.length;
  if (!item || !photos) return;
  const bar = item.querySelector("progress");
  bar.hidden = false;
  bar.value = (photo + sent) / photos;
  setText(part(item, "state"), photos === 1 ? "Sending the photo" : `Sending photo ${photo + 1} of ${photos}`);
}

function make(key) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.id = `entry-${key}`;
  item.dataset.key = key;
  return item;
}

function leave(item) {
  const hadFocus = item.contains(document.activeElement);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  if (hadFocus) (next ?? document.querySelector("#composer [name=body]"))?.focus({ preventScroll: true });
}

function fill(item, entry) {
  const stands = entry.state || (entry.sending || entry.uploading ? "sending" : entry.needs ? "login" : entry.tries ? "later" : "waiting");
  const isHere = entry.event === slug;
  item.dataset.state = stands;
  setText(part(item, "state"), WORDS[stands](entry));
  setText(part(item, "headline"), entry.headline);
  setText(part(item, "body"), entry.body);
  setText(part(item, "about"), about(entry, isHere));
  if (!entry.uploading) item.querySelector("progress").hidden = true;
  const can = {
    retry: isOpen(entry) && !["sending", "waiting"].includes(stands),
    edit: isFree(entry) && !isLoose(entry) && isHere && stands !== "clash",
    date: isFree(entry) && isHere && isDatable(entry),
    open: isFree(entry) && !isHere && stands !== "clash",
    renew: stands === "clash",
    discard: isFree(entry),
  };
  for (const control of item.querySelectorAll("[data-act]")) control.hidden = !can[control.dataset.act];
  setText(item.querySelector("[data-act=discard]"), stands === "clash" ? "Discard mine" : "Discard");
  item.querySelector("[data-act=open]").href = entry.address.replace(/updates\/$/, "");
  const published = item.querySelector("[data-shows=published]");
  if (stands === "clash" && !published.hasChildNodes()) published.append(document.createRange().createContextualFragment(entry.published));
  for (const block of item.querySelectorAll("[data-shows]")) block.hidden = stands !== "clash";
}

/** Whether an entry is so old that its author may want it to stand where it was written. */
function isDatable({ at, written_at: writtenAt }) {
  const mayDate = "mayDate" in (document.getElementById("composer")?.dataset ?? {});
  return mayDate && !at && Date.now() - writtenAt > OLD_MS;
}

const WORDS = {
  waiting: () => (navigator.onLine ? "Waits for its turn" : `Waits for the network. It is sent ${canSync() ? "when that is back" : "when you open this again"}`),
  sending: ({ uploading }) => (uploading ? "Sending its photos" : "Sending"),
  later: ({ reason, unanswered }) => `${reason}. ${unanswered ? "It may have arrived; sent again, it can’t appear twice." : "It is sent again by itself."}`,
  login: () => "Waits for you to sign in",
  refused: ({ reason }) => `Not posted: ${reason}`,
  clash: () => "Another text was already published under this entry’s key",
};

function about(entry, isHere) {
  const photos = entry.photos.length;
  const parts = [`Written ${clock(new Date(entry.written_at))}`];
  if (!isHere) parts.push(`for “${entry.title}”`);
  if (photos) parts.push(photos === 1 ? "1 photo" : `${photos} photos`);
  if (entry.is_key) parts.push("key moment");
  if (entry.at) parts.push(`${entry.later ? "scheduled for" : "with the time"} ${shownTime(entry.at)}`);
  if (isLoose(entry)) parts.push("not kept on this device: leave this page open");
  return parts.join(" · ");
}

function lineAbout(entries) {
  const open = entries.filter(isOpen).length;
  const stuck = entries.length - open;
  const words = [];
  const waitsForLogin = entries.some(({ needs }) => needs === "login");
  if (open) words.push(`${open === 1 ? "1 update is" : `${open} updates are`} ${waitsForLogin ? "waiting for you to sign in" : navigator.onLine ? "on the way" : "waiting for the network"}.`);
  if (stuck) words.push(`${stuck === 1 ? "1 needs" : `${stuck} need`} you.`);
  return words.join(" ");
}
