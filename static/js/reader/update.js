/** One update's own page: follows what becomes of it and of its event, shows times in the reader's zone, copies its link. */

import "../shared/press.js";
import { follow } from "./follow.js";
import { watchLinks } from "./move.js";

follow(document.getElementById("single"));
watchLinks();
