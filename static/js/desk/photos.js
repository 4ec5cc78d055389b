/** The photos in the composer: adds, describes, orders, takes out and restores them. */

import { say } from "./page.js";
import { newKey } from "./key.js";
import { decode, drawThumb, isMoving, prepare, shrink } from "./photo-scaling.js";
import { findPhoto, forgetPhotos, keepPhoto } from "./photo-store.js";

const MOST = 10;
const LARGEST_BYTES = 20_000_000;
const NAMES = /\.(?:jpe?g|png|webp|gif|avif|hei[cf])$/i;

const shots = document.getElementById("shots");
const template = document.getElementById("shot-template");
const all = () => [...(shots?.children ?? [])];
const shotOf = (key) => all().find(({ dataset }) => dataset.key === key);
const changed = () => shots.dispatchEvent(new Event("input", { bubbles: true }));

/** Returns the photos for the draft in their order, including those taken out. */
export function listed() {
  return all().map((shot) => ({ key: shot.dataset.key, name: shot.dataset.name, alt: shot.querySelector("input").value, address: shot.dataset.address, isOut: "out" in shot.dataset, taken_at: Number(shot.dataset.takenAt ?? 0) }));
}

/** Returns those that are to be sent as soon as they can. */
export const toSend = () => listed().filter(({ key, isOut }) => !isOut && !("refused" in shotOf(key).dataset));

/** Notes that the service has a photo, or why it will not have it. */
export function settle(key, words = "") {
  const shot = shotOf(key);
  if (!shot) return;
  if (words) {
    shot.dataset.refused = "";
    setState(shot, words);
  } else shot.dataset.takenAt = Date.now();
  changed();
}

/** Shows the photos of a draft. */
export function show(photos) {
  const kept = new Map(all().map((shot) => [shot.dataset.key, shot]));
  shots.replaceChildren(...photos.map((photo) => kept.get(photo.key) ?? make(photo, findPhoto(photo.key))));
  photos.forEach(({ alt, isOut, taken_at: takenAt }, place) => {
    if (takenAt) all()[place].dataset.takenAt = takenAt;
    const input = all()[place].querySelector("input");
    if (input.value !== alt) input.value = alt;
    all()[place].toggleAttribute("data-out", Boolean(isOut));
  });
  showOrder();
}

/** Adds files as photos. A key that is there already, because a page died while it was added, is not added again. */
export async function takeFiles(files, keys = []) {
  const problems = [];
  const taken = [];
  let leftOut = 0;
  for (const [place, file] of files.entries()) {
    const key = keys[place] ?? newKey();
    const begun = shotOf(key);
    const problem = begun ? "" : problemOf(file);
    if (!begun && !problem && isFull()) leftOut += 1;
    else if (problem) problems.push(problem);
    else taken.push({ file, shot: begun ?? add({ key, name: file.name, alt: "" }) });
  }
  await Promise.all(taken.map(({ file, shot }) => prepare(shot.dataset.key, () => takeOne(shot, shot.dataset.key, file, problems))));
  if (leftOut) problems.push(`${files.length} ${files.length === 1 ? "photo" : "photos"} picked, ${leftOut} left out: an update has at most ${MOST} photos.`);
  if (problems.length) say(problems.join(" "));
}

function problemOf(file) {
  return file.type.startsWith("image/") || NAMES.test(file.name) ? "" : `${file.name} is not a photo.`;
}

const isFull = () => listed().filter(({ isOut }) => !isOut).length >= MOST;

function add(photo) {
  const shot = make(photo);
  shots.append(shot);
  return shot;
}

async function takeOne(shot, key, file, problems) {
  showOrder();
  setState(shot, "Being made ready");
  const isKept = await keepPhoto(key, file); // before anything else: the camera may have kept no copy
  changed();
  const picture = await decode(file);
  const smaller = picture && (await shrink(file, picture));
  if (picture) drawThumb(shot.querySelector("canvas"), picture);
  picture?.close();
  if ((smaller ?? file).size > LARGEST_BYTES) {
    problems.push(`${file.name} is too large: this browser can’t make it smaller, and the service takes ${LARGEST_BYTES / 1e6} MB.`);
    shot.remove();
    await forgetPhotos([key]);
    return changed();
  }
  const isSmallKept = smaller ? await keepPhoto(key, smaller) : isKept;
  const told = picture ? ((await isMoving(file)) ? "It moves: readers will see its first frame." : "") : "Is sent as it is: this browser can’t show it.";
  setState(shot, isSmallKept ? told : "Not kept on this device, which is full: leave this page open until it is sent.");
  return changed();
}

function make({ key, name, alt, address }, finding) {
  const shot = template.content.firstElementChild.cloneNode(true);
  Object.assign(shot.dataset, { key, name }, address && { address });
  shot.querySelector("input").value = alt;
  finding?.then(async (found) => {
    const blob = found ?? (await fetchPhoto(address));
    if (!blob) return setState(shot, "This photo was not kept. Choose it again.");
    const picture = await decode(blob);
    if (!picture) return setState(shot, `${name}: this browser can’t show it.`);
    drawThumb(shot.querySelector("canvas"), picture);
    return picture.close();
  });
  return shot;
}

/** Returns a photo that the service has, or null. */
async function fetchPhoto(address) {
  const answer = address && (await fetch(address).catch(() => null));
  return answer?.ok ? answer.blob() : null;
}

function setState(shot, words) {
  shot.querySelector(".shot-state").textContent = words;
}

/** Numbers the photos and shows the controls that make sense. */
function showOrder() {
  const last = all().length - 1;
  all().forEach((shot, place) => {
    const isOut = "out" in shot.dataset;
    shot.querySelector(".shot-label span").textContent = isOut ? `${shot.dataset.name || "Photo"} is taken out` : `Photo ${place + 1}`;
    shot.querySelector("input").hidden = isOut;
    for (const button of shot.querySelectorAll("[data-act]")) button.hidden = (button.dataset.act === "restore") !== isOut;
    shot.querySelector("[data-act=earlier]").disabled = place === 0;
    shot.querySelector("[data-act=later]").disabled = place === last;
  });
}

const ACTS = {
  earlier: (shot) => shot.previousElementSibling?.before(shot),
  later: (shot) => shot.nextElementSibling?.after(shot),
  remove: (shot) => shot.setAttribute("data-out", ""),
  restore: (shot) => shot.removeAttribute("data-out"),
};

shots?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act]");
  if (!button) return;
  const shot = button.closest(".shot");
  ACTS[button.dataset.act](shot);
  showOrder();
  const next = button.hidden || button.disabled ? shot.querySelector("[data-act]:not([hidden], :disabled)") : button;
  next?.focus({ preventScroll: true });
  changed();
});
