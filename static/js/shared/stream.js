/** Where cards stand: their places, the window the page has loaded, their order. */

export const feed = () => document.getElementById("feed");
export const list = () => document.getElementById("cards");
export const cards = () => [...list().querySelectorAll(":scope > article")];
export const shownCards = () => [...list().querySelectorAll(":scope > article:not([data-held])")];
export const cardOf = (number) => list().querySelector(`:scope > #update-${number}`);
export const isNewestFirst = () => feed().dataset.order === "newest";
export const cursor = () => Number(feed().dataset.revision);

/** Whether the page stands in a frame on another site: it stores nothing, and leaves the address as it is. */
export const isFramed = () => "framed" in (feed()?.dataset ?? {});

/** The address of a part of the stream: this page's own, with whatever else its link or its publisher has chosen. */
export function addressOf(part) {
  const url = new URL(location.href);
  url.hash = "";
  for (const name of ["before", "after", "around", "at"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(part)) url.searchParams.set(name, value);
  return url;
}

const placeOf = (card) => [card.dataset.published, Number(card.dataset.number)];
const readPlace = (text) => [text.split(",")[0], Number(text.split(",")[1])];
const compare = ([time, number], [otherTime, otherNumber]) =>
  time < otherTime ? -1 : time > otherTime ? 1 : number - otherNumber;

/**
 * Says on which side of the window a card's place lies: -1 older, 0 inside, 1 newer. An empty end is open.
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
  const isThere = next ? card.nextElementSibling === next : list().lastElementChild === card;
  if (!isThere) put(card, next);
  return next && others.slice(at).find((other) => !("held" in other.dataset));
}

/** Makes the stream of these cards alone, each where it belongs; one that stands there already is not touched. */
export function arrange(wanted) {
  const kept = new Set(wanted);
  for (const child of [...list().children]) if (!kept.has(child)) child.remove();
  [...wanted].sort(inOrder).forEach((card, at) => {
    const present = list().children[at];
    if (present !== card) put(card, present);
  });
}

const inOrder = (card, other) => (isNewestFirst() ? -1 : 1) * compare(placeOf(card), placeOf(other));

/** Where browsers can, a card moves with what is playing in it. */
function put(card, next = null) {
  if (card.isConnected && list().moveBefore) list().moveBefore(card, next);
  else list().insertBefore(card, next);
}
