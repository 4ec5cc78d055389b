/** Shows a photo as large as the window when it is pressed; without this its link does. */

const DIALOG_LABEL = "Photo";

let dialog = null;
let photos = [];
let place = 0;

document.addEventListener("click", (click) => {
  const link = click.target.closest?.("a[data-enlarge]");
  if (!link || click.defaultPrevented || click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  photos = [...link.parentElement.querySelectorAll("a[data-enlarge]")].map(read);
  dialog ??= build();
  show([...link.parentElement.querySelectorAll("a[data-enlarge]")].indexOf(link));
  dialog.showModal();
});

const read = (link) => ({ address: link.href, alt: link.querySelector("img").alt });

function build() {
  const made = document.createElement("dialog");
  made.className = "enlarged";
  made.setAttribute("aria-label", DIALOG_LABEL);
  const picture = document.createElement("img");
  const words = document.createElement("p");
  const steps = document.createElement("nav");
  for (const [name, text, act] of [
    ["before", "Previous", () => show(place - 1)],
    ["close", "Close", () => made.close()],
    ["after", "Next", () => show(place + 1)],
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
    if (key === "ArrowLeft") show(place - 1);
    if (key === "ArrowRight") show(place + 1);
  });
  made.addEventListener("close", () => picture.removeAttribute("src"));
  document.body.append(made);
  return made;
}

function show(wanted) {
  place = Math.min(Math.max(wanted, 0), photos.length - 1);
  const [picture, words] = dialog.children;
  const { address, alt } = photos[place];
  picture.src = address;
  picture.alt = alt;
  words.textContent = alt;
  const [before, close, after] = dialog.querySelectorAll("button");
  before.hidden = after.hidden = photos.length < 2;
  before.disabled = place === 0;
  after.disabled = place === photos.length - 1;
  if (document.activeElement?.disabled) close.focus();
}
