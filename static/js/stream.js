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
  const sign = isNewestFirst() ? -1 : 1;
  const others = cards().filter((other) => other !== card);
  const at = others.findIndex((other) => sign * compare(placeOf(other), placeOf(card)) > 0);
  const next = others[at];
  const isThere = next ? card.nextElementSibling === next : list().lastElementChild === card;
  // Where browsers can, a card moves with what is playing in it.
  if (!isThere && card.isConnected && list().moveBefore) list().moveBefore(card, next ?? null);
  else if (!isThere) list().insertBefore(card, next ?? null);
  return next && others.slice(at).find((other) => !("held" in other.dataset));
}
