"""What may stand in an update, and when two are the same."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.utils import timezone

from liveblog import markup
from liveblog.models.database import database_time
from liveblog.models.place import YEARS

if TYPE_CHECKING:
    from liveblog.models.update import Update
    from liveblog.models.waiting import Waiting

BODY_CHARACTERS = 20_000
HEADLINE_CHARACTERS = 200
BYLINE_CHARACTERS = 150
ALT_CHARACTERS = 1_000
NOTE_CHARACTERS = 500
PHOTOS = 10
"""How many one update may have."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class KeyReused(Exception):
    """A key that has published, or put into the queue, ``update`` came again with other content."""

    def __init__(self, update: "Update | Waiting") -> None:
        number = getattr(update, "number", None)
        done = f"published update {number}" if number else "been put into the queue"
        super().__init__(f"This key has {done}, with other content.")
        self.update = update


class Attachment(NamedTuple):
    """A photo that an update is to have: the key it was uploaded under, and what it shows, in words."""

    key: uuid.UUID
    alt: str = ""


class Content(NamedTuple):
    """What an author sent, checked and rendered: all that is slow is done before the event's row is locked."""

    headline: str
    body: str
    body_html: str
    body_text: str
    is_key: bool
    published_at: datetime | None
    attachments: tuple[Attachment, ...]

    @classmethod
    def prepare(
        cls,
        *,
        headline: str = "",
        body: str = "",
        is_key: bool = False,
        published_at: datetime | None = None,
        attachments: Iterable[Attachment] = (),
    ) -> Self:
        """Check and render what was sent; raises ``ValidationError``, ``markup.TooSlow``."""
        headline, body = markup.normalise(headline), markup.normalise(body)
        prepared = prepare_attachments(attachments)
        check_content(headline=headline, body=body, photos=prepared)
        check_time(published_at)
        html = markup.render(body)
        return cls(headline, body, html, markup.plain(html), bool(is_key), published_at, prepared)

    def digest(self, due_at: datetime | None = None) -> str:
        """Return what tells an honest retry of a post from another text under the same key.

        A time is the same whether it lay ahead when it was first sent or lies behind when it comes again.
        """
        sent: list[Any] = [self.headline, self.body, self.is_key, _written(self.published_at or due_at)]
        if self.attachments:
            sent.append([(str(photo.key), photo.alt) for photo in self.attachments])
        return hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def prepare_attachments(attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Return photos with their words on one line; raises ``ValidationError``."""
    prepared = tuple(Attachment(uuid.UUID(str(key)), markup.one_line(alt)) for key, alt in attachments)
    if len(prepared) > PHOTOS:
        raise ValidationError({"photos": f"{len(prepared)} photos are too many; at most {PHOTOS} fit in one update."})
    if len({photo.key for photo in prepared}) < len(prepared):
        raise ValidationError({"photos": "One photo is in there twice."})
    if any(len(photo.alt) > ALT_CHARACTERS or UNSTORABLE.search(photo.alt) for photo in prepared):
        raise ValidationError({"photos": f"A photo’s description has at most {ALT_CHARACTERS:,} characters."})
    return prepared


def check_content(*, headline: str, body: str, photos: Sequence[Any] = ()) -> None:
    """Raise ``ValidationError`` for content that can't be published."""
    errors: dict[str, str] = {}
    if not markup.is_visible(headline + body) and not photos:
        errors["body"] = "Write something first."
    if len(body) > BODY_CHARACTERS:
        errors["body"] = f"{len(body):,} characters are too many; at most {BODY_CHARACTERS:,} fit in one update."
    if len(headline) > HEADLINE_CHARACTERS:
        errors["headline"] = f"{len(headline)} characters are too many; a headline has at most {HEADLINE_CHARACTERS}."
    for name, text in (("headline", headline), ("body", body)):
        if UNSTORABLE.search(text):
            errors[name] = "This text contains a character that can't be stored."
    if "\n" in headline:
        errors["headline"] = "A headline is one line."
    if errors:
        raise ValidationError(errors)


def check_note(note: str) -> str:
    """Return a note for readers on one line; raises ``ValidationError``."""
    note = markup.one_line(note)
    if len(note) > NOTE_CHARACTERS or UNSTORABLE.search(note):
        raise ValidationError(f"{len(note)} characters are too many; a note has at most {NOTE_CHARACTERS}.")
    return note


def check_time(published_at: datetime | None) -> None:
    """Raise ``ValidationError`` for a time that no update can have."""
    if published_at is None:
        return
    _check_moment(published_at)
    if published_at > database_time():
        raise ValidationError({"published_at": "An update can't come from the future."})


def check_due(due_at: datetime | None) -> None:
    """Raise ``ValidationError`` for a time at which nothing can be published."""
    if due_at is not None:
        _check_moment(due_at)


def _check_moment(moment: datetime) -> None:
    if timezone.is_naive(moment):
        raise ValidationError({"published_at": "The time lacks its zone."})
    if moment.year not in YEARS:
        raise ValidationError({"published_at": f"The year {moment.year} is out of reach."})


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
