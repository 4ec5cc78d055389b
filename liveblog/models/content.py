"""What an author sends, and what may stand in an update."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from liveblog import markup, player_codes, players
from liveblog.models.database import is_to_come
from liveblog.models.place import YEARS

BODY_CHARACTERS = 20_000
HEADLINE_CHARACTERS = 200
BYLINE_CHARACTERS = 150
ALT_CHARACTERS = 1_000
NOTE_CHARACTERS = 500
PHOTOS = 10
"""How many photos one update may have."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class TooMany(Exception):
    """Somebody posts faster than they may; in ``seconds`` they can post again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"That was quick: wait {seconds} seconds, then go on.")
        self.seconds = seconds


class Attachment(NamedTuple):
    """A photo that an update is to have: the key it was uploaded under, and its description."""

    key: UUID
    alt: str = ""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What an author sent, checked and rendered: all slow work is done before the event's row is locked."""

    key: UUID
    author: User
    byline: str
    headline: str
    body: str
    body_html: str
    body_text: str
    is_key: bool
    published_at: datetime | None
    due_at: datetime | None
    attachments: tuple[Attachment, ...]

    @classmethod
    def prepare(
        cls,
        *,
        author: User,
        key: UUID | str | None = None,
        byline: str = "",
        headline: str = "",
        body: str = "",
        is_key: bool = False,
        published_at: datetime | None = None,
        due_at: datetime | None = None,
        photos: Iterable[Attachment] = (),
    ) -> Self:
        """Check and render what was sent; raises ``ValidationError``."""
        attachments = prepare_attachments(photos)
        text = render_text(headline=headline, body=body, photos=attachments)
        check_past_time(published_at)
        check_time(due_at)
        return cls(
            key=UUID(str(key)) if key else uuid4(),
            author=author,
            byline=(byline or byline_of(author))[:BYLINE_CHARACTERS],
            is_key=bool(is_key),
            published_at=published_at,
            due_at=due_at,
            attachments=attachments,
            **text,
        )

    @property
    def digest(self) -> str:
        """What tells an honest retry from another text under the same key.

        A time counts the same as ``due_at`` when it is first sent and as ``published_at`` when it has passed.
        """
        time = self.published_at or self.due_at
        sent: list[Any] = [self.headline, self.body, self.is_key, time.isoformat() if time else None]
        if self.attachments:
            sent.append([(str(photo.key), photo.alt) for photo in self.attachments])
        return hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def byline_of(author: User) -> str:
    """Return the name under which ``author`` writes."""
    return (author.get_full_name() or author.get_username())[:BYLINE_CHARACTERS]


def render_text(*, headline: str, body: str, photos: Sequence[Any]) -> dict[str, str]:
    """Check and render a text; return the columns that keep it. Raises ``ValidationError``."""
    headline, body = markup.normalise(headline), prepare_body(body)
    check_content(headline=headline, body=body, photos=photos)
    html = markup.render(body)
    check_shown(headline=headline, body_html=html, photos=photos)
    return {"headline": headline, "body": body, "body_html": html, "body_text": markup.plain(html)}


def prepare_body(typed: str) -> str:
    """Return what an author typed as it is stored: the codes of players we know have become links."""
    return player_codes.with_links(markup.normalise(typed))


def prepare_attachments(attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Return photos with their descriptions on one line; raises ``ValidationError``."""
    prepared = tuple(Attachment(UUID(str(key)), markup.one_line(alt)) for key, alt in attachments)
    if len(prepared) > PHOTOS:
        raise ValidationError({"photos": f"{len(prepared)} photos are too many; at most {PHOTOS} fit in one update."})
    if len({photo.key for photo in prepared}) < len(prepared):
        raise ValidationError({"photos": "One photo is in there twice."})
    if any(UNSTORABLE.search(photo.alt) for photo in prepared):
        raise ValidationError({"photos": "A photo’s description contains a character that can’t be stored."})
    if any(len(photo.alt) > ALT_CHARACTERS for photo in prepared):
        raise ValidationError({"photos": f"A photo’s description has at most {ALT_CHARACTERS:,} characters."})
    return prepared


def check_content(*, headline: str, body: str, photos: Sequence[Any] = ()) -> None:
    """Raise ``ValidationError`` for content that can't be published."""
    errors: dict[str, str] = {}
    if not markup.is_visible(headline + body) and not photos:
        errors["body"] = "Write something first."
    try:
        check_length(body)
    except ValidationError as error:
        errors["body"] = " ".join(error.messages)
    if len(headline) > HEADLINE_CHARACTERS:
        errors["headline"] = f"{len(headline)} characters are too many; a headline has at most {HEADLINE_CHARACTERS}."
    for name, text in (("headline", headline), ("body", body)):
        if UNSTORABLE.search(text):
            errors[name] = "This text contains a character that can’t be stored."
    if "\n" in headline:
        errors["headline"] = "A headline is one line."
    if errors:
        raise ValidationError(errors)


def check_length(body: str) -> None:
    """Raise ``ValidationError`` for a text longer than is rendered: the time that takes grows with its length."""
    if len(body) > BODY_CHARACTERS:
        raise ValidationError(f"{len(body):,} characters are too many; at most {BODY_CHARACTERS:,} fit in one update.")


def is_shown(body_html: str) -> bool:
    """Return whether readers see anything of a rendered text: words or a player; the numbers of lists are neither."""
    text = markup.plain(body_html, with_numbers=False)
    return markup.is_visible(text) or players.has_player(body_html)


def check_shown(*, headline: str, body_html: str, photos: Sequence[Any]) -> None:
    """Raise ``ValidationError`` for an update of which readers would see nothing."""
    if not (markup.is_visible(headline) or photos or is_shown(body_html)):
        raise ValidationError({"body": "Readers would see nothing of this text: it is all marks. Write some words."})


def check_note(note: str) -> str:
    """Return a note for readers on one line; raises ``ValidationError``."""
    note = markup.one_line(note)
    if UNSTORABLE.search(note):
        raise ValidationError("This note contains a character that can’t be stored.")
    if len(note) > NOTE_CHARACTERS:
        raise ValidationError(f"{len(note)} characters are too many; a note has at most {NOTE_CHARACTERS}.")
    return note


def check_time(time: datetime | None) -> None:
    """Raise ``ValidationError`` for a time that can't be shown everywhere."""
    if time is None:
        return
    if timezone.is_naive(time):
        raise ValidationError({"published_at": "The time lacks its zone."})
    if time.year not in YEARS:
        raise ValidationError({"published_at": f"The year {time.year} is out of reach."})


def check_past_time(time: datetime | None) -> None:
    """Raise ``ValidationError`` for a time that no published update can have."""
    check_time(time)
    if is_to_come(time):
        raise ValidationError({"published_at": "An update can't come from the future."})
