/** Puts the provider's player in place of its front when that is pressed; before, nothing is asked of anybody. */

const isSandboxed = self.origin === "null"; // as in WordPress: players fail there, and the link remains
if (isSandboxed) document.documentElement.dataset.sandboxed = "";

document.addEventListener("click", (click) => {
  const front = click.target.closest?.("a.player-front");
  if (!front || isSandboxed || click.defaultPrevented || click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  const { player, element, allow } = front.parentElement.dataset;
  if (!player?.startsWith("https://")) return;
  click.preventDefault();
  const made = element === "iframe" ? frame(player, allow) : file(element, player);
  made.title = `${front.querySelector(".player-title").textContent}, ${front.querySelector(".player-from").textContent}`;
  front.hidden = true;
  front.after(made);
  made.focus({ preventScroll: true });
});

function frame(address, allow) {
  const made = document.createElement("iframe");
  made.referrerPolicy = "strict-origin-when-cross-origin"; // YouTube refuses (error 153) who sends none
  made.allow = allow;
  made.allowFullscreen = true;
  made.src = address;
  return made;
}

function file(element, address) {
  const made = document.createElement(element === "audio" ? "audio" : "video");
  made.controls = made.autoplay = made.playsInline = true;
  made.tabIndex = 0;
  made.src = address;
  return made;
}
