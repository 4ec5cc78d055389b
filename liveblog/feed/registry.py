"""The feeds of one event loop: found by slug, loaded once, caught up one at a time, dropped when idle."""

import asyncio
import contextvars
import logging
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from itertools import batched
from typing import Any, Protocol

from django.conf import settings
from django.db import close_old_connections

from liveblog import metrics
from liveblog.bell import Bell
from liveblog.feed.tail import Reading, Tail
from liveblog.feed.ticker import SILENCE, Revisions, Ticker
from liveblog.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 0.010
"""A bell is answered this much later: the author's own answer goes out first (docs/protocol.md)."""
WAKE_TOGETHER = 50
WRITE_TOGETHER = 200
"""To write a finished frame takes a fourth of what a waiting reader takes."""
SILENT_SECONDS = 10.0
IDLE_SECONDS = 60.0
ABSENT_SECONDS = 1.0
ABSENT_KEPT = 1_000
STUCK_SECONDS = 20.0
FAULT_SECONDS = 1.0
"""A fault of ours will show again: a reading is not tried more often, and all who ask meanwhile share the answer."""
LATE_SECONDS = 0.5
"""A loop that is this late each second is overloaded: readers are asked to poll less often."""


class NotKnown(Exception):
    """What the event is now can't be told: the database does not answer, or reading the event fails."""


class Reader(Protocol):
    """An open socket, as far as the once-a-second care needs to know it."""

    sending_since: float | None
    closes_at: float

    def drop(self) -> None:
        """End it without a word; its client reads nothing."""

    def ask_to_return(self) -> None:
        """Close it; its client comes back with its cursor."""


class Follower(Protocol):
    """A reader that has all there is: it waits for nothing and is handed what comes."""

    def advance(self, tail: Tail) -> bool:
        """Send what is new in ``tail`` at once; ``False`` if that can't be done."""

    def catch_up(self) -> None:
        """Send what is new as soon as it can be sent, and follow again."""


class Watcher(Protocol):
    """What keeps something of events beside the feeds, and has to know when they change."""

    def watched(self) -> Iterable[int]:
        """Return the events, by primary key, whose revisions are to be checked; called in another thread."""

    def checked(self, began_at: float, found: Revisions) -> None:
        """Take in a check that began at ``began_at``."""

    def drop(self, event: int) -> None:
        """Forget what is kept of an event, which has changed."""


class Feed:
    """One event as this process knows it: a tail, and the readers that wait for it to grow."""

    def __init__(self, feeds: "Feeds", tail: Tail, *, right_at: float) -> None:
        self.tail = tail
        self.right_at = right_at
        self.is_gone = False
        self.sockets = 0
        self.readers = 0
        """How many of the sockets are readers': desks have some too."""
        self.silences = 0
        """How often it has fallen silent: whoever has not been told of the last time is to be told."""
        self.used_at = time.monotonic()
        self._was_silent = False
        self._feeds = feeds
        self._waiting: set[asyncio.Future[None]] = set()
        self._followers: set[Follower] = set()
        self._is_dirty = False
        self._rung_at = 0.0
        self._catching_up: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Read what is new, soon; a ring during a reading makes another one follow."""
        self._is_dirty = True
        self._rung_at = self._rung_at or time.monotonic()
        if self._catching_up is None:
            self._catching_up = self._feeds.start(self._catch_up())

    async def changed(self) -> None:
        """Wait until something may have changed; the caller looks again."""
        if self.is_gone:
            return
        woken = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            await woken
        finally:
            self._waiting.discard(woken)

    def follow(self, follower: Follower) -> None:
        """Hand a reader what comes from now on; it has all there is."""
        self._followers.add(follower)

    def leave(self, follower: Follower) -> None:
        """Hand it nothing more."""
        self._followers.discard(follower)

    @property
    def is_silent(self) -> bool:
        """Whether it is too long ago that it was known to have what the database has; no page may be called right."""
        return time.monotonic() - self.right_at > SILENT_SECONDS

    @property
    def is_idle(self) -> bool:
        """Whether nobody follows it, waits for it or has lately asked it."""
        return not self.sockets and not self._waiting and time.monotonic() - self.used_at > IDLE_SECONDS

    def notice_silence(self) -> None:
        """Have its readers told when it has fallen silent; called once a second."""
        is_silent = self.is_silent
        if is_silent and not self._was_silent:
            self.silences += 1
            self._feeds.start(self._wake())
        self._was_silent = is_silent

    async def _catch_up(self) -> None:
        try:
            while self._is_dirty and not self.is_gone:
                await asyncio.sleep(SETTLE_SECONDS)
                self._is_dirty = False
                began_at = time.monotonic()
                news = await self._feeds.read(self.tail.read)
                if news is None:
                    self.is_gone = True
                    self._feeds.forget(self)
                elif isinstance(news, Tail):
                    self.tail = news
                elif isinstance(news, Reading):
                    self.tail.take(news)
                self.right_at = began_at
                await self._hand_out()
        except NotKnown:
            pass  # the next check rings again; if it goes on, nobody is told for long that all is well
        finally:
            self._catching_up = None

    async def _hand_out(self) -> None:
        began_at = time.monotonic()
        if await self._wake() and self.readers:  # each of them has been handed what is new
            now = time.monotonic()
            metrics.fan_out.observe(now - began_at)
            if self._rung_at:
                metrics.lag.observe(now - self._rung_at)
        self._rung_at = 0.0

    async def _wake(self) -> bool:
        """Serve everyone in slices, between which an author's request gets its turn; ``False``: there is nobody."""
        followers, (waiting, self._waiting) = list(self._followers), (self._waiting, set())
        for several in batched(followers, WRITE_TOGETHER):
            for follower in several:
                if follower in self._followers and not self._advance(follower):
                    self._followers.discard(follower)
                    follower.catch_up()
            await asyncio.sleep(0)
        for some in batched(waiting, WAKE_TOGETHER):
            for woken in some:
                if not woken.done():
                    woken.set_result(None)
            await asyncio.sleep(0)
        return bool(followers or waiting)

    def _advance(self, follower: Follower) -> bool:
        try:
            return follower.advance(self.tail)
        except Exception:  # the others are not to wait for the next change
            logger.exception("A reader could not be handed what is new.")
            return False


class Feeds:
    """All feeds of one server, the check that keeps them right, and the care for their readers.

    They live on the server's event loop; other threads may call ``count_readers`` only.
    """

    current: ContextVar["Feeds | None"] = ContextVar("feeds", default=None)
    """The feeds of the server that answers the present request or runs the present thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bell: Bell, watcher: Watcher, *, sockets: int) -> None:
        """``sockets`` is how many this process can have; the setting ``SOCKETS_PER_PROCESS`` may say fewer."""
        self.process = uuid.uuid4()
        """What this server calls itself where others read of it."""
        self.readers: set[Reader] = set()
        self.shedding = 1
        self._by_slug: dict[str, Feed] = {}
        self._loading: dict[str, asyncio.Task[Feed | None]] = {}
        self._absent: dict[str, float] = {}
        self._rung_at = float("-inf")
        self._checks: list[tuple[float, asyncio.Future[Revisions]]] = []
        self._throttle = LogThrottle()
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        # Threads of their own: outside a request, database_sync_to_async has one for the whole process.
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="feed")
        self._loop = loop
        self._watcher = watcher
        self._sockets = sockets
        self._ticker = Ticker(self._loop, self._watched, self._checked)
        self._ticker.start()
        self.start(self._care())
        self.start(bell.listen(self._heard))

    @classmethod
    def here(cls) -> "Feeds":
        """Return the feeds of the server that answers the present request."""
        feeds = cls.current.get()
        if feeds is None:
            raise RuntimeError("There are feeds only where a server runs.")
        return feeds

    def stop(self, *, within_seconds: float) -> None:
        """End the threads; a reading that is stuck is left to itself after so long."""
        self._ticker.stop()
        closing = threading.Thread(target=self._threads.shutdown, daemon=True)
        closing.start()
        for thread in (self._ticker, closing):
            thread.join(within_seconds)

    async def get(self, slug: str) -> Feed | None:
        """Return the event's feed, ``None`` for an event that readers can't see; raises ``NotKnown``."""
        feed = self._by_slug.get(slug)
        if feed is None:
            if self._absent.get(slug, 0) > time.monotonic():
                return None
            if slug not in self._loading:
                self._loading[slug] = self.start(self._load(slug))
            try:
                async with asyncio.timeout(SILENT_SECONDS):
                    feed = await asyncio.shield(self._loading[slug])
            except TimeoutError:
                raise NotKnown from None
        if feed is not None:
            feed.used_at = time.monotonic()
            if feed.is_silent:
                raise NotKnown
        return feed

    async def reach(self, feed: Feed, revision: int) -> bool:
        """Wait until ``feed`` has ``revision``; ``False`` if the database itself is behind it.

        A check of the database decides; raises ``NotKnown`` when it fails.
        """
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                found = (await self.check()).get(feed.tail.event_id)
                if found is None or found[0] < revision or found[1] != feed.tail.edition:
                    return False
                while feed.tail.revision < revision and not feed.is_gone:
                    feed.ring()
                    await feed.changed()
        except TimeoutError:
            raise NotKnown from None
        return not feed.is_gone

    async def check(self) -> Revisions:
        """Return what a check of the database finds that begins after the call, shared by all who wait for one.

        Raises ``NotKnown`` when it fails.
        """
        asked: asyncio.Future[Revisions] = self._loop.create_future()
        self._checks.append((time.monotonic(), asked))
        self._ticker.hurry()
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                return await asked
        except TimeoutError:
            raise NotKnown from None

    def find(self, slug: str) -> Feed | None:
        """Return the event's feed if there is one already, be it right or not."""
        return self._by_slug.get(slug)

    async def read[T](self, work: Callable[[], T]) -> T:
        """Run ``work``, which queries, in a thread; raises ``NotKnown`` when it fails."""

        def careful() -> T:
            close_old_connections()
            try:
                return work()
            finally:
                close_old_connections()

        try:
            return await self._loop.run_in_executor(self._threads, careful)
        except SILENCE as error:
            logger.warning("Reading the database failed: %s", error)
            raise NotKnown from error
        except Exception as error:
            if self._throttle.allows(type(error).__name__):
                logger.error("Reading an event failed, and not for the database’s silence.", exc_info=error)
            await asyncio.sleep(FAULT_SECONDS)
            raise NotKnown from error

    def forget(self, feed: Feed) -> None:
        """Stop keeping ``feed``."""
        if self._by_slug.get(feed.tail.slug) is feed:
            del self._by_slug[feed.tail.slug]

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run ``work`` as a task that inherits nothing from the request that happens to start it."""
        task = self._loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tell_once(self, line: str) -> None:
        """Log a line that is as true for each socket as for the first."""
        if line not in self._told:
            self._told.add(line)
            logger.info(line)

    def followed(self) -> list[Feed]:
        """Return the feeds that have readers' sockets; any thread may ask."""
        return [feed for feed in list(self._by_slug.values()) if feed.readers]

    def count_readers(self) -> dict[int, int]:
        """Return how many readers' sockets there are, by event, where there are any; any thread may ask."""
        return {feed.tail.event_id: feed.readers for feed in self.followed()}

    @property
    def is_full(self) -> bool:
        """Whether no further socket is taken."""
        return len(self.readers) >= min(self._sockets, settings.SOCKETS_PER_PROCESS)

    async def _load(self, slug: str) -> Feed | None:
        began_at = time.monotonic()
        try:
            tail = await self.read(lambda: Tail.load(slug))
            if tail is None:
                if len(self._absent) >= ABSENT_KEPT:
                    self._absent.clear()
                if began_at > self._rung_at:
                    self._absent[slug] = time.monotonic() + ABSENT_SECONDS
                return None
            feed = self._by_slug[slug] = Feed(self, tail, right_at=began_at)
            return feed
        finally:
            del self._loading[slug]

    def _watched(self) -> list[int]:
        return list({feed.tail.event_id for feed in list(self._by_slug.values())}.union(self._watcher.watched()))

    def _checked(self, began_at: float, found: Revisions | None) -> None:
        """Take in a check that began at ``began_at``; ``None`` says that it failed."""
        if found is not None:
            self._watcher.checked(began_at, found)
            for feed in list(self._by_slug.values()):
                there = found.get(feed.tail.event_id)
                if there == (feed.tail.revision, feed.tail.edition):
                    feed.right_at = max(feed.right_at, began_at)
                elif there is not None:
                    feed.ring()
        waiting, self._checks = self._checks, []
        for asked_at, asked in waiting:
            if asked_at > began_at:
                self._checks.append((asked_at, asked))
            elif not asked.done():
                if found is None:
                    asked.set_exception(NotKnown())
                else:
                    asked.set_result(found)
        if self._checks:
            self._ticker.hurry()

    def _heard(self, event_id: int, is_own: bool) -> None:
        """Have the event's feed read what is new; it may also have become public just now, and be asked for at once."""
        self._rung_at = time.monotonic()
        self._absent.clear()
        if not is_own:  # else it was dropped when it was rung
            self._watcher.drop(event_id)
        for feed in list(self._by_slug.values()):
            if feed.tail.event_id == event_id:
                feed.ring()

    async def _care(self) -> None:
        """Once a second: measure the load, leave idle feeds, notice silent ones, end stuck and old sockets."""
        while True:
            slept_at = time.monotonic()
            await asyncio.sleep(1)
            now = time.monotonic()
            is_late = now - slept_at - 1 > LATE_SECONDS
            self.shedding = min(12, self.shedding * 2) if is_late else max(1, self.shedding // 2)
            for feed in list(self._by_slug.values()):
                if feed.is_idle:
                    self.forget(feed)
                feed.notice_silence()
            for reader in list(self.readers):
                try:
                    if reader.sending_since is not None and now - reader.sending_since > STUCK_SECONDS:
                        reader.drop()
                    elif now > reader.closes_at:
                        reader.ask_to_return()
                except Exception:  # the care for all others goes on
                    logger.exception("A reader could not be let go.")
