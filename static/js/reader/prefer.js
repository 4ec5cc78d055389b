/* Opens an event in the order this reader chose on this device, before anything is painted. */
try {
  const sort = localStorage.getItem("liveblog.sort");
  const isPlain = !location.search && !location.hash.startsWith("#update-");
  if (isPlain && /^(newest|oldest)$/.test(sort) && sort !== document.currentScript.dataset.order) {
    location.replace(`${location.pathname}?sort=${sort}${location.hash}`);
  }
} catch {
  // Storage is closed to us, as in a sandboxed frame: the page opens as the event says.
}
