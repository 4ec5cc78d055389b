"""What a process that serves does by the clock: publishes what is due, counts readers, clears away what is stale."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from liveblog import imaging
from liveblog.feed import audience
from liveblog.models import Attendance, Audience, Event, Photo, Waiting
from liveblog.models.photo import photo_folder

logger = logging.getLogger(__name__)

DUE_SECONDS = 1.0
TIDY_SECONDS = 3600.0
STALE_KEPT = timedelta(hours=1)
"""Longer than any process stands still and goes on: its rows have not counted since long."""

_QUIET_SECONDS = 60
_STOP_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0
_rounds: "Rounds | None" = None

type Work = Callable[[], list[Exception] | None]
"""It raises what ends it, and returns what has failed of it without that."""


class Round(threading.Thread):
    """One piece of work, done again and again in a daemon thread with a database connection of its own."""

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        every_seconds: float,
        is_over: Callable[[], bool],
        first_after_seconds: float = 0,
        last: Work | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._every_seconds = every_seconds
        self._wait_seconds = first_after_seconds
        self._is_over = is_over
        self._last = last
        self._stopped = threading.Event()
        self._complained_at: dict[str, float] = {}

    def stop(self) -> None:
        """Make this the last time."""
        self._stopped.set()

    def run(self) -> None:
        """Work until told to stop, or until it is over."""
        while not self._stopped.wait(self._wait_seconds) and not self._is_over():
            self._wait_seconds = self._every_seconds
            self._try(self._work)
        if self._last is not None:
            self._try(self._last)
        connections.close_all()

    def _try(self, work: Work) -> None:
        """A failure ends nothing; the next time begins with a new connection."""
        try:
            for failure in work() or ():
                self._complain(failure)
        except Exception as error:
            self._complain(error)
            connections.close_all()

    def _complain(self, error: Exception) -> None:
        """Log one line, at most once a minute for each kind of failure."""
        kind, now = type(error).__name__, time.monotonic()
        if now - self._complained_at.get(kind, float("-inf")) > _QUIET_SECONDS:
            self._complained_at[kind] = now
            logger.warning("The %s round failed: %s: %s", self.name, kind, " ".join(str(error).split()))


class Rounds:
    """The rounds of the process whose server runs on ``loop``; they end with it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        counter = audience.use_server_loop(loop)
        self._threads = (
            Round("schedule", Schedule().publish_due, every_seconds=DUE_SECONDS, is_over=loop.is_closed),
            Round(
                "audience",
                counter.write,
                every_seconds=audience.WRITE_SECONDS,
                is_over=loop.is_closed,
                last=counter.leave,
            ),
            Round(
                "tidying",
                tidy,
                every_seconds=TIDY_SECONDS,
                is_over=loop.is_closed,
                first_after_seconds=random.uniform(60, 600),  # noqa: S311  (processes start together)
            ),
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the rounds; what is under way may take a moment."""
        for thread in self._threads:
            thread.stop()
        ends_at = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0, ends_at - time.monotonic()))


def start(loop: asyncio.AbstractEventLoop) -> None:
    """Go the rounds for as long as ``loop`` serves; every request says so, which costs nothing."""
    global _rounds
    if _rounds is None or _rounds.loop is not loop:
        _rounds = Rounds(loop)


def stop() -> None:
    """Go no further rounds: the server is about to leave."""
    global _rounds
    if _rounds is not None:
        rounds, _rounds = _rounds, None
        rounds.stop()


class Schedule:
    """What is to be published later: the truth about it is in the database, here only what has failed."""

    def __init__(self) -> None:
        self._failed: dict[int, tuple[float, float]] = {}

    def publish_due(self) -> list[Exception]:
        """Publish what is due, in the order in which it was; what can't be published holds up nothing else."""
        due, now = list(Waiting.objects.due().order_by("due_at", "pk").select_related("event")), time.monotonic()
        self._failed = {row.pk: self._failed[row.pk] for row in due if row.pk in self._failed}
        failures = []
        for waiting in sorted(due, key=lambda row: row.pk in self._failed):
            again_at, pause = self._failed.get(waiting.pk, (now, DUE_SECONDS))
            if again_at > now:
                continue
            try:
                waiting.publish_if_due()
            except Exception as error:
                self._failed[waiting.pk] = (time.monotonic() + pause, min(_LONGEST_PAUSE_SECONDS, 2 * pause))
                failures.append(error)
                connections.close_all()
        return failures


def tidy() -> list[Exception]:
    """Clear away what nobody asked for and what processes that were killed have left behind."""
    before = timezone.now() - STALE_KEPT
    return _failures_of(
        [
            _erase_unused_photos,
            lambda: imaging.sweep(photo_folder()),
            lambda: Attendance.objects.filter(seen_at__lt=before).delete(),
            lambda: Audience.objects.filter(counted_at__lt=before).delete(),
            connections.close_all,  # for an hour
        ]
    )


def _erase_unused_photos() -> None:
    """Erase them under the lock of their event, where no update can take one at the same moment."""
    for event in Event.objects.filter(pk__in=Photo.objects.unused().values("event")):
        with event.change() as locked:
            locked.photos.unused().erase()


def _failures_of(works: Iterable[Callable[[], object]]) -> list[Exception]:
    failures = []
    for work in works:
        try:
            work()
        except Exception as error:
            failures.append(error)
    return failures
