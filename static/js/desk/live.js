/** The live stream of the desk: brings its parts together. */

import { list } from "../shared/stream.js";
import { announce } from "./arrivals.js";
import { watchCopies } from "./copy.js";
import { editingOpened, editingSaved, showMeanwhile, watchEditing } from "./editing.js";
import { followNews, noteNews } from "./news.js";
import { watchQueue } from "./queue.js";
import { reload } from "./reload.js";
import { registerStream } from "./stream.js";
import { offerUndo } from "./undo.js";

watchCopies();
watchQueue();
if (list()) {
  registerStream({
    onArrived: announce,
    onEditing: editingOpened,
    onMeanwhile: showMeanwhile,
    onSaved: editingSaved,
    onWithdrawn: offerUndo,
    onNews: noteNews,
    onReload: reload,
  });
  followNews();
}
watchEditing();
