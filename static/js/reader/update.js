/** One update's own page: follows what becomes of it and of its event, shows times in the reader's zone, copies its link. */

import "../shared/embed-link.js";
import "../shared/enlarge.js";
import { follow } from "./follow.js";
import { watchLinks } from "./move.js";
import "../shared/players.js";

follow(document.getElementById("single"));
watchLinks();
