/** Says in plain words why htmx could not send a form. The form keeps what was typed. */

const line = document.getElementById("trouble");
const NO_ANSWER = "No answer came. Nothing you wrote is lost: send it again, it can’t appear twice.";
const WORDS = {
  200: "Something else answered, perhaps the sign-in page of a wireless network. What you wrote is still here: try again.",
  400: "This is too large to be sent, or it was damaged on the way. What you wrote is still here.",
  401: "You are signed out. What you wrote is still here: sign in, then send it again.",
  403: "Your session has changed. What you wrote is still here: sign in, then send it again.",
  404: "This is gone, or no longer yours to change. What you wrote is still here.",
  413: "This is too large to be sent. What you wrote is still here.",
  503: "The service could not take this just now. What you wrote is still here: try again in a moment.",
};
const on = (name, act) => document.addEventListener(name, act);
const isPlain = (xhr) => xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
const isInPassing = (element) => ["preview", "poll", "older"].includes(element?.id); // nobody asked for it, or it has a message of its own

function alarm(text, { offerLogin = false } = {}) {
  line.querySelector("p").textContent = text;
  line.querySelector("a").hidden = !offerLogin;
  line.hidden = false;
}

/** Listens to htmx's events. */
export function explainErrors() {
  // Signing in again in another tab gives a new token; the form may hold an old one.
  on("htmx:configRequest", ({ detail }) => {
    const token = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1];
    if (token && detail.verb === "post") detail.parameters.csrfmiddlewaretoken = token;
  });
  on("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (isInPassing(elt)) return;
    line.hidden = true;
    document.getElementById("said")?.replaceChildren();
  });
  on("htmx:sendError", ({ detail: { elt } }) => isInPassing(elt) || alarm(navigator.onLine ? NO_ANSWER : `You are offline. ${NO_ANSWER}`));
  on("htmx:timeout", ({ detail: { elt } }) => isInPassing(elt) || alarm(NO_ANSWER));
  on("htmx:responseError", ({ detail: { elt, xhr } }) => {
    if (isInPassing(elt)) return;
    const isRole = xhr.status === 403 && isPlain(xhr) && !xhr.getResponseHeader("Liveblog-Refusal");
    if (isRole) return alarm(xhr.responseText);
    const text = WORDS[xhr.status] ?? `The server could not do it (${xhr.status}). What you wrote is still here: try again in a moment.`;
    alarm(text, { offerLogin: xhr.status === 401 || xhr.status === 403 });
  });
  on("htmx:beforeSwap", ({ detail }) => {
    if (!isPlain(detail.xhr) || (detail.xhr.status !== 409 && detail.xhr.status !== 422)) return;
    detail.shouldSwap = false; // a refusal in words, not a form
    if (!isInPassing(detail.elt)) alarm(detail.xhr.responseText);
  });
  line.querySelector("button").addEventListener("click", () => { line.hidden = true; });
}
