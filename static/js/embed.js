/* The script that publishers paste: puts a live blog where it stands. Its frame takes the height reserved for it,
   and grows only when a reader presses something in it. */
(() => {
  const script = document.currentScript;
  if (!script?.dataset.event) return;
  const { event, update, height, title } = script.dataset;
  const base = new URL(".", script.src);
  const page = new URL(`events/${encodeURIComponent(event)}/${update ? `updates/${encodeURIComponent(update)}/` : ""}embed/`, base);
  for (const name of ["theme", "accent", "order", "limit", "header", "lang"]) {
    if (script.dataset[name]) page.searchParams.set(name, script.dataset[name]);
  }
  const frame = document.createElement("iframe");
  Object.assign(frame, { src: page, title: title || "Live blog", loading: "lazy", allow: "autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture" });
  Object.assign(frame.style, { display: "block", width: "100%", height: `${Math.min(Math.max(parseInt(height, 10) || 600, 150), 5000)}px`, border: "0" });
  const link = document.createElement("a");
  Object.assign(link, { href: page.href.replace(/embed\/(\?.*)?$/, ""), textContent: frame.title });
  frame.append(link);

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== base.origin || data?.liveblog !== "height") return;
    const wanted = Math.min(Math.round(data.height), 20000);
    if (wanted > frame.offsetHeight) frame.style.height = `${wanted}px`;
  });

  const around = script.parentElement;
  if (around?.hasAttribute("data-liveblog")) around.querySelector(":scope > a")?.remove();
  script.before(frame);
})();
