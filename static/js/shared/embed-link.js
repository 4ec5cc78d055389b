/** Opens the dialog for publishers, whose script is fetched only when somebody asks for it. */

document.addEventListener("click", async (click) => {
  const link = click.target.closest?.("a[data-embedding]");
  if (!link || click.defaultPrevented || click.metaKey || click.ctrlKey || click.shiftKey || click.button) return;
  click.preventDefault();
  (await import("./embedding.js")).open(link);
});
