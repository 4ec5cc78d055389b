"""What rows keep as JSON, photos and corrections: checked when it is read, by imports and drawing in the same way."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Self

from liveblog.models.content import UNSTORABLE
from liveblog.models.place import YEARS

GREATEST_NUMBER = 2**53 - 1


class Unreadable(ValueError):
    """Something is kept that can't be shown; ``str()`` names the field."""


class Figure(NamedTuple):
    """A photo as an update, a version or an event keeps it, so that it is drawn without a query."""

    name: str
    width: int
    height: int
    widths: list[int]
    alt: str

    @classmethod
    def read(cls, kept: Any, what: str = "photo") -> Self:
        """Return what is kept of a photo; raises ``Unreadable``."""
        return cls(
            _field(kept, "name", read_picture_name, what),
            _field(kept, "width", read_number, what),
            _field(kept, "height", read_number, what),
            _field(kept, "widths", read_widths, what),
            _field(kept, "alt", read_text, what),
        )


class Correction(NamedTuple):
    """A note to readers: when it was made, what it says, and of which version of the update."""

    at: datetime
    note: str
    version: int

    @classmethod
    def read(cls, kept: Any, what: str = "correction") -> Self:
        """Return what is kept of a correction; raises ``Unreadable``."""
        return cls(
            _field(kept, "at", _read_time, what),
            _field(kept, "note", read_text, what),
            _field(kept, "version", read_number, what),
        )


type Read[T] = Callable[[Any, str], T]


def read_figures(kept: Any) -> list[Figure]:
    """Return all photos that are kept; raises ``Unreadable``."""
    return _read_each(kept, Figure.read, "photo")


def read_corrections(kept: Any) -> list[Correction]:
    """Return all corrections that are kept; raises ``Unreadable``."""
    return _read_each(kept, Correction.read, "correction")


def read_mention(kept: Any, what: str = "photo") -> tuple[str, str]:
    """Return the name and the description of a photo of which the rest need not be readable; raises ``Unreadable``."""
    name = _field(kept, "name", read_picture_name, what)
    try:
        return name, _field(kept, "alt", read_text, what)
    except Unreadable:
        return name, ""


def readable[T](kept: Any, read: Read[T]) -> list[T]:
    """Return those of a list that can be read, where the others must not be in the way."""
    found = []
    for one in kept if isinstance(kept, list) else []:
        with suppress(Unreadable):
            found.append(read(one, ""))
    return found


def read_number(value: Any) -> int:
    """Return a number that is not negative; raises ``ValueError``, as all readers of single values do."""
    if type(value) is not int or not 0 <= value <= GREATEST_NUMBER:
        raise ValueError(value)
    return value


def read_text(value: Any) -> str:
    """Return a text that can be stored and sent."""
    if type(value) is not str or UNSTORABLE.search(value):
        raise ValueError(value)
    return value


def read_picture_name(value: Any) -> str:
    """Return the name of a picture's files: 128 random bits, and so no path."""
    if not re.fullmatch(r"[0-9a-f]{32}", read_text(value), re.ASCII):
        raise ValueError(value)
    return str(value)


def read_widths(value: Any) -> list[int]:
    """Return the widths of a picture's files, ascending."""
    if type(value) is not list:
        raise ValueError(value)
    found = [read_number(width) for width in value]
    if not 1 <= len(found) <= 5 or found != sorted(set(found)) or not 0 < found[0] <= found[-1] <= 20_000:
        raise ValueError(value)
    return found


def _read_time(value: Any) -> datetime:
    found = datetime.fromisoformat(read_text(value))
    if found.tzinfo is None or found.year not in YEARS:
        raise ValueError(value)
    return found


def _read_each[T](kept: Any, read: Read[T], what: str) -> list[T]:
    if not isinstance(kept, list):
        raise Unreadable(f"{what}s can’t be {_shown(kept)}")
    return [read(one, f"{what} {number}") for number, one in enumerate(kept, start=1)]


def _field[T](kept: Any, name: str, read: Callable[[Any], T], what: str) -> T:
    if not isinstance(kept, dict):
        raise Unreadable(f"{what} can’t be {_shown(kept)}")
    if name not in kept:
        raise Unreadable(f"{what} lacks {name}")
    try:
        return read(kept[name])
    except ValueError:
        raise Unreadable(f"{what}: {name} can’t be {_shown(kept[name])}") from None


def _shown(value: Any) -> str:
    return repr(str(value)[:60])
