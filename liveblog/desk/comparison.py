"""What differs between two texts, word by word, in bounded time; pure."""

import re
import time
from collections.abc import Iterable, Iterator
from difflib import Match, SequenceMatcher
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple

COMPARE_SECONDS = 1.0
EXACT_WORDS = 2_000
"""Above so many words on a side, difflib is told to pass over the commonest ones: it is quadratic in them."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A stretch of text that both versions have, or only the older (``del``), or only the newer (``ins``)."""

    kind: Literal["same", "del", "ins"]
    text: str


class _Matcher(SequenceMatcher[str]):
    """A comparison that ends in time: what it has not looked at by then counts as different."""

    def __init__(self, old: list[str], new: list[str], ends_at: float) -> None:
        self._ends_at = ends_at
        super().__init__(None, old, new, autojunk=max(len(old), len(new)) > EXACT_WORDS)

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Find it while there is time, else nothing."""
        if time.monotonic() > self._ends_at:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


def compare(old: str, new: str) -> list[Piece]:
    """Return the pieces that make up both texts, in order: lines that differ are compared word by word."""
    ends_at = time.monotonic() + COMPARE_SECONDS
    found: list[Piece] = []
    lost = came = gap = ""
    for is_same, before, after in _by_words(old, new, ends_at):
        if not is_same:
            lost, came, gap = lost + gap + before, came + gap + after, ""
        elif before.isspace() and "\n" not in before and (lost or came):
            gap += before  # a space between two changes belongs to both, or the words would run into each other
        else:
            found += [Piece("del", lost), Piece("ins", came), Piece("same", gap + before)]
            lost = came = gap = ""
    found += [Piece("del", lost), Piece("ins", came), Piece("same", gap)]
    return _joined(piece for piece in found if piece.text)


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces, with neighbours of one kind made one."""
    return [Piece(kind, "".join(piece.text for piece in some)) for kind, some in groupby(pieces, attrgetter("kind"))]


def _by_words(old: str, new: str, ends_at: float) -> Iterator[tuple[bool, str, str]]:
    """Yield stretches of both texts and whether they are the same."""
    for is_same, before, after in _differences(old.splitlines(keepends=True), new.splitlines(keepends=True), ends_at):
        if is_same:
            yield True, before, after
        else:
            yield from _differences(_WORDS.findall(before), _WORDS.findall(after), ends_at)


def _differences(old: list[str], new: list[str], ends_at: float) -> Iterator[tuple[bool, str, str]]:
    """Yield the same for two lists of words or lines; what they begin and end with alike comes cheap."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield True, "".join(old[:head]), "".join(new[:head])
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    for kind, at, until, begin, end in _Matcher(before, after, ends_at).get_opcodes():
        yield kind == "equal", "".join(before[at:until]), "".join(after[begin:end])
    yield True, "".join(old[len(old) - tail :]), "".join(new[len(new) - tail :])
