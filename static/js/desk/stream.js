/** The desk's stream of updates: takes in what the server sends, item by item. */

/** Puts the items of an answer where they belong: an item that is there is replaced, a new one goes on top. */
export function take(html) {
  const sent = document.createRange().createContextualFragment(html);
  for (const item of [...sent.querySelectorAll(".item")]) {
    const shown = document.getElementById(item.id);
    if (shown) shown.replaceWith(item);
    else document.getElementById("items").prepend(item);
    htmx.process(item);
  }
}
