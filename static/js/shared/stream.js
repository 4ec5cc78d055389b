/** The places of cards, the window that the page has loaded, and their order. At the desk the cards are items of a list. */

export const feed = () => document.querySelector("#feed, #items");
export const list = () => document.querySelector("#cards, #items");
export const cards = () => [...list().querySelectorAll(":scope > [data-number]")];
export const shownCards = () => cards().filter((card) => !("held" in card.dataset));
export const cardOf = (number) => list().querySelector(`:scope > [data-number="${number}"]`);
export const isNewestFirst = () => feed().dataset.order !== "oldest";
export const cursor = () => Number(feed().dataset.revision);

/** Whether the page is in a frame on another site. Then it stores nothing and does not change the address. */
export const isFramed = () => "framed" in (feed()?.dataset ?? {});

/** Returns the address of a part of the stream: this page's own, with all that its link or publisher has chosen. */
export function addressOf(part) {
  const url = new URL(location.href);
  url.hash = "";
  for (const name of ["before", "after", "around", "at"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(part)) url.searchParams.set(name, value);
  return url;
}

/** Whether a window's older end is at or beyond another. An empty end has nothing beyond it. */
export const reaches = (oldest, other) => !oldest || (Boolean(other) && compare(readPlace(oldest), readPlace(other)) <= 0);

const placeOf = (card) => [card.dataset.published, Number(card.dataset.number)];
const readPlace = (text) => [text.split(",")[0], Number(text.split(",")[1])];
const compare = ([time, number], [otherTime, otherNumber]) =>
  time < otherTime ? -1 : time > otherTime ? 1 : number - otherNumber;

/**
 * Returns on which side of the window a card's place lies: -1 older, 0 inside, 1 newer. An empty end is open.
 * A page of one update alone has no place for any other.
 */
export function sideOf(card) {
  const { oldest, newest, only } = feed().dataset;
  if (only) return card.dataset.number === only ? 0 : -1;
  if (oldest && compare(placeOf(card), readPlace(oldest)) < 0) return -1;
  if (newest && compare(placeOf(card), readPlace(newest)) > 0) return 1;
  return 0;
}

/** Puts a card where it belongs among the others, and returns the shown card that follows it. */
export function insertInOrder(card) {
  const others = cards().filter((other) => other !== card);
  const at = others.findIndex((other) => inOrder(other, card) > 0);
  const next = others[at];
  const before = next ?? list().querySelector(":scope > .older"); // the desk's link to older ones stands in its list
  if (card.parentElement !== list() || card.nextElementSibling !== before) move(card, before);
  return next && others.slice(at).find((other) => !("held" in other.dataset));
}

/** Makes `wanted` the only children of a parent, in their order. An element that is in its place is not touched. */
export function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((element, at) => {
    const present = parent.children[at];
    if (present !== element) move(element, present, parent);
  });
}

export const inOrder = (card, other) => (isNewestFirst() ? -1 : 1) * compare(placeOf(card), placeOf(other));

/** Moves an element. In browsers with moveBefore, players in it go on playing and the focus stays. */
function move(element, next = null, parent = list()) {
  if (element.parentElement === parent && parent.moveBefore) parent.moveBefore(element, next);
  else parent.insertBefore(element, next);
}
