"""What has lately changed in one event: the last cards, ready to be sent, and how they are read."""

from enum import Enum
from functools import cached_property
from typing import NamedTuple, Self

from django.conf import settings

from liveblog import release, rendering
from liveblog.codings import compress
from liveblog.models import Event
from liveblog.sockets.frames import make_compressed_frame, make_frame

JOINS_KEPT = 16


class Verdict(Enum):
    """Why there is no fragment for a cursor."""

    NOTHING = "nothing came after it"
    AHEAD = "it is newer than this tail"
    RELOAD = "its page must be fetched anew"


class Fragment:
    """All that changed after a cursor, in each form that is sent: made once, when first asked for."""

    def __init__(self, text: str, revision: int) -> None:
        self.text = text
        self.revision = revision
        """The cursor it leads to."""

    @cached_property
    def body(self) -> bytes:
        """For polls."""
        return self.text.encode()

    @cached_property
    def gzip(self) -> bytes:
        """For polls of those who take it so."""
        return compress(self.body, "gzip")

    @cached_property
    def br(self) -> bytes:
        """For polls of those who take it so."""
        return compress(self.body, "br")

    @cached_property
    def frame(self) -> bytes:
        """For sockets."""
        return make_frame(self.body)

    @cached_property
    def compressed_frame(self) -> bytes:
        """For sockets of those who have agreed to that."""
        return make_compressed_frame(self.body)


class Card(NamedTuple):
    """One update's HTML as of ``revision``."""

    number: int
    revision: int
    html: str


class Reading(NamedTuple):
    """One look at the database: the event's row, then what had changed by the row's revision."""

    event: Event
    head: str | None
    cards: list[Card]
    floor: int


class Tail:
    """The changed cards of one event up to ``revision``, each update once, in its present state.

    A cursor at or above ``floor`` can be led up to ``revision``; one below it has to reload.
    """

    def __init__(self, reading: Reading) -> None:
        self._cards: dict[int, Card] = {}
        self._joins: dict[int, Fragment] = {}
        self.head = ""
        self.floor = reading.floor
        self.take(reading)

    @classmethod
    def load(cls, slug: str) -> Self | None:
        """Read an event's tail from the database; ``None`` for a draft and for no event alike."""
        event = Event.objects.public().filter(slug=slug).first()
        return None if event is None else cls(_read(event, after=0, head=True))

    def read(self) -> "Reading | Tail | None":
        """Read what is newer than this tail.

        Returns ``None`` if readers can no longer see the event, and a whole new tail if the database is
        not the one that this tail was read from: older, or of another edition.
        """
        event = Event.objects.public().filter(pk=self.event_id).first()
        if event is None:
            return None
        if event.edition != self.edition or event.revision < self.revision:
            return Tail(_read(event, after=0, head=True))
        return _read(event, after=self.revision, head=event.head_revision > self.head_revision)

    def take(self, reading: Reading) -> None:
        """Take in what ``read()`` returned."""
        event = reading.event
        self.event_id = event.pk
        self.slug = event.slug
        self.edition = event.edition
        self.status = event.status
        self.ended_at = event.ended_at
        self.revision = event.revision
        self.cursor = f"after={self.revision}&edition={self.edition}".encode()
        self.head_revision = event.head_revision
        self.reload_revision = event.reload_revision
        if reading.head is not None:
            self.head = reading.head
        for card in reading.cards:  # the order of the dict is the order of the revisions
            self._cards.pop(card.number, None)
            self._cards[card.number] = card
        self.floor = max(self.floor, reading.floor)
        for number in list(self._cards)[: max(0, len(self._cards) - settings.TAIL_UPDATES)]:
            self.floor = max(self.floor, self._cards.pop(number).revision)
        self._joins.clear()

    def since(self, after: int, edition: str | None) -> Fragment | Verdict:
        """Return what a page at revision ``after`` lacks, or why it can't be told."""
        if edition is not None and edition != self.edition:
            return Verdict.RELOAD
        if after > self.revision:
            return Verdict.AHEAD
        if after == self.revision:
            return Verdict.NOTHING
        if after < max(self.floor, self.reload_revision):
            return Verdict.RELOAD
        if after not in self._joins:
            while len(self._joins) >= JOINS_KEPT:
                del self._joins[next(iter(self._joins))]
            self._joins[after] = self._join(after)
        return self._joins[after]

    def _join(self, after: int) -> Fragment:
        cards: list[str] = []
        for card in reversed(self._cards.values()):
            if card.revision <= after:
                break
            cards.append(card.html)
        head = self.head if self.head_revision > after else ""
        text = (
            f'<section data-after="{after}" data-revision="{self.revision}" '
            f'data-edition="{self.edition}" data-status="{self.status}" data-release="{release.digest()}">\n'
            + "\n".join(filter(None, [head, *reversed(cards)]))
            + "\n</section>\n"
        )
        return Fragment(text, self.revision)


def _read(event: Event, *, after: int, head: bool) -> Reading:
    """Read what changed after ``after``, in that order; what commits meanwhile is left to the next reading."""
    changed = event.updates.filter(revision__gt=after, revision__lte=event.revision)
    newest = list(changed.order_by("-revision")[: settings.TAIL_UPDATES + 1])
    floor = newest.pop().revision if len(newest) > settings.TAIL_UPDATES else 0
    return Reading(
        event,
        str(rendering.head(event)) if head else None,
        [Card(update.number, update.revision, rendering.card(update)) for update in reversed(newest)],
        floor,
    )
