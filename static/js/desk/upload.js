/** Shows how much of the settings form's picture is sent, and when the server works on it. */

const STEPS = 20; // a screen reader hears the words change, not each percent

const line = () => document.querySelector("[data-upload]");
const has = (form) => Boolean(form.querySelector("[type=file]")?.files.length);

function show(sent, words) {
  line().hidden = false;
  line().querySelector("progress").value = sent;
  const status = line().querySelector("[role=status]");
  if (status.textContent !== words) status.textContent = words;
}

document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const form = target.closest?.("#settings");
  if (!form || !line() || !has(form) || !detail.lengthComputable) return;
  const sent = detail.loaded / detail.total;
  const percent = Math.floor(sent * STEPS) * (100 / STEPS);
  show(sent, sent < 1 ? `Sending the picture: ${percent} %` : "The picture has arrived and is being made ready");
});

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => { if (line()) line().hidden = true; });
}
