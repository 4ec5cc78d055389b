/** The swap style "live" for htmx: an answer is taken in, not put in the place of what is there. */

/** Has `take(fragment, target)` take answers in; where that fails, `onFailure()` is left. */
export function registerSwap(take, onFailure) {
  htmx.defineExtension("live", {
    isInlineSwap: (style) => style === "live",
    handleSwap(style, target, fragment) {
      if (style !== "live") return false;
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

/** Runs a change so that the block being read stays where it is, also where no browser anchors the scroll. */
export function keepingPlace(root, blocks, change) {
  const isScrolled = root && root.getBoundingClientRect().top < 0;
  const anchor = isScrolled && blocks.find((block) => block.getBoundingClientRect().bottom > 0);
  const before = anchor && anchor.getBoundingClientRect().top;
  change();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
}
