/** After a withdrawal, its Restore is shown as Undo for ten seconds. */

const SECONDS = 10;
const words = (left) => `${left} second${left === 1 ? "" : "s"} left`;

/** Shows an item's Restore as Undo, with the seconds that are left. */
export function offerUndo(item) {
  const button = item.querySelector("[id^=restore-]");
  if (!button) return;
  const line = document.createElement("p");
  const left = document.createElement("span");
  line.className = "undo";
  left.className = "undo-left";
  left.setAttribute("aria-hidden", "true"); // read out every second it would drown everything
  const ends = performance.now() + SECONDS * 1000;
  const show = () => {
    const seconds = Math.ceil((ends - performance.now()) / 1000);
    if (seconds > 0 && line.isConnected) {
      left.textContent = words(seconds);
      return;
    }
    clearInterval(counting);
    line.remove();
    if (!button.isConnected) return; // it was restored meanwhile
    item.classList.remove("is-fresh");
    button.textContent = "Restore";
  };
  const said = document.createElement("strong");
  said.textContent = "Withdrawn.";
  line.append(said, " ", left);
  item.querySelector(".item-controls").before(line);
  button.textContent = "Undo";
  const counting = setInterval(show, 250);
  show();
}
