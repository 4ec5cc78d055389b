"""What an update is to those who read feeds, with addresses that work anywhere."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, Self

from liveblog import rendering
from liveblog.addresses import ABSOLUTE
from liveblog.models import Event, Update

ENTRIES = 200
"""How many of an event's last changed updates a feed holds: who asks every hour misses none but in the wildest hour."""


class Entry(NamedTuple):
    """One update as a feed has it; a withdrawn one is a tombstone and says nothing."""

    update: Update

    @property
    def id(self) -> str:
        """What names it for good."""
        return self.update.uuid.urn

    @property
    def url(self) -> str:
        """Its own page."""
        return ABSOLUTE.permalink(self.update)

    @property
    def title(self) -> str:
        """Its headline, or its first words."""
        return self.update.title or f"Update {self.update.number}"

    @property
    def html(self) -> str:
        """What the card says."""
        return rendering.entry(self.update)


class Entries(NamedTuple):
    """What a feed holds: the updates that are there, newest first, and the tombstones of those that are not."""

    shown: list[Entry]
    gone: list[Entry]

    @classmethod
    def of_event(cls, event: Event, *, at_most: int | None = ENTRIES) -> Self:
        """Read an event's last changed updates, after its row was read."""
        changed = event.updates.order_by("-revision")[:at_most]
        return cls._split(_of(event, changed))

    @classmethod
    def of_all(cls) -> Self:
        """Read the newest updates of all public events, and what was withdrawn last."""
        updates = Update.objects.public().select_related("event")
        newest = updates.visible().order_by("-published_at", "-pk")[:ENTRIES]
        withdrawn = updates.filter(withdrawn_at__isnull=False).order_by("-withdrawn_at", "-pk")[:ENTRIES]
        return cls._split(chain(newest, withdrawn))

    @classmethod
    def _split(cls, updates: Iterable[Update]) -> Self:
        found = sorted(updates, key=lambda update: update.place, reverse=True)
        entries = [Entry(update) for update in found]
        return cls(
            [entry for entry in entries if entry.update.withdrawn_at is None],
            [entry for entry in entries if entry.update.withdrawn_at is not None],
        )


def _of(event: Event, updates: Iterable[Update]) -> Iterable[Update]:
    for update in updates:
        update.event = event
        yield update
