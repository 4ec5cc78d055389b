"""What isn't public yet, as each sees it at the desk: editors all of it, contributors their own."""

import hashlib
import json
import uuid
from typing import Any, NamedTuple, Self

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from liveblog.models import Event, Figure, Role, Waiting
from liveblog.models.json_fields import readable
from liveblog.models.place import written_time

SHOWN = 50
"""More than anybody goes through at once; the count says how many there are."""
REJECTED_SHOWN = 10


class Queued(NamedTuple):
    """Something that waits, and what this person may do with it."""

    waiting: Waiting
    is_own: bool
    may_publish: bool
    thumbnails: list[dict[str, str]]

    @classmethod
    def of(cls, waiting: Waiting, event: Event, role: Role, user: User) -> Self:
        """Say what ``user`` may do; a contributor publishes nothing that an editor is to see first."""
        is_own = waiting.author_id == user.pk
        may_publish = role.may(Role.EDITOR) or (is_own and not waiting.needs_approval and not event.contributors_wait)
        thumbnails = [
            {
                "address": reverse("desk-photo", args=[event.slug, photo.name, photo.widths[0]]),
                "alt": photo.alt,
            }
            for photo in readable(waiting.photos, Figure.read)
        ]
        return cls(waiting, is_own, may_publish, thumbnails)

    @property
    def state(self) -> str:
        """What it waits for: ``approval``, ``schedule``, or nothing more (``rejected``)."""
        if self.waiting.rejected_at:
            return "rejected"
        return "approval" if self.waiting.needs_approval else "schedule"

    @property
    def digest(self) -> str:
        """Changes with everything that is shown of it."""
        waiting = self.waiting
        shown = [
            str(waiting.key),
            waiting.version,
            self.state,
            waiting.reason,
            written_time(waiting.due_at) if waiting.due_at else "",
            waiting.is_early,
            self.is_own,
            self.may_publish,
        ]
        return _digest(shown)


class Queue(NamedTuple):
    """All that waits, what needs an editor first, then by when it is due, then what came back."""

    items: list[Queued]
    for_approval: int
    scheduled: int
    is_editors: bool

    @property
    def more(self) -> int:
        """How many wait beside those shown."""
        return self.for_approval + self.scheduled - sum(item.state != "rejected" for item in self.items)


def queue_context(event: Event, role: Role, user: User) -> dict[str, Any]:
    """Return what the queue's partial needs: ``queue``, and ``digest``, which changes with whatever it shows."""
    is_editors = role.may(Role.EDITOR)
    mine = event.waiting.filter(author=user)
    waiting = list((event.waiting.all() if is_editors else mine).open())
    waiting.sort(key=lambda one: (not one.needs_approval, one.due_at or one.submitted_at, one.pk))
    rejected = mine.exclude(rejected_at=None).exclude(digest="").order_by("-rejected_at")[:REJECTED_SHOWN]
    for_approval = sum(one.needs_approval for one in waiting)
    items = [Queued.of(one, event, role, user) for one in [*waiting[:SHOWN], *rejected]]
    queue = Queue(items, for_approval, len(waiting) - for_approval, is_editors)
    digest = _digest([role, len(waiting), for_approval, event.time_zone, *(item.digest for item in items)])
    return {"queue": queue, "digest": digest}


def within_reach(event: Event, role: Role, user: User) -> QuerySet[Waiting]:
    """Return what ``user`` may look at: an editor everything, a contributor what is their own."""
    whose = Q() if role.may(Role.EDITOR) else Q(author=user)
    return event.waiting.filter(whose).select_related("event")


def text_again(request: HttpRequest, event: Event) -> dict[str, Any]:
    """Return what was rejected or taken back and is to be sent anew, for the composer: ``?again=<key>``."""
    try:
        key = uuid.UUID(request.GET.get("again", ""))
    except ValueError:
        return {}
    mine = event.waiting.filter(author_id=request.user.pk, key=key).exclude(rejected_at=None).first()
    return {name: getattr(mine, name) for name in ("headline", "body", "is_key")} if mine else {}


def _digest(shown: list[Any]) -> str:
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
