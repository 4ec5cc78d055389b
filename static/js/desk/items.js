/** Where items stand in the desk's stream: newest first, inside the window that the page has loaded. */

export const list = () => document.getElementById("items");
export const items = () => [...list().querySelectorAll(":scope > .item")];
export const itemOf = (number) => list().querySelector(`:scope > #item-${number}`);
export const cursor = () => Number(list().dataset.revision);
export const isForm = (item) => item.classList.contains("is-editing");

const placeOf = (item) => [item.dataset.published, Number(item.dataset.number)];
const readPlace = (text) => [text.split(",")[0], Number(text.split(",")[1])];
const compare = ([time, number], [otherTime, otherNumber]) =>
  time < otherTime ? -1 : time > otherTime ? 1 : number - otherNumber;

/** Whether one end of a window, as text, lies at or beyond another towards the older ones; empty is the very end. */
export const reaches = (oldest, other) => !oldest || (Boolean(other) && compare(readPlace(oldest), readPlace(other)) <= 0);

/** Whether an item's place lies in the window. An empty end is open. */
export function isInside(item) {
  const { oldest, newest } = list().dataset;
  if (oldest && compare(placeOf(item), readPlace(oldest)) < 0) return false;
  return !newest || compare(placeOf(item), readPlace(newest)) <= 0;
}

/** Puts an item where it belongs among the others; one that stands right is not touched. */
export function insertInOrder(item) {
  const others = items().filter((other) => other !== item);
  const next = others.find((other) => compare(placeOf(other), placeOf(item)) < 0) ?? list().querySelector(":scope > .older");
  if (item.parentElement === list() && item.nextElementSibling === next) return;
  list().insertBefore(item, next);
}

/** Whether `item` says something that `known` does not yet: a pin may move without a new revision of the update. */
export function isNewer(item, known) {
  const [revision, other] = [Number(item.dataset.revision), Number(known.dataset.revision)];
  if (revision !== other) return revision > other;
  const hasOtherPin = item.classList.contains("is-pinned") !== known.classList.contains("is-pinned");
  return hasOtherPin && Number(item.dataset.seen) > Number(known.dataset.seen);
}

let kept = { anchor: null, top: 0 }; // where it was first: what browsers round off each time would add up

/** Runs a change so that what is being typed in, or else read, stays where it is on the screen. */
export function keepingPlace(change) {
  const typed = document.activeElement?.closest("#desk :is(input, textarea, select)");
  const isScrolled = list().getBoundingClientRect().top < 0;
  const anchor = typed ?? (isScrolled && items().find((item) => item.getBoundingClientRect().bottom > 0));
  const now = anchor && anchor.getBoundingClientRect().top;
  const top = kept.anchor === anchor && Math.abs(kept.top - now) < 1 ? kept.top : now;
  change();
  if (!anchor?.isConnected) return;
  kept = { anchor, top };
  const moved = anchor.getBoundingClientRect().top - top;
  if (Math.abs(moved) >= 0.5) scrollBy({ top: moved, behavior: "instant" });
}
