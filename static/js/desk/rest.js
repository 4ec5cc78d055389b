/** Whether the desk can be loaded anew without its author losing anything. */

import * as shared from "../shared/rest.js";
import { list } from "../shared/stream.js";
import { listEntries } from "./outbox.js";
import { isChanged } from "./parts.js";

const FIELDS = "#desk :is(input:not([type=hidden]), textarea, select)";
const BEGUN = ".is-editing, .shot, .undo";

/** Whether nothing is typed, being edited or unsent. */
export function isAtRest() {
  return !typed().length && !document.querySelector(BEGUN) && !listEntries().length && shared.isAtRest(list());
}

/** Whether something is typed that is not kept on the device, as it is in the composer and in edit forms. */
export const wouldLose = () => typed().some((field) => !field.closest("#composer, .editor"));

const typed = () => [...document.querySelectorAll(FIELDS)].filter(isChanged);
