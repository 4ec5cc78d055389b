"""The document of an export: which fields it holds, and how they are written and read again."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from liveblog.models.json_fields import read_number, read_picture_name, read_text, read_widths
from liveblog.models.place import YEARS, written_time

FORMAT = "liveblog event"
VERSION = 1
DOCUMENT = "event.json"
_NOTHING = object()

EVENT = (
    "uuid title slug summary status starts_at ends_at ended_at first_public_at changed_at time_zone language order "
    "contributors_wait embed_sites cover pause_note paused_at closing_note revision head_revision reload_revision "
    "last_number pinned_number latest_clock"
).split()
UPDATE = (
    "number revision key digest byline headline body is_key photos corrections version version_at content_revision "
    "posted_at published_at edited_at withdrawn_at erased_at"
).split()
VERSION_FIELDS = "number headline body photos made_at".split()
PERSON = "username first_name last_name".split()
PHOTO = "key name width height widths arrived_at is_cover".split()
"""The fields of each kind of row. What is made from others, such as HTML, is left out."""


class ArchiveError(Exception):
    """An export or a folder can't be used; ``str()`` says why, and nothing has been changed."""


def as_json(value: Any) -> Any:
    """Return a stored value as it stands in the document."""
    if isinstance(value, datetime):
        return written_time(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def fields_of(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a row."""
    return {name: as_json(getattr(row, name)) for name in names}


def serialised(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document; the same event always gives the same bytes."""
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(errors="surrogatepass")


def first_difference(one: Any, other: Any, where: str = "") -> str:
    """Return the first place where two documents differ, such as ``event.title``; an empty text if they don’t."""
    if isinstance(one, list) and isinstance(other, list):
        one, other = (dict(enumerate(each, start=1)) for each in (one, other))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return "" if type(one) is type(other) and one == other else where or DOCUMENT
    found = (
        first_difference(one.get(name, _NOTHING), other.get(name, _NOTHING), f"{where}.{name}".lstrip("."))
        for name in sorted(one.keys() | other.keys())
    )
    return next(filter(None, found), "")


def parse(content: bytes) -> dict[str, Any]:
    """Return the document in these bytes; raises ``ArchiveError``."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{DOCUMENT} is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ArchiveError(f"{DOCUMENT} is no export of a live blog.")
    if document.get("version") != VERSION:
        raise ArchiveError(f"{DOCUMENT} has version {document.get('version')!r}; this release reads version {VERSION}.")
    return document


class Part:
    """An object of the document; a field that is not of the kind asked for is refused."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise ArchiveError(f"{where} is no object.")
        self.value: dict[str, Any] = value
        self.where = where

    def get[T](self, name: str, kind: Callable[[Any], T], *, optional: bool = False) -> T | None:
        """Return a field; ``None`` only where it is ``optional``."""
        if name not in self.value:
            raise ArchiveError(f"{self.where} lacks {name}.")
        value = self.value[name]
        if value is None and optional:
            return None
        try:
            return kind(value)
        except (TypeError, ValueError, KeyError) as error:
            raise ArchiveError(f"{self.where}: {name} can’t be {str(value)[:60]!r}.") from error

    def require[T](self, name: str, kind: Callable[[Any], T]) -> T:
        """Return a field that must be there."""
        found = self.get(name, kind)
        assert found is not None
        return found

    def row(self, model: type[models.Model], names: Iterable[str], **kinds: Callable[[Any], Any]) -> dict[str, Any]:
        """Return the fields of a row of ``model``, each of the kind its column holds, or of another in ``kinds``."""
        found = {}
        for name in names:
            field = model._meta.get_field(name)
            kind = kinds.get(name) or next(kind for column, kind in _KINDS if isinstance(field, column))
            found[name] = self.get(name, kind, optional=field.null)
        return found

    def parts(self, name: str) -> list["Part"]:
        """Return a field that is a list of objects."""
        found = self.require(name, exactly(list))
        return [Part(one, f"{self.where}, {name} {number}") for number, one in enumerate(found, start=1)]

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse a field that this release does not know: it would be lost."""
        if unknown := self.value.keys() - set(names):
            raise ArchiveError(f"{self.where} has a field that is not known here: {', '.join(sorted(unknown))}.")


def exactly[T](kind: type[T]) -> Callable[[Any], T]:
    """Return a function that refuses values of any other type; ``True`` is no number."""

    def check(value: Any) -> T:
        if type(value) is not kind:
            raise TypeError(value)
        return value

    return check


number, text, picture_name, widths = read_number, read_text, read_picture_name, read_widths
"""Checked by the same functions as when a card is drawn."""


def time(value: Any) -> datetime:
    """Read a time in the form that ``as_json`` writes."""
    found = datetime.fromisoformat(exactly(str)(value))
    if found.tzinfo is None or found.year not in YEARS or written_time(found) != value:
        raise ValueError(value)
    return found


def key(value: Any) -> uuid.UUID:
    """Read a UUID."""
    found = uuid.UUID(exactly(str)(value))
    if str(found) != value:
        raise ValueError(value)
    return found


_KINDS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (models.BooleanField, exactly(bool)),
    (models.CharField, text),
    (models.DateTimeField, time),
    (models.IntegerField, number),
    (models.TextField, text),
    (models.UUIDField, key),
)
"""What a column holds, by its class."""
