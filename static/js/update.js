/** One update's own page: times in the reader's own zone, and its link to copy. */

import { watchLinks } from "./move.js";
import { dress } from "./times.js";

dress(document);
watchLinks();
