"""What a publisher may choose about an embedded feed, read from the address of the frame."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self
from urllib.parse import urlencode

from django.core.exceptions import ValidationError

from liveblog.models.languages import read_language
from liveblog.stream import ORDERS, PAGE_UPDATES

THEMES = ("auto", "light", "dark")
LIMIT = 20

_ACCENT = re.compile(r"#?([0-9A-Fa-f]{6})", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]?", re.ASCII)


class Options(NamedTuple):
    """How an embedded feed looks; an empty option follows the reader's device or the event."""

    theme: str = "auto"
    accent: str = ""
    """Six hexadecimal digits in lower case."""
    order: str = ""
    limit: int = LIMIT
    """How many updates it opens with."""
    header: bool = True
    lang: str = ""
    """The language in which days and times are written (BCP 47)."""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Self, dict[str, str]]:
        """Return the options in a query string, and by name why others were left out."""
        wrong: dict[str, str] = {}
        found: dict[str, object] = {}
        for name, (read, reason) in _READERS.items():
            if text := query.get(name, "").strip():
                value = read(text)
                if value is None:
                    wrong[name] = reason
                else:
                    found[name] = value
        return cls(**found), wrong  # type: ignore[arg-type]

    @property
    def chosen(self) -> dict[str, str]:
        """The options that differ from the defaults, as an address has them."""
        defaults = type(self)()
        return {
            name: str(int(value)) if isinstance(value, bool) else str(value)
            for name, value in self._asdict().items()
            if value != getattr(defaults, name)
        }

    @property
    def query(self) -> str:
        """The same as a query string with its question mark; empty if there are none."""
        return f"?{urlencode(self.chosen)}" if self.chosen else ""


def _accent(text: str) -> str | None:
    match = _ACCENT.fullmatch(text)
    return match[1].lower() if match else None


def _limit(text: str) -> int | None:
    return int(text) if _LIMIT.fullmatch(text) and int(text) <= PAGE_UPDATES else None


def _language(text: str) -> str | None:
    try:
        return read_language(text)
    except ValidationError:
        return None


_READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "theme": ({name: name for name in THEMES}.get, "theme is light, dark or auto."),
    "accent": (_accent, "accent is a colour in six hexadecimal digits, such as 0a5fb4."),
    "order": ({name: name for name in ORDERS}.get, "order is newest or oldest."),
    "limit": (_limit, f"limit is a number from 1 to {PAGE_UPDATES}."),
    "header": ({"1": True, "0": False}.get, "header is 1 or 0."),
    "lang": (_language, "lang is a language’s tag, such as de or pt-BR."),
}
"""How each option is read, ``None`` if it can't be, and what is said then."""
