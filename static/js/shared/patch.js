/** Changes an element into another, keeping the nodes of all that the server sent unchanged. */

const sources = new WeakMap();
const OURS = new Set(["data-held", "data-settled", "data-new", "data-marked", "open"]);

/** Notes what the server sent, before scripts, players or the reader change anything in it. */
export function remember(root) {
  for (const element of [root, ...root.querySelectorAll("*")]) sources.set(element, element.outerHTML);
}

const sourceOf = (node) => sources.get(node) ?? node.outerHTML ?? node.data;
const isElement = (node) => node?.nodeType === Node.ELEMENT_NODE;

/** Whether the server's HTML for both is the same. */
export const isSame = (old, fresh) => sourceOf(old) === sourceOf(fresh);

/** Has `patch` keep `old` as it is where `fresh` stands. */
export function leaveAlone(old, fresh) {
  const mark = {};
  for (const element of [old, fresh]) sources.set(element, mark);
}

/** Makes `old` what `fresh` is: a playing video, a selection and the focus survive in unchanged blocks. */
export function patch(old, fresh) {
  if (isSame(old, fresh)) return;
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name) && !OURS.has(name)) old.removeAttribute(name);
  sources.set(old, sourceOf(fresh));

  const coming = [...fresh.childNodes];
  let at = old.firstChild;
  const dropUntil = (node) => {
    while (at !== node) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };
  coming.forEach((child, index) => {
    const kept = isElement(child) ? findSame(at, child) : null;
    if (kept) {
      dropUntil(kept);
      at = kept.nextSibling;
      patch(kept, child);
    } else if (canBecome(at, child) && !coming.slice(index).some((later) => isElement(later) && isSame(at, later))) {
      const present = at;
      at = at.nextSibling;
      if (isElement(child)) patch(present, child);
      else if (present.data !== child.data) present.data = child.data;
    } else {
      old.insertBefore(child, at);
    }
  });
  dropUntil(null);
}

/** Finds the element whose HTML from the server is the same, else the one with the same id. */
function findSame(start, wanted) {
  const rest = [];
  for (let node = start; node; node = node.nextSibling) if (isElement(node)) rest.push(node);
  return rest.find((node) => isSame(node, wanted)) ?? rest.find((node) => wanted.id && node.id === wanted.id) ?? null;
}

const canBecome = (old, fresh) =>
  Boolean(old) && old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.id === fresh.id;
