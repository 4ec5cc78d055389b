"""Pages an author uses: each reads what came, makes one domain call and answers with what is now.

Every form works as plain HTML, answered by a redirect. Under htmx the same address answers with
the part that changed: a redirect's GET would fall into the fan-out of the very update it shows.
"""

from liveblog.desk.archive import archive, exported, frozen
from liveblog.desk.changes import changes
from liveblog.desk.control import change_status, deletion, pause
from liveblog.desk.editing import edit
from liveblog.desk.events import desk, index, new, preview, settings
from liveblog.desk.join import join
from liveblog.desk.offline import manifest, share, worker
from liveblog.desk.people import invite, people, person, revoke
from liveblog.desk.posting import add_photo, photo, preview_markdown, publish
from liveblog.desk.presence import departure
from liveblog.desk.purge import purge
from liveblog.desk.updates import mark_key, pin, restore, withdraw
from liveblog.desk.versions import versions
from liveblog.desk.waiting import publish_waiting, reject_waiting, waiting

__all__ = [
    "add_photo",
    "archive",
    "change_status",
    "changes",
    "deletion",
    "departure",
    "desk",
    "edit",
    "exported",
    "frozen",
    "index",
    "invite",
    "join",
    "manifest",
    "mark_key",
    "new",
    "pause",
    "people",
    "person",
    "photo",
    "pin",
    "preview",
    "preview_markdown",
    "publish",
    "publish_waiting",
    "purge",
    "reject_waiting",
    "restore",
    "revoke",
    "settings",
    "share",
    "versions",
    "waiting",
    "withdraw",
    "worker",
]
