"""Definitions of links: ``[label]: address "title"`` on lines of their own."""

import re
from typing import NamedTuple

from liveblog.text.addresses import address_of, unescape

LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
"""A label as in CommonMark: at most 999 characters, no bracket without a backslash."""
TITLE = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\(((?:[^()\\]|\\.)*)\)""", re.DOTALL)
POINTED = re.compile(r"<((?:[^<>\n\\]|\\.)*)>")

_TARGET = re.compile(r": *\n? *(?:<([^<>\n]*)>|([^\s<]\S{0,2000}))(?=[ \n]|$)")
_END = re.compile(r" *(?:\n|$)")
_GAP = re.compile(r" *\n? *")


class Definition(NamedTuple):
    """What a label stands for, and how it was typed."""

    key: str
    address: str
    title: str
    source: str


class Split(NamedTuple):
    """The definitions that a paragraph begins with, and what is left of it."""

    definitions: list[Definition]
    rest: str


def split(text: str) -> Split:
    """Take the definitions off the beginning of a paragraph: those that lead to an address."""
    found: list[Definition] = []
    while (label := LABEL.match(text)) and label[1].strip():
        target = _TARGET.match(text, label.end())
        address = address_of(unescape(target[1] or target[2] or "")) if target else None
        if not target or not address:
            break
        title, end = _title(text, target.end())
        if end is None:
            break
        found.append(Definition(label_key(label[1]), address, title, text[:end].rstrip("\n")))
        text = text[end:]
    return Split(found, text)


def label_key(label: str) -> str:
    """Return what is the same for all ways to write a label."""
    return " ".join(label.split()).casefold()


def _title(text: str, at: int) -> tuple[str, int | None]:
    """Return the title that may follow an address, and where the definition ends; ``None`` where it is none."""
    if gap := _GAP.match(text, at):
        title = TITLE.match(text, gap.end()) if gap.end() > at else None
        end = _END.match(text, title.end()) if title else None
        if title and end:
            return unescape(title[1] or title[2] or title[3] or ""), end.end()
    end = _END.match(text, at)
    return "", end.end() if end else None
