"""Which updates a feed holds."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, Self

from liveblog.models import Event, Update

ENTRIES = 200
"""How many of an event's last changed updates a feed holds: enough for who asks once an hour."""


class Entries(NamedTuple):
    """The visible updates of a feed, newest first, and the withdrawn ones, of which it says the id only."""

    shown: list[Update]
    withdrawn: list[Update]

    @classmethod
    def of_event(cls, event: Event, *, at_most: int | None = ENTRIES) -> Self:
        """Read an event's last changed updates, after its row was read."""
        changed = list(event.updates.order_by("-revision")[:at_most])
        for update in changed:
            update.event = event
        return cls._split(changed)

    @classmethod
    def of_all(cls) -> Self:
        """Read the newest updates of all public events, and those withdrawn last."""
        updates = Update.objects.public().select_related("event")
        newest = updates.visible().order_by("-published_at", "-pk")[:ENTRIES]
        withdrawn = updates.filter(withdrawn_at__isnull=False).order_by("-withdrawn_at", "-pk")[:ENTRIES]
        return cls._split(chain(newest, withdrawn))

    @classmethod
    def _split(cls, updates: Iterable[Update]) -> Self:
        found = sorted(updates, key=lambda update: update.place, reverse=True)
        return cls(
            [update for update in found if update.withdrawn_at is None],
            [update for update in found if update.withdrawn_at is not None],
        )


def title_of(update: Update) -> str:
    """Return an update's headline or first words; if it has none, its number."""
    return update.title or f"Update {update.number}"
