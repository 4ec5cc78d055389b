/** The list of events: times in the reader's own zone, also after htmx has brought a new list. */

import { dress } from "./times.js";

dress(document);
document.addEventListener("htmx:afterSwap", () => dress(document));
