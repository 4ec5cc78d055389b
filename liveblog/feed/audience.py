"""How many readers are connected: this process's own from its memory, those of others from what they wrote."""

import asyncio
import time
import uuid

from django.db import connections

from liveblog.feed.registry import Feeds
from liveblog.models import Audience, Event

WRITE_SECONDS = 5.0
"""How often a process says what has changed: one statement for all its events."""
REPEAT_SECONDS = 15.0
"""After so long it repeats what has not: every 20 s, half of what a row is good for."""

_counter: "Counter | None" = None


class Counter:
    """What the process that serves on ``loop`` tells the others of its readers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.process = uuid.uuid4()
        self._loop = loop
        self._written: dict[int, tuple[int, float]] = {}

    def here(self) -> dict[int, int]:
        """Return how many readers this process has, by event, where there are any; any thread may ask."""
        feeds = Feeds.on(self._loop)
        return {} if feeds is None else feeds.count_readers()

    def write(self) -> None:
        """Write down what has changed, and what was written long ago; with nothing to say, query nothing."""
        counts, now = self.here(), time.monotonic()
        gone = [event_id for event_id in self._written if event_id not in counts]
        news = [
            event_id
            for event_id, readers in counts.items()
            if (known := self._written.get(event_id)) is None or known[0] != readers or now - known[1] > REPEAT_SECONDS
        ]
        if gone:
            Audience.objects.filter(process=self.process, event__in=gone).delete()
            for event_id in gone:
                del self._written[event_id]
        if news:
            Audience.put(self.process, {event_id: counts[event_id] for event_id in news})
            self._written |= {event_id: (counts[event_id], now) for event_id in news}
        if not self._written:
            connections.close_all()

    def leave(self) -> None:
        """Take back all that was written, so that readers who come back elsewhere don't count twice."""
        if self._written:
            Audience.objects.filter(process=self.process).delete()
            self._written.clear()


def use_server_loop(loop: asyncio.AbstractEventLoop) -> Counter:
    """Count the readers of the feeds on ``loop`` from now on."""
    global _counter
    _counter = Counter(loop)
    return _counter


def count(event: Event) -> int:
    """Return how many readers are connected to ``event`` now, in all processes; for views and commands."""
    counter = _counter
    if counter is None:
        return Audience.total(event)
    return counter.here().get(event.pk, 0) + Audience.total(event, without=counter.process)
