/**
 * What our modules tell each other through the document.
 *
 * name           sent by                      detail                               heard by
 * live:applied   reader/live                  {revision, status}                   reader/event
 * live:gap       reader/live                  -                                    reader/event
 * live:loaded    reader/live                  -                                    reader/event, move, times
 * live:reload    reader/live                  -                                    reader/event
 * desk:draft     desk/composer                -                                    desk/persistence, sender
 * desk:edit      desk/outbox-actions, queue, edit-forms  an entry of the outbox     desk/composer
 * desk:fresh     desk/news                    -                                    desk/offline
 * desk:outbox    desk/outbox                  -                                    desk/background, composer, desk, persistence, sender
 * desk:posted    desk/sender                  {html, status, readers, why, entry}  desk/composer, desk, preview
 * desk:progress  desk/sender                  {key, photo, part}                   desk/desk
 */

export const send = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
export const listen = (name, act) => document.addEventListener(name, ({ detail }) => act(detail));

/** Calls `act(event)` when somebody comes back: to the tab, to a page kept in the browser's memory, or with the network. */
export function onReturn(act) {
  document.addEventListener("visibilitychange", (event) => document.hidden || act(event));
  addEventListener("pageshow", (event) => event.persisted && act(event));
  addEventListener("online", act);
}
