/** The state of the connection, and the line that shows it on a reader's page. */

const state = { isOpen: false, isOnline: navigator.onLine, failures: 0, seconds: 5, status: "live", isPaused: false, isChecking: false, lastContact: new Date() };

/** Notes what has become known and rewrites the line. */
export function report(news) {
  Object.assign(state, news);
  if (news.isOpen || news.failures === 0) state.lastContact = new Date();
  const [name, text] = describe();
  const line = document.getElementById("connection");
  if (!line) return;
  line.dataset.state = name;
  line.dataset.socket = state.isOpen ? "open" : "closed";
  const words = line.querySelector(".connection-text");
  if (words.textContent !== text) words.textContent = text;
}

/** Returns what is known now. */
export const known = () => state;

function describe() {
  const since = state.lastContact.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (!state.isOnline) return ["offline", `Offline since ${since}`];
  if (state.isChecking) return ["checking", "Checking…"];
  if (state.failures > 2) return ["offline", `No answer since ${since}; trying again`];
  if (state.failures) return ["reconnecting", "Reconnecting…"];
  const paused = state.isPaused ? "; new updates are held back" : "";
  if (state.status === "ended") return ["ended", (state.isOpen ? "Corrections arrive at once" : "Checking for corrections once a minute") + paused];
  if (state.isOpen) return [state.isPaused ? "paused" : "live", (state.status === "upcoming" ? "Connected, waiting for the start" : "Live") + paused];
  return [state.isPaused ? "paused" : "checking", `Checking every ${state.seconds} s${paused}`];
}
