/** What waits, item by item: takes in what the server sends, never what is being typed; counts in the tab’s title. */

const COUNT = /^\(\d+\) /;

/** Puts a queue that was sent in the place of the one that is shown, item by item: what has not changed is not touched. */
export function takeQueue(sent) {
  const shown = document.getElementById("queue");
  if (!shown || !sent || shown.dataset.digest === sent.dataset.digest) return;
  const list = shown.querySelector("ol");
  const coming = [...sent.querySelectorAll(".queued")];
  const ids = new Set(coming.map((item) => item.id));
  for (const item of [...list.children]) if (!ids.has(item.id)) item.remove();
  let next = list.firstElementChild;
  for (const item of coming) {
    const old = document.getElementById(item.id);
    const isSame = old?.dataset.digest === item.dataset.digest;
    if (old === next) next = next?.nextElementSibling ?? null;
    if (isSame && old.nextElementSibling === next) continue; // it stands where it belongs
    list.insertBefore(isSame ? old : item, next);
    if (old && !isSame) carry(old, item);
  }
  shown.querySelector("h2").replaceWith(sent.querySelector("h2"));
  shown.querySelector(":scope > .hint")?.remove();
  const more = sent.querySelector(":scope > .hint");
  if (more) shown.append(more);
  for (const name of ["digest", "waiting"]) shown.dataset[name] = sent.dataset[name];
  shown.hidden = sent.hidden;
  htmx.process(shown);
  count();
}

/** Takes a reason that was being written over to what an item is now. */
function carry(old, item) {
  const [before, now] = [old, item].map((each) => each.querySelector(".reject"));
  if (before?.open && now) {
    const [from, to] = [before, now].map((each) => each.querySelector("input[name=reason]"));
    now.open = true;
    to.value = from.value;
    const isTyping = document.activeElement === from;
    old.remove();
    if (isTyping) to.focus();
  }
  old.remove();
}

function count() {
  const waiting = Number(document.getElementById("queue")?.dataset.waiting ?? 0);
  const title = document.title.replace(COUNT, "");
  document.title = waiting ? `(${waiting}) ${title}` : title;
}
