/** After a withdrawal: for ten seconds the way back is called Undo and stands out. */

const SECONDS = 10;
const words = (left) => `${left} second${left === 1 ? "" : "s"} left`;

/** Makes the item's Restore an Undo for a while; without this it is a plain Restore. */
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
