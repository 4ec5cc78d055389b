// What the desk adds where there is JavaScript: forms that stay whole when sending fails, and plain words for it.
const trouble = document.getElementById("trouble");
const NO_ANSWER = "No answer came. Nothing you wrote is lost: send it again, it can’t appear twice.";
const WORDS = {
  400: "This is too large to be sent, or it was damaged on the way. What you wrote is still here.",
  401: "You are signed out. What you wrote is still here: sign in, then send it again.",
  403: "Your session has changed. What you wrote is still here: sign in, then send it again.",
  404: "This is gone, or no longer yours to change. What you wrote is still here.",
  413: "This is too large to be sent. What you wrote is still here.",
};

function say(text, { offerLogin = false } = {}) {
  trouble.querySelector("p").textContent = text;
  trouble.querySelector("a").hidden = !offerLogin;
  trouble.hidden = false;
}

const on = (name, act) => document.addEventListener(name, act);

// Signing in again in another tab gives a new token; the form may hold an old one.
on("htmx:configRequest", ({ detail }) => {
  const token = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1];
  if (token && detail.verb === "post") detail.parameters.csrfmiddlewaretoken = token;
});

on("htmx:beforeRequest", () => {
  trouble.hidden = true;
  document.getElementById("said")?.replaceChildren();
});
on("htmx:sendError", () => say(navigator.onLine ? NO_ANSWER : `You are offline. ${NO_ANSWER}`));
on("htmx:timeout", () => say(NO_ANSWER));
on("htmx:responseError", ({ detail: { xhr } }) => {
  const text = WORDS[xhr.status] ?? `The server could not do it (${xhr.status}). What you wrote is still here: try again in a moment.`;
  say(text, { offerLogin: xhr.status === 401 || xhr.status === 403 });
});

on("htmx:beforeSwap", ({ detail }) => {
  const isPlain = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (!isPlain || (detail.xhr.status !== 409 && detail.xhr.status !== 422)) return;
  detail.shouldSwap = false; // a refusal in words, not a form
  say(detail.xhr.responseText);
});

// The first answer was lost and the page has since shown the update: it must not stand there twice.
on("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
  if (target.id !== "items") return;
  for (const item of fragment.querySelectorAll?.(".item") ?? []) document.getElementById(item.id)?.remove();
});

// Whoever works with the keyboard goes on where the answer stands.
on("htmx:afterSettle", ({ detail: { elt } }) => {
  if (document.activeElement === document.body) elt.querySelector?.("[data-land]")?.focus({ preventScroll: true });
});

on("keydown", (event) => {
  const next = event.target.dataset?.next;
  if (event.key !== "Enter" || event.isComposing || !next) return;
  event.preventDefault(); // Enter in the headline would post half an update
  event.target.form.elements[next].focus();
});

trouble.querySelector("button").addEventListener("click", () => { trouble.hidden = true; });

const zone = document.querySelector("[data-guess=zone]");
if (zone && zone.value === zone.defaultValue && zone.value === "UTC") {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
