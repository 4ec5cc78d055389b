"""Photos and corrections, which rows keep as JSON: checked whenever they are read, for drawing and for imports."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Self

from liveblog.models.content import UNSTORABLE
from liveblog.models.place import YEARS, written_time

GREATEST_NUMBER = 2**53 - 1


class Unreadable(ValueError):
    """The JSON in a row is not what it should be; ``str()`` names the field."""


class Figure(NamedTuple):
    """A photo as an update, a version or an event keeps it; it is drawn without a query."""

    name: str
    width: int
    height: int
    widths: list[int]
    alt: str

    @classmethod
    def from_json(cls, kept: Any, what: str = "photo") -> Self:
        """Return the photo kept as ``kept``; ``what`` names it in the error. Raises ``Unreadable``."""
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
    def from_json(cls, kept: Any, what: str = "correction") -> Self:
        """Return the correction kept as ``kept``; ``what`` names it in the error. Raises ``Unreadable``."""
        return cls(
            _field(kept, "at", _read_time, what),
            _field(kept, "note", read_text, what),
            _field(kept, "version", read_number, what),
        )

    @property
    def written_at(self) -> str:
        """Its time as text, which names it."""
        return written_time(self.at)

    def to_json(self) -> dict[str, Any]:
        """Return it as a row keeps it."""
        return self._asdict() | {"at": self.written_at}


type Parse[T] = Callable[[Any, str], T]


def parse_figures(kept: Any) -> list[Figure]:
    """Return all photos of a list; raises ``Unreadable``."""
    return _parse_each(kept, Figure.from_json, "photo")


def parse_corrections(kept: Any) -> list[Correction]:
    """Return all corrections of a list; raises ``Unreadable``."""
    return _parse_each(kept, Correction.from_json, "correction")


def redate_corrections(kept: Any, *, latest: datetime) -> Any:
    """Return corrections of which none is later than ``latest``; those that can't be read stay as they are."""
    return [_redate(one, latest) for one in kept] if isinstance(kept, list) else kept


def _redate(kept: Any, latest: datetime) -> Any:
    try:
        correction = Correction.from_json(kept)
    except Unreadable:
        return kept
    return correction._replace(at=latest).to_json() if correction.at > latest else kept


def parse_name_and_alt(kept: Any, what: str = "photo") -> tuple[str, str]:
    """Return a photo's name and description, whatever the rest is like; raises ``Unreadable``."""
    name = _field(kept, "name", read_picture_name, what)
    try:
        return name, _field(kept, "alt", read_text, what)
    except Unreadable:
        return name, ""


def parse_readable[T](kept: Any, parse: Parse[T]) -> list[T]:
    """Return those of a list that ``parse`` can read; drop the others."""
    found = []
    for one in kept if isinstance(kept, list) else []:
        with suppress(Unreadable):
            found.append(parse(one, ""))
    return found


def read_number(value: Any) -> int:
    """Return a number that is not negative; raises ``ValueError``, as the next three do."""
    if type(value) is not int or not 0 <= value <= GREATEST_NUMBER:
        raise ValueError(value)
    return value


def read_text(value: Any) -> str:
    """Return a text that can be stored and sent."""
    if type(value) is not str or UNSTORABLE.search(value):
        raise ValueError(value)
    return value


def read_picture_name(value: Any) -> str:
    """Return the name of a picture's files, 128 random bits in hexadecimal."""
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


def _parse_each[T](kept: Any, parse: Parse[T], what: str) -> list[T]:
    if not isinstance(kept, list):
        raise Unreadable(f"{what}s can’t be {_shown(kept)}")
    return [parse(one, f"{what} {number}") for number, one in enumerate(kept, start=1)]


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
