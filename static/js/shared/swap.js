/** How answers get into a page: which are ours, by which function they are taken in, and what keeps its place. */

// A fragment of changes, a preview; every other answer holds what takes the target's place, under its id.
const MARKS = "section[data-after], section[data-reload], [data-preview]";

/** Whether an answer holds what `selector` names. */
export const holds = (html, selector) => new DOMParser().parseFromString(html, "text/html").querySelector(selector) !== null;

// The sign-in page of a hotel's network says 200 as well. It is an error like others, and the page stays as it is.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr, target, serverResponse } = detail;
  if (!detail.shouldSwap || xhr.status >= 400 || holds(serverResponse, `#${target.id}, ${MARKS}`)) return;
  detail.shouldSwap = false;
  detail.isError = true;
});

/** Registers the swap style `name`: `take(fragment, target)` takes answers in; `onFailure()` is called if it throws. */
export function registerSwap(name, take, onFailure) {
  htmx.defineExtension(name, {
    isInlineSwap: (style) => style === name,
    handleSwap(style, target, fragment) {
      if (style !== name) return false;
      try {
        return take(fragment, target) ?? [];
      } catch (error) {
        console.error(error);
        onFailure();
        return [];
      }
    },
  });
}

/** Returns the block that is being read: the first in view, if `root` begins above the window. */
export function blockInView(root, blocks) {
  const isScrolled = root && root.getBoundingClientRect().top < 0;
  return isScrolled ? blocks.find((block) => block.getBoundingClientRect().bottom > 0) : null;
}

/** Whether any of an element is on the screen. */
export function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

let last = { anchor: null, top: 0 }; // where it was first: what browsers round off each time would add up

/** Makes a change while `anchor` keeps its place on the screen, also in browsers that don't anchor the scroll. */
export function keepingPlace(anchor, change) {
  const now = anchor?.getBoundingClientRect().top;
  const top = last.anchor === anchor && Math.abs(last.top - now) < 1 ? last.top : now;
  change();
  if (!anchor?.isConnected) return;
  last = { anchor, top };
  const moved = anchor.getBoundingClientRect().top - top;
  if (Math.abs(moved) >= 0.5) scrollBy({ top: moved, behavior: "instant" });
}
