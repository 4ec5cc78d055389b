"""What may stand in an update, and when two are the same."""

import hashlib
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils import timezone

from liveblog.models.place import YEARS

if TYPE_CHECKING:
    from liveblog.models.update import Update

BODY_CHARACTERS = 20_000
HEADLINE_CHARACTERS = 200
BYLINE_CHARACTERS = 150

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class KeyReused(Exception):
    """A key that has published ``update`` came again with other content."""

    def __init__(self, update: "Update") -> None:
        super().__init__(f"update {update.number} has this key and other content")
        self.update = update


def check_content(*, headline: str, body: str) -> None:
    """Raise ``ValidationError`` for content that can't be published."""
    errors: dict[str, str] = {}
    if not headline and not body:
        errors["body"] = "Write something first."
    if len(body) > BODY_CHARACTERS:
        errors["body"] = f"{len(body):,} characters are too many; at most {BODY_CHARACTERS:,} fit in one update."
    if len(headline) > HEADLINE_CHARACTERS:
        errors["headline"] = f"{len(headline)} characters are too many; a headline has at most {HEADLINE_CHARACTERS}."
    for name, text in (("headline", headline), ("body", body)):
        if _UNSTORABLE.search(text):
            errors[name] = "This text contains a character that can't be stored."
    if "\n" in headline:
        errors["headline"] = "A headline is one line."
    if errors:
        raise ValidationError(errors)


def check_time(published_at: datetime | None) -> None:
    """Raise ``ValidationError`` for a time that no update can have."""
    if published_at is None:
        return
    if timezone.is_naive(published_at):
        raise ValidationError({"published_at": "The time lacks its zone."})
    if published_at.year not in YEARS:
        raise ValidationError({"published_at": f"The year {published_at.year} is out of reach."})
    if published_at > timezone.now():
        raise ValidationError({"published_at": "An update can't come from the future."})


def digest_of(headline: str, body: str, is_key: bool, published_at: datetime | None) -> str:
    """Return what tells an honest retry of a post from another text under the same key."""
    sent = [headline, body, bool(is_key), published_at.isoformat() if published_at else None]
    return hashlib.sha256(json.dumps(sent).encode()).hexdigest()
