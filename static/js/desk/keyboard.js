/** Notes when little is left above a phone's keyboard, and how much of the page the keyboard hides. */

const LOW_PX = 560;
const NARROW = "(max-width: 47.9rem)";

export function watchKeyboard() {
  const view = globalThis.visualViewport;
  if (!view) return;
  const look = () => {
    const root = document.documentElement;
    const hidden = Math.max(0, innerHeight - view.height - view.offsetTop); // nothing where the keyboard makes the page smaller
    root.style.setProperty("--keyboard", `${Math.round(hidden)}px`);
    root.toggleAttribute("data-low", view.height < LOW_PX && matchMedia(NARROW).matches);
  };
  for (const name of ["resize", "scroll"]) view.addEventListener(name, look);
  look();
}
