"""The check that makes every feed right whatever became of the bell: one query a second for all events."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from sqlite3 import sqlite_version, sqlite_version_info

from django.db import Error, connection, connections

from liveblog.log_throttle import LogThrottle
from liveblog.models import Event

logger = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
SILENCE = (Error, OSError)
"""What a database raises that does not answer, time-outs too; anything else is a fault of ours."""

type Revisions = dict[int, tuple[int, str]]
"""The revision and the edition of each event that was found, by primary key; (-1, "") if it is not public."""


class Ticker(threading.Thread):
    """A daemon thread with a database connection of its own, so that no stuck request delays it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watched: Callable[[], list[int]],
        checked: Callable[[float, Revisions | None], None],
    ) -> None:
        super().__init__(name="ticker", daemon=True)
        self._loop = loop
        self._watched = watched
        self._checked = checked
        self._hurry = threading.Event()
        self._stopped = threading.Event()
        self._throttle = LogThrottle()

    def hurry(self) -> None:
        """Check now, or once more if a check is under way."""
        self._hurry.set()

    def stop(self) -> None:
        """Make the check under way the last one."""
        self._stopped.set()
        self._hurry.set()

    def run(self) -> None:
        """Check until told to stop, or until the loop is closed."""
        _warn_of_old_sqlite()
        while True:
            self._hurry.wait(CHECK_SECONDS)
            self._hurry.clear()
            if self._stopped.is_set() or self._loop.is_closed():
                break
            began_at = time.monotonic()
            try:
                found: Revisions | None = self._check()
            except Exception as error:
                self._complain(error)
                connections.close_all()
                found = None
            try:
                self._loop.call_soon_threadsafe(self._checked, began_at, found)
            except RuntimeError:  # the loop was closed meanwhile
                break
        connections.close_all()

    def _complain(self, error: Exception) -> None:
        if not self._throttle.allows(type(error).__name__):
            return
        if isinstance(error, SILENCE):
            logger.warning("Checking the database failed: %s", error)
        else:
            logger.error("Checking the database failed, and not for the database’s silence.", exc_info=error)

    def _check(self) -> Revisions:
        watched = self._watched()
        if not watched:
            connections.close_all()
            return {}
        found: Revisions = dict.fromkeys(watched, (-1, ""))
        events = Event.objects.public().filter(pk__in=watched)
        for pk, revision, edition in events.values_list("pk", "revision", "edition"):
            found[pk] = (revision, edition)
        return found


def _warn_of_old_sqlite() -> None:
    if connection.vendor == "sqlite" and sqlite_version_info < (3, 51, 3):
        logger.info(
            "SQLite %s has a rare fault that can damage the database; use PostgreSQL on a night that counts.",
            sqlite_version,
        )
