"""Events and their updates: every change a reader can see, each one method and one transaction."""

from liveblog.models.attempts import Attempt
from liveblog.models.content import Attachment, TooMany, byline_of
from liveblog.models.event import Event, WrongStatus, new_edition
from liveblog.models.json_fields import Figure, Unreadable
from liveblog.models.people import Invitation, Membership, Role, is_guest, may_let_in
from liveblog.models.photo import Photo
from liveblog.models.place import Place, Window
from liveblog.models.post import KeyReused, Overtaken
from liveblog.models.presence import Attendance, Audience
from liveblog.models.update import Update
from liveblog.models.version import Version
from liveblog.models.waiting import Waiting

__all__ = [
    "Attachment",
    "Attempt",
    "Attendance",
    "Audience",
    "Event",
    "Figure",
    "Invitation",
    "KeyReused",
    "Membership",
    "Overtaken",
    "Photo",
    "Place",
    "Role",
    "TooMany",
    "Unreadable",
    "Update",
    "Version",
    "Waiting",
    "Window",
    "WrongStatus",
    "byline_of",
    "is_guest",
    "may_let_in",
    "new_edition",
]
