"""What a server does by the clock: publishes what is due, counts readers, clears away what is stale."""

import contextvars
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.db import connections
from django.utils import timezone

from liveblog import imaging, metrics
from liveblog.feed import audience
from liveblog.log_throttle import LogThrottle
from liveblog.models import Attempt, Attendance, Audience, Event, Photo, Waiting
from liveblog.models.photo import Removal, working_folder

logger = logging.getLogger(__name__)

DUE_SECONDS = 1.0
METRICS_SECONDS = 5.0
REMOVAL_SECONDS = 10.0
TIDY_SECONDS = 3600.0
STALE_KEPT = timedelta(hours=1)
"""Longer than any process stands still and goes on: its rows have not counted since long."""

_LONGEST_PAUSE_SECONDS = 60.0

type Work = Callable[[], list[Exception] | None]
"""It raises what ends it, and returns what has failed of it without that."""


class Job(threading.Thread):
    """One piece of work, done again and again in a daemon thread with a database connection of its own."""

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        every_seconds: float,
        is_over: Callable[[], bool],
        last: Work | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._every_seconds = every_seconds
        self._wait_seconds = 0.0
        self._is_over = is_over
        self._last = last
        self._stopped = threading.Event()
        self._throttle = LogThrottle()
        self._context = contextvars.copy_context()  # of the server that starts it

    def stop(self) -> None:
        """Make this the last time."""
        self._stopped.set()

    def run(self) -> None:
        """Work until told to stop, or until it is over."""
        self._context.run(self._repeat)

    def _repeat(self) -> None:
        while not self._stopped.wait(self._wait_seconds) and not self._is_over():
            self._wait_seconds = self._every_seconds
            self._try(self._work)
        if self._last is not None:
            self._try(self._last)
        connections.close_all()

    def _try(self, work: Work) -> None:
        """Do it once; a failure ends nothing, and the next time begins with a new connection."""
        try:
            for failure in work() or ():
                self._complain(failure)
        except Exception as error:
            self._complain(error)
            connections.close_all()

    def _complain(self, error: Exception) -> None:
        kind = type(error).__name__
        if self._throttle.allows(kind):
            logger.warning("The periodic job %r failed: %s: %s", self.name, kind, " ".join(str(error).split()))


def make_jobs(
    counter: audience.ReaderCounter, measure: Callable[[], None], *, is_over: Callable[[], bool]
) -> tuple[Job, ...]:
    """Return the jobs of one server, which end when ``is_over`` says so; the caller starts them."""
    return (
        Job("schedule", Schedule().work, every_seconds=DUE_SECONDS, is_over=is_over),
        Job("audience", counter.write, every_seconds=audience.WRITE_SECONDS, is_over=is_over, last=counter.withdraw),
        Job("metrics", measure, every_seconds=METRICS_SECONDS, is_over=is_over),
        Job("tidying", Tidying().work, every_seconds=REMOVAL_SECONDS, is_over=is_over),
    )


class Schedule:
    """What is to be published later: the truth about it is in the database, here only what has failed."""

    def __init__(self) -> None:
        self._failed: dict[int, tuple[float, float]] = {}
        self._counts_at = 0.0

    def work(self) -> list[Exception]:
        """Publish what is due, and now and then count what waits for a decision: it is one connection for both."""
        failures = self.publish_due()
        if time.monotonic() >= self._counts_at:
            metrics.approvals.set(Waiting.objects.for_approval().count())
            self._counts_at = time.monotonic() + METRICS_SECONDS
        return failures

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


class Tidying:
    """What nobody waits for: the files of erased photos within seconds, all else once an hour."""

    def __init__(self) -> None:
        self._tidies_at = time.monotonic() + random.uniform(60, 600)  # noqa: S311  (processes start together)

    def work(self) -> list[Exception]:
        """Do what is to be done now; no connection is held until the next time."""
        failures = _failures_of([Removal.objects.carry_out])
        if time.monotonic() >= self._tidies_at:
            failures += tidy()
            self._tidies_at = time.monotonic() + TIDY_SECONDS
        connections.close_all()
        return failures


def tidy() -> list[Exception]:
    """Clear away what has expired, what nobody asked for, and what processes that were killed have left behind."""
    before = timezone.now() - STALE_KEPT
    return _failures_of(
        [
            _erase_unused_photos,
            lambda: imaging.sweep(working_folder()),
            lambda: Attendance.objects.filter(seen_at__lt=before).delete(),
            lambda: Attempt.objects.stale().delete(),
            lambda: Audience.objects.filter(counted_at__lt=before).delete(),
            import_module(settings.SESSION_ENGINE).SessionStore.clear_expired,  # as the command clearsessions does
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
