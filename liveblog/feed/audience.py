"""How many readers are connected: this process's own from its memory, those of others from what they wrote."""

import time

from django.db import connections

from liveblog.feed.registry import Feeds
from liveblog.models import Audience, Event

WRITE_SECONDS = 5.0
"""How often a process writes what has changed: one statement for all its events."""
REPEAT_SECONDS = 15.0
"""After so long it repeats what has not: every 20 s, half of what a row is good for."""


class ReaderCounter:
    """Writes down how many readers the feeds of one server have, for the other processes."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self._written: dict[int, tuple[int, float]] = {}

    def write(self) -> None:
        """Write what has changed, and what was written long ago; with nothing to write, query nothing."""
        counts, now = self._feeds.count_readers(), time.monotonic()
        gone = [event_id for event_id in self._written if event_id not in counts]
        news = [
            event_id
            for event_id, readers in counts.items()
            if (known := self._written.get(event_id)) is None or known[0] != readers or now - known[1] > REPEAT_SECONDS
        ]
        if gone:
            Audience.objects.filter(process=self._feeds.process, event__in=gone).delete()
            for event_id in gone:
                del self._written[event_id]
        if news:
            Audience.record(self._feeds.process, {event_id: counts[event_id] for event_id in news})
            self._written |= {event_id: (counts[event_id], now) for event_id in news}
        if not self._written:
            connections.close_all()

    def withdraw(self) -> None:
        """Delete all that was written, so that readers who come back elsewhere don't count twice."""
        if self._written:
            Audience.objects.filter(process=self._feeds.process).delete()
            self._written.clear()


def count_readers(event: Event) -> int:
    """Return how many readers are connected to ``event`` now, in all processes."""
    feeds = Feeds.current.get()
    if feeds is None:
        return Audience.total(event)
    return feeds.count_readers().get(event.pk, 0) + Audience.total(event, without=feeds.process)
