/** Shows a photo as large as the window. */

const DIALOG_LABEL = "Photo";

let dialog = null;
let photos = [];
let shown = 0; // the place among the photos

/** Opens the dialog with the photo of a link and those beside it. */
export function open(link) {
  const links = [...link.parentElement.querySelectorAll("a[data-enlarge]")];
  photos = links.map((one) => ({ address: one.href, alt: one.querySelector("img").alt }));
  dialog ??= build();
  show(links.indexOf(link));
  dialog.showModal();
}

function build() {
  const made = document.createElement("dialog");
  made.className = "enlarged";
  made.setAttribute("aria-label", DIALOG_LABEL);
  const picture = document.createElement("img");
  const words = document.createElement("p");
  const steps = document.createElement("nav");
  for (const [name, text, act] of [
    ["before", "Previous", () => show(shown - 1)],
    ["close", "Close", () => made.close()],
    ["after", "Next", () => show(shown + 1)],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.name = name;
    button.textContent = text;
    button.addEventListener("click", act);
    steps.append(button);
  }
  made.append(picture, words, steps);
  picture.addEventListener("click", () => made.close());
  made.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") show(shown - 1);
    if (key === "ArrowRight") show(shown + 1);
  });
  made.addEventListener("close", () => picture.removeAttribute("src"));
  document.body.append(made);
  return made;
}

function show(wanted) {
  shown = Math.min(Math.max(wanted, 0), photos.length - 1);
  const [picture, words] = dialog.children;
  const { address, alt } = photos[shown];
  picture.src = address;
  picture.alt = alt;
  words.textContent = alt;
  const [before, close, after] = dialog.querySelectorAll("button");
  before.hidden = after.hidden = photos.length < 2;
  before.disabled = shown === 0;
  after.disabled = shown === photos.length - 1;
  if (document.activeElement?.disabled) close.focus();
}
