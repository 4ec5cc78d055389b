/** The list of events: follows them as they come, begin and end, and shows times in the reader's own zone. */

import { follow } from "./follow.js";

follow(document.getElementById("events"));
