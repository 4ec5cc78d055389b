"""The pages that authors use; each view reads a form, makes one call of the model and answers.

Every form works as plain HTML, answered by a redirect. Under htmx the same address answers with the part that
changed: the GET of a redirect would come while all readers are sent the very update it shows.
"""

from liveblog.desk.accounts import (
    ChooseByOwnersLink,
    ChoosePassword,
    ResetPassword,
    ResetSent,
    account,
    change_password,
)
from liveblog.desk.archive import archive, exported, frozen
from liveblog.desk.changes import changes, departure
from liveblog.desk.events import index, new, settings
from liveblog.desk.joining import join
from liveblog.desk.offline import manifest, share, worker
from liveblog.desk.page import desk, preview
from liveblog.desk.people import invite, invite_colleague, let_in, people, person, revoke
from liveblog.desk.photos import add_photo, photo
from liveblog.desk.posting import preview_markdown, publish
from liveblog.desk.status import change_status, deletion, pause
from liveblog.desk.updates import edit, mark_key, pin, purge, restore, withdraw
from liveblog.desk.versions import versions
from liveblog.desk.waiting import publish_waiting, reject_waiting, waiting

__all__ = [
    "ChooseByOwnersLink",
    "ChoosePassword",
    "ResetPassword",
    "ResetSent",
    "account",
    "add_photo",
    "archive",
    "change_password",
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
    "invite_colleague",
    "join",
    "let_in",
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
