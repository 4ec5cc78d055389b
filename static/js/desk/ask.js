/** Asks a question in a dialog and returns whether the answer is yes. */
export function confirmed(question, aboutIt, yes, no = "Keep it") {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-question").textContent = question;
  document.getElementById("ask-about").textContent = aboutIt;
  document.getElementById("ask-yes").textContent = yes;
  dialog.querySelector("[value=no]").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => { dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }); });
}
