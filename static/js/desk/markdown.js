/** Adds Markdown's marks to selected text. The browser's undo takes them back. */

const TOGGLES = {
  bold: (area) => wrap(area, "**"),
  link: addLink,
  quote: (area) => prefix(area, "> "),
  list: (area) => prefix(area, "- "),
};
const SHORTCUTS = { b: "bold", k: "link" };

/** Makes the buttons and shortcuts around a text area work. */
export function addMarks(form, area) {
  const toggle = form.querySelector("#tools-toggle");
  toggle.addEventListener("click", () => {
    const isOpen = form.querySelector("#tools").toggleAttribute("data-open");
    toggle.setAttribute("aria-expanded", String(isOpen));
  });
  form.addEventListener("click", ({ target }) => {
    const mark = target.closest("[data-mark]")?.dataset.mark;
    if (mark) TOGGLES[mark](area);
  });
  area.addEventListener("keydown", (event) => {
    const mark = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && SHORTCUTS[event.key.toLowerCase()];
    if (!mark) return;
    event.preventDefault();
    TOGGLES[mark](area);
  });
}

function wrap(area, mark) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  const size = mark.length;
  const chosen = value.slice(start, end);
  if (start >= size && value.slice(start - size, start) === mark && value.slice(end, end + size) === mark) {
    replace(area, start - size, end + size, chosen, start - size, end - size);
  } else {
    const [, before, core, after] = /^(\s*)([^]*?)(\s*)$/.exec(chosen); // "** word**" would not be bold
    const from = start + before.length + size;
    replace(area, start, end, `${before}${mark}${core}${mark}${after}`, from, from + core.length);
  }
}

function addLink(area) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  const chosen = value.slice(start, end).trim();
  if (/^https?:\/\/\S+$/.test(chosen)) {
    replace(area, start, end, `[](${chosen})`, start + 1, start + 1); // the words are missing
  } else {
    const to = start + chosen.length + 3; // the address is missing
    replace(area, start, end, `[${chosen}](https://)`, to, to + 8);
  }
}

function prefix(area, mark) {
  const { value } = area;
  const start = value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const next = value.indexOf("\n", Math.max(start, area.selectionEnd - (area.selectionEnd > area.selectionStart ? 1 : 0)));
  const end = next < 0 ? value.length : next;
  const lines = value.slice(start, end).split("\n");
  const isOn = lines.every((line) => line.startsWith(mark));
  const text = lines.map((line) => (isOn ? line.slice(mark.length) : mark + line)).join("\n");
  replace(area, start, end, text, start + text.length, start + text.length);
}

/** Types `text` over a part of the area, so that undo knows of it, then selects `from` to `to`. */
function replace(area, start, end, text, from, to) {
  area.focus();
  if (area.readOnly) return;
  area.setSelectionRange(start, end);
  const isTyped = document.execCommand(text ? "insertText" : "delete", false, text);
  if (!isTyped) {
    area.setRangeText(text, start, end, "end");
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  area.setSelectionRange(from, to);
}
