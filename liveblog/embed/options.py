"""What a publisher may choose about an embedded feed, read from the address of the frame."""

import re
from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.parse import urlencode

from django.core.exceptions import ValidationError

from liveblog.models.languages import read_language
from liveblog.stream import ORDERS, PAGE_UPDATES

THEMES = ("auto", "light", "dark")
LIMIT = 20
HEADERS = ("1", "0")

_ACCENT = re.compile(r"#?([0-9A-Fa-f]{6})", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]?", re.ASCII)


class Options(NamedTuple):
    """How an embedded feed looks; what is left empty follows the reader's device or the event."""

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
    def read(cls, query: Mapping[str, str]) -> tuple[Self, dict[str, str]]:
        """Return the options in a query string, and by name what is wrong with it and was left out."""
        wrong: dict[str, str] = {}
        found: dict[str, object] = {}

        def take(name: str, value: object, reason: str) -> None:
            if value is None:
                wrong[name] = reason
            else:
                found[name] = value

        asked = {name: query[name].strip() for name in cls._fields if query.get(name, "").strip()}
        if "theme" in asked:
            take("theme", asked["theme"] if asked["theme"] in THEMES else None, "theme is light, dark or auto.")
        if "accent" in asked:
            match = _ACCENT.fullmatch(asked["accent"])
            take("accent", match and match[1].lower(), "accent is a colour in six hexadecimal digits, such as 0a5fb4.")
        if "order" in asked:
            take("order", asked["order"] if asked["order"] in ORDERS else None, "order is newest or oldest.")
        if "limit" in asked:
            is_number = _LIMIT.fullmatch(asked["limit"]) and int(asked["limit"]) <= PAGE_UPDATES
            take("limit", int(asked["limit"]) if is_number else None, f"limit is a number from 1 to {PAGE_UPDATES}.")
        if "header" in asked:
            take("header", asked["header"] == "1" if asked["header"] in HEADERS else None, "header is 1 or 0.")
        if "lang" in asked:
            take("lang", _language(asked["lang"]), "lang is a language’s tag, such as de or pt-BR.")
        return cls(**found), wrong  # type: ignore[arg-type]

    @property
    def chosen(self) -> dict[str, str]:
        """The options that are not as they are anyway, as they stand in an address."""
        defaults = type(self)()
        return {
            name: str(int(value)) if isinstance(value, bool) else str(value)
            for name, value in self._asdict().items()
            if value != getattr(defaults, name)
        }

    @property
    def query(self) -> str:
        """The same as a query string, with its question mark; empty if there are none."""
        return f"?{urlencode(self.chosen)}" if self.chosen else ""


def _language(typed: str) -> str | None:
    try:
        return read_language(typed)
    except ValidationError:
        return None
