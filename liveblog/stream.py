"""One page of an event's stream: its cards, and the window of places it covers."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from django.utils.safestring import SafeString

from liveblog import rendering
from liveblog.addresses import READERS, Addresses
from liveblog.models import Event, Place, Update, Window
from liveblog.models.place import in_zone
from liveblog.models.update import UpdateQuerySet

PAGE_UPDATES = 50
ORDERS = ("newest", "oldest")


class Selection(NamedTuple):
    """Which part of the stream is asked for; by default, the one that a page opens with."""

    order: str
    before: Place | None = None
    after: Place | None = None
    around: int | str | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str], event: Event) -> "Selection":
        """Return the selection in a query string; raises ``ValueError``."""
        order = query.get("sort") or event.opening_order
        if order not in ORDERS:
            raise ValueError("sort is newest or oldest.")
        if len({"before", "after", "around"} & query.keys()) > 1:
            raise ValueError("Only one of before, after and around can be asked for.")
        around: int | str | None = query.get("around")
        if around is not None and around not in {"first", "last"}:
            if not str(around).isascii() or not str(around).isdigit() or len(str(around)) > 9:
                raise ValueError("around is an update’s number, first or last.")
            around = int(around)
        return cls(
            order,
            Place.parse(query["before"]) if "before" in query else None,
            Place.parse(query["after"]) if "after" in query else None,
            around,
        )


class Row(NamedTuple):
    """A card, and its day if it is the first card of that day in the event's zone."""

    card: SafeString
    day: datetime | None


class Page(NamedTuple):
    """Updates in the order asked for, and the window they fill."""

    event: Event
    selection: Selection
    updates: list[Update]
    window: Window

    @property
    def order(self) -> str:
        """``newest`` or ``oldest``: which end is on top."""
        return self.selection.order

    def rows(self, addresses: Addresses = READERS) -> Iterator[Row]:
        """Yield the cards in order, with the days that begin."""
        days = [in_zone(update.published_at, self.event.zone) for update in self.updates]
        opens = [True, *(one.date() != next_one.date() for one, next_one in pairwise(days))]
        for update, day, is_first in zip(self.updates, days, opens, strict=False):
            yield Row(rendering.card(update, addresses), day if is_first else None)


def read_page(event: Event, selection: Selection, *, size: int | None = None) -> Page:
    """Read the selected page of at most ``size`` updates (50), after ``event``'s row was read.

    Each end of the window is open when nothing lies beyond it. Raises ``Update.DoesNotExist``.
    """
    visible = event.updates.visible()
    size = size or PAGE_UPDATES
    half = max(1, size // 2)
    oldest: Place | None = None
    newest: Place | None = None
    if selection.before is not None:
        found, has_older = _last(visible.older_than(selection.before), size)
        if visible.newer_than(selection.before.before).exists():
            newest = selection.before.before
    elif selection.after is not None:
        found, has_newer = _first(visible.newer_than(selection.after), size)
        has_older = False
        if has_newer:
            newest = found[-1].place
        if visible.older_than(selection.after.after).exists():
            oldest = selection.after.after
    elif isinstance(selection.around, int):
        here = event.updates.get(number=selection.around).place
        older, has_older = _last(visible.older_than(here.after), half)
        newer, has_newer = _first(visible.newer_than(here), half)
        # One that moved meanwhile is found on both sides; where it was read last it stands.
        moved = {update.number for update in newer}
        found = [update for update in older if update.number not in moved] + newer
        if has_newer:
            newest = newer[-1].place
    elif selection.around == "first" or (selection.around is None and selection.order == "oldest"):
        found, has_newer = _first(visible, size)
        has_older = False
        if has_newer:
            newest = found[-1].place
    else:
        found, has_older = _last(visible, size)
    if has_older:
        oldest = found[0].place
    return Page(event, selection, found if selection.order == "oldest" else found[::-1], Window(oldest, newest))


def read_alone(event: Event, update: Update) -> Page:
    """Return a page of one update, whatever its time; it is empty if the update is withdrawn."""
    selection = Selection("newest", around=update.number)
    return Page(event, selection, [] if update.withdrawn_at else [update], Window())


def _last(updates: UpdateQuerySet, count: int) -> tuple[list[Update], bool]:
    """Return the newest ``count``, oldest first, and whether there are older ones."""
    found = list(updates.newest_first()[: count + 1])
    return found[:count][::-1], len(found) > count


def _first(updates: UpdateQuerySet, count: int) -> tuple[list[Update], bool]:
    """Return the oldest ``count``, oldest first, and whether there are newer ones."""
    found = list(updates.oldest_first()[: count + 1])
    return found[:count], len(found) > count
