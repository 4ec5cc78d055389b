/** Presses on links of players, photos and the dialog for publishers. The last two have scripts that are loaded on demand. */

const SCRIPTS = {
  "a[data-enlarge]": () => import("./enlarge.js"),
  "a[data-embedding]": () => import("./embedding.js"),
};

/** Whether it is a press without keys by which browsers open another tab. */
export const isPlain = (click) => !(click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey);

document.addEventListener("click", async (click) => {
  const link = click.target.closest?.(Object.keys(SCRIPTS).join());
  if (!link || click.defaultPrevented || !isPlain(click)) return;
  click.preventDefault();
  const [, load] = Object.entries(SCRIPTS).find(([selector]) => link.matches(selector));
  const script = await load().catch(() => null);
  if (script) script.open(link);
  else location.assign(link.href);
});

// A player takes the place of its front. Before the press nothing is requested from its provider.
const TOLD_HOSTS = /^https:\/\/\w+\.twitch\.tv\//; // Twitch plays only where it is told the hosts of all pages around it
const isSandboxed = self.origin === "null"; // as in WordPress: players fail there, and the link remains
if (isSandboxed) document.documentElement.dataset.sandboxed = "";

document.addEventListener("click", (click) => {
  const front = click.target.closest?.("a.player-front");
  if (!front || isSandboxed || click.defaultPrevented || !isPlain(click)) return;
  const { player, element, allow } = front.parentElement.dataset;
  const isHomeless = TOLD_HOSTS.test(player) && !location.hostname; // a copy on a disk
  if (!player?.startsWith("https://") || isHomeless) return;
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
  made.src = TOLD_HOSTS.test(address) ? address + hostsAround().map((host) => `&parent=${host}`).join("") : address;
  return made;
}

/** Returns the hosts of this page and of those it is framed by, as far as the browser tells. */
function hostsAround() {
  const around = location.ancestorOrigins ?? (self === top || !document.referrer ? [] : [document.referrer]);
  return [...new Set([location.hostname, ...[...around].map((address) => new URL(address).hostname)])];
}

function file(element, address) {
  const made = document.createElement(element === "audio" ? "audio" : "video");
  made.controls = made.autoplay = made.playsInline = true;
  made.tabIndex = 0;
  made.src = address;
  return made;
}
