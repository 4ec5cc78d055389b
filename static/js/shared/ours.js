/** Leaves a page as it is where something else answers: a hotel's sign-in page says 200 too. That is an error like others. */

// A fragment of changes, a preview; every other answer holds what takes the target's place, under its id.
const MARKS = "section[data-after], section[data-reload], [data-preview]";

/** Whether an answer holds what `selector` names. */
export const holds = (html, selector) => new DOMParser().parseFromString(html, "text/html").querySelector(selector) !== null;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { xhr, target, serverResponse } = detail;
  if (!detail.shouldSwap || xhr.status >= 400 || holds(serverResponse, `#${target.id}, ${MARKS}`)) return;
  detail.shouldSwap = false;
  detail.isError = true;
});
