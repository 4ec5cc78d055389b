"""The queue of what isn't public yet, as an author sees it: editors see all of it, contributors their own."""

import hashlib
import json
import uuid
from typing import Any, NamedTuple, Self

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from liveblog.desk.forms import wall_clock
from liveblog.models import Event, Figure, Role, Waiting
from liveblog.models.json_fields import parse_readable
from liveblog.models.place import written_time

SHOWN = 50
"""More than anybody goes through at once; the count says how many there are."""
REJECTED_SHOWN = 10
WAITS = "It waits for an editor to approve it."
TEXTS = ("headline", "body", "body_html", "body_text", "photos")


class Queued(NamedTuple):
    """Something that waits, and what this person may do with it."""

    waiting: Waiting
    is_own: bool
    may_publish: bool

    @classmethod
    def of(cls, waiting: Waiting, event: Event, role: Role, user: User) -> Self:
        """Decide what ``user`` may do; a contributor publishes nothing that an editor is to see first."""
        is_own = waiting.author_id == user.pk
        may_publish = role.may(Role.EDITOR) or (is_own and not waiting.needs_approval and not event.contributors_wait)
        return cls(waiting, is_own, may_publish)

    @property
    def thumbnails(self) -> list[dict[str, str]]:
        """Its photos in their smallest width, which only the desk shows so far."""
        slug = self.waiting.event.slug
        return [
            {"address": reverse("desk-photo", args=[slug, photo.name, photo.widths[0]]), "alt": photo.alt}
            for photo in self._figures
        ]

    @property
    def photos_again(self) -> list[dict[str, str]]:
        """Its photos for the composer, which sends it again: those that are still there, by their keys."""
        if not self.waiting.photos:
            return []
        keys = {row.name: str(row.key) for row in self.waiting.photo_rows.all()}
        return [
            {"key": keys[figure.name], "alt": figure.alt, "address": address["address"]}
            for figure, address in zip(self._figures, self.thumbnails, strict=True)
            if figure.name in keys
        ]

    @property
    def fields_again(self) -> dict[str, Any]:
        """What the composer begins with where it is sent again."""
        waiting = self.waiting
        fields = {"headline": waiting.headline, "body": waiting.body, "is_key": waiting.is_key}
        return fields | {"at": self.time_again, "photos": self.photos_again}

    @property
    def time_again(self) -> str:
        """The time to send it again with, as browsers write it: one to come, or one its author set in the past."""
        waiting = self.waiting
        return wall_clock(waiting.due_at if waiting.is_early else waiting.published_at, waiting.event.zone)

    @property
    def _figures(self) -> list[Figure]:
        return parse_readable(self.waiting.photos, Figure.from_json)

    @property
    def state(self) -> str:
        """What it waits for: ``approval``, ``schedule``, or nothing more (``rejected``)."""
        if self.waiting.rejected_at:
            return "rejected"
        return "approval" if self.waiting.needs_approval else "schedule"

    @property
    def digest(self) -> str:
        """A text that changes with everything that is shown of it."""
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
            getattr(waiting, "edit_of_revision", None),
            getattr(waiting, "edit_withdrawn_at", None) is not None,
        ]
        return digest_of(shown)


class Queue(NamedTuple):
    """All that waits: first what needs an editor, then the rest by when it is due, then what was rejected."""

    items: list[Queued]
    for_approval: int
    scheduled: int
    event: Event
    role: Role

    @classmethod
    def load(cls, event: Event, role: Role, user: User, *, without_texts: bool = False) -> Self:
        """Read what ``user`` is shown; without its texts it is good for its digest only."""
        rows = event.waiting.defer(*TEXTS) if without_texts else event.waiting.all()
        rows = rows.annotate(
            edit_of=F("update__number"),
            edit_of_revision=F("update__content_revision"),
            edit_withdrawn_at=F("update__withdrawn_at"),
        )
        if not without_texts:
            rows = rows.annotate(edit_headline=F("update__headline"), edit_html=F("update__body_html"))
        mine = rows.filter(author=user)
        waiting = (rows if role.may(Role.EDITOR) else mine).open()
        first = list(waiting.in_turn()[:SHOWN])
        rejected = mine.filter(rejected_at__isnull=False).exclude(digest="").order_by("-rejected_at", "-pk")
        items = [Queued.of(one, event, role, user) for one in [*first, *rejected[:REJECTED_SHOWN]]]
        counts = {"all": len(first), "for_approval": sum(one.needs_approval for one in first)}
        if len(first) == SHOWN:
            counts = waiting.aggregate(all=Count("pk"), for_approval=Count("pk", filter=Q(needs_approval=True)))
        return cls(items, counts["for_approval"], counts["all"] - counts["for_approval"], event, role)

    @property
    def is_editors(self) -> bool:
        """Whether it holds everybody's, not just one contributor's."""
        return self.role.may(Role.EDITOR)

    @property
    def more(self) -> int:
        """How many wait beside those shown."""
        return self.for_approval + self.scheduled - sum(item.state != "rejected" for item in self.items)

    @property
    def digest(self) -> str:
        """A text that changes with everything that is shown."""
        counts = [self.for_approval + self.scheduled, self.for_approval]
        return digest_of([self.role, *counts, self.event.time_zone, *(item.digest for item in self.items)])


def within_reach(event: Event, role: Role, user: User) -> QuerySet[Waiting]:
    """Return what ``user`` may look at: an editor everything, a contributor what is their own."""
    whose = Q() if role.may(Role.EDITOR) else Q(author=user)
    return event.waiting.filter(whose).select_related("event")


def sent_before(request: HttpRequest, event: Event) -> Queued | None:
    """Return what was rejected and is to be sent again, as the address says: ``?again=<key>``."""
    try:
        key = uuid.UUID(request.GET.get("again", ""))
    except ValueError:
        return None
    mine = event.waiting.filter(author_id=request.user.pk, key=key, update=None).exclude(rejected_at=None).first()
    return Queued(mine, is_own=True, may_publish=False) if mine else None


def digest_of(shown: list[Any]) -> str:
    """Return a text that changes with what is shown."""
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
