"""What an author sent, on its way into an event whose row is held: published, or put into the queue."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.contrib.auth.models import User
from django.utils import timezone

from liveblog import bell
from liveblog.models.content import BYLINE_CHARACTERS, Attachment, Content, KeyReused, check_due
from liveblog.models.database import database_time

if TYPE_CHECKING:
    from liveblog.models.event import Event
    from liveblog.models.update import Update
    from liveblog.models.waiting import Waiting


class TooMany(Exception):
    """Somebody posts faster than they may; ``seconds`` says when they can go on."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"That was quick: wait {seconds} seconds, then go on.")
        self.seconds = seconds


class Submission(NamedTuple):
    """Checked and rendered content under its key; every method but ``prepare`` belongs inside ``event.change()``."""

    key: uuid.UUID
    content: Content
    author: User
    byline: str
    due_at: datetime | None
    digest: str

    @classmethod
    def prepare(
        cls,
        *,
        author: User,
        key: uuid.UUID | str | None = None,
        byline: str = "",
        due_at: datetime | None = None,
        photos: Iterable[Attachment] = (),
        **sent: Any,
    ) -> Self:
        """Do all that is slow; raises ``ValidationError``, ``markup.TooSlow``."""
        content = Content.prepare(attachments=photos, **sent)
        check_due(due_at)
        byline = (byline or byline_of(author))[:BYLINE_CHARACTERS]
        key = uuid.UUID(str(key)) if key else uuid.uuid4()
        return cls(key, content, author, byline, due_at, content.digest(due_at))

    @property
    def is_early(self) -> bool:
        """Whether its time has yet to come."""
        return self.due_at is not None and self.due_at > database_time()

    def published(self, event: "Event") -> "Update | None":
        """Return what this key has published, an erased one for any content; raises ``KeyReused``."""
        return self._same(event.updates.filter(key=self.key).first())

    def waiting(self, event: "Event") -> "Waiting | None":
        """Return what this key has put into the queue, an erased one for any content; raises ``KeyReused``."""
        return self._same(event.waiting.filter(key=self.key).first())

    def publish(self, event: "Event") -> "Update":
        """Publish it; raises ``ValidationError`` for photos that have not arrived."""
        said = self._said(event)
        update = event.put(**said)
        event.bind_photos(said["photos"], update=update)
        return update

    def hold(self, event: "Event", *, needs_approval: bool) -> "Waiting":
        """Put it into the queue; raises as ``publish()`` does."""
        said = self._said(event)
        waiting = event.waiting.create(**said, needs_approval=needs_approval, due_at=self.due_at)
        event.bind_photos(said["photos"], waiting=waiting)
        bell.ring_after_commit(event.pk)
        return waiting

    def check_pace(self, event: "Event", *, posts_a_minute: int) -> None:
        """Raise ``TooMany`` if its author has posted so often within a minute."""
        since = timezone.now() - timedelta(minutes=1)
        published = event.updates.filter(author=self.author, posted_at__gt=since).values_list("posted_at", flat=True)
        held = event.waiting.filter(author=self.author, submitted_at__gt=since).values_list("submitted_at", flat=True)
        times = sorted([*published, *held])
        if len(times) >= posts_a_minute:
            raise TooMany(max(1, round((times[-posts_a_minute] - since).total_seconds())))

    def _same[T: "Update | Waiting"](self, earlier: T | None) -> T | None:
        if earlier is not None and earlier.digest not in {self.digest, ""}:
            raise KeyReused(earlier)
        return earlier

    def _said(self, event: "Event") -> dict[str, Any]:
        content = self.content
        return {
            "key": self.key,
            "digest": self.digest,
            "author": self.author,
            "byline": self.byline,
            "headline": content.headline,
            "body": content.body,
            "body_html": content.body_html,
            "body_text": content.body_text,
            "is_key": content.is_key,
            "published_at": content.published_at,
            "photos": event.take_photos(content.attachments),
        }


def byline_of(author: User) -> str:
    """Return the name under which ``author`` writes."""
    return (author.get_full_name() or author.get_username())[:BYLINE_CHARACTERS]
