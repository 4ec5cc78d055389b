/** The live stream of the desk: brings its parts together. */

import { announce } from "./arrivals.js";
import { follow } from "./changes.js";
import { watchCopies } from "./copy.js";
import { watchEditing } from "./editing.js";
import { list } from "./items.js";
import { listen } from "./socket.js";
import { registerSwap } from "./stream.js";
import { offerUndo } from "./undo.js";

registerSwap();
watchCopies();
if (list()) {
  document.addEventListener("desk:arrived", announce);
  document.addEventListener("desk:withdrawn", offerUndo);
  follow();
  listen();
}
watchEditing();
