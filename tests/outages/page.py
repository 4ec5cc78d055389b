"""An open page as far as faults matter: its cursor, and number, revision and time of each of its cards."""

import re
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

_SECTION = re.compile(
    r'<section data-after="(\d+)" data-revision="(\d+)" data-edition="([0-9a-f]{8})" data-status="(\w+)"'
)
_RELOAD = re.compile(r"<section data-reload>")
_FEED = re.compile(r'<section [^>]*id="feed"[^>]*>')
_CARD = re.compile(
    r'<article\b[^>]* id="update-(\d+)" data-number="\d+" data-revision="(\d+)"(?: data-published="([^"]+)")?'
)


class Verdict(Enum):
    """What became of a fragment, by the rule for applying (docs/protocol.md)."""

    APPLIED = auto()
    DROPPED = auto()
    GAP = auto()
    RELOAD = auto()


class Card(NamedTuple):
    """One update on a page; one that was withdrawn has no time."""

    number: int
    revision: int
    published: str

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands."""
        return self.published, self.number


class Fragment(NamedTuple):
    """What a poll or a socket has brought."""

    after: int
    revision: int
    edition: str
    cards: tuple[Card, ...]


class NotOurs(Exception):
    """An answer that is none of the service's."""


class Page:
    """A page that shows the newest first."""

    def __init__(self, html: str) -> None:
        self.load(html)

    def load(self, html: str) -> None:
        """Take over a whole page: the first one, and after a call to reload."""
        self.revision, self.edition, self.oldest, cards = parse_page(html)
        self.cards = {card.number: card for card in cards}

    def take(self, html: str) -> Verdict:
        """Apply a fragment if and only if ``after <= cursor < revision``; raises ``NotOurs``."""
        fragment = parse_fragment(html)
        if fragment is None or fragment.edition != self.edition:
            return Verdict.RELOAD
        if fragment.revision <= self.revision:
            return Verdict.DROPPED
        if fragment.after > self.revision:
            return Verdict.GAP
        for card in fragment.cards:
            self._put(card)
        self.revision = fragment.revision
        return Verdict.APPLIED

    def shown(self) -> list[Card]:
        """Return its cards, oldest first."""
        return sorted(self.cards.values(), key=lambda card: card.place)

    def _put(self, card: Card) -> None:
        present = self.cards.get(card.number)
        if present is not None and present.revision >= card.revision:  # the page was read after its revision
            return
        self.cards.pop(card.number, None)
        if card.published and (self.oldest is None or self.oldest <= card.place):
            self.cards[card.number] = card


def parse_place(text: str) -> tuple[str, int] | None:
    """Return the place in ``data-oldest``; ``None`` for an open end."""
    published, _, number = text.partition(",")
    return (published, int(number)) if published else None


def revision_in(html: str) -> int:
    """Return the revision of a fragment, 0 for one that has none."""
    try:
        fragment = parse_fragment(html)
    except NotOurs:
        return 0
    return fragment.revision if fragment else 0


@lru_cache(maxsize=64)
def parse_page(html: str) -> tuple[int, str, tuple[str, int] | None, tuple[Card, ...]]:
    """Return revision, edition, older end and cards of a whole page; raises ``NotOurs``. Readers share the work."""
    found = _FEED.search(html)
    if found is None:
        raise NotOurs(html[:200])
    named = dict(re.findall(r'data-(\w+)="([^"]*)"', found[0]))
    return int(named["revision"]), named["edition"], parse_place(named["oldest"]), _cards(html)


@lru_cache(maxsize=512)
def parse_fragment(html: str) -> Fragment | None:
    """Return what a fragment says; ``None``: the page is to be loaded anew. Raises ``NotOurs``."""
    if _RELOAD.match(html.lstrip()):
        return None
    found = _SECTION.match(html.lstrip())
    if found is None:
        raise NotOurs(html[:200])
    after, revision, edition, _ = found.groups()
    return Fragment(int(after), int(revision), edition, _cards(html))


def _cards(html: str) -> tuple[Card, ...]:
    return tuple(Card(int(number), int(revision), published) for number, revision, published in _CARD.findall(html))
