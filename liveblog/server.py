"""The ASGI application of one process, and all that serves beside its requests: feeds, the bell and threads."""

import asyncio
import contextvars
import logging
import time

from django.conf import settings

from liveblog import descriptors, live, metrics, periodic
from liveblog.admission import Slots
from liveblog.bell import Bell
from liveblog.child_process import ChildProcess
from liveblog.disconnects import Application, Receive, Scope, Send
from liveblog.feed import Feeds
from liveblog.feed.audience import ReaderCounter
from liveblog.page_cache import PageCache

logger = logging.getLogger(__name__)

STOP_SECONDS = 2.0
"""How long the end of a server waits for threads that are at work."""


class Server:
    """The outermost ASGI application.

    What it owns belongs to the event loop that serves, and is made at the server's start or, where nobody
    announces that (daphne does not), at the first request. Whatever is called for a request, and in a thread of
    the server's own, finds it as ``Feeds.current``, ``Bell.current`` and ``Slots.current``.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._running: _Running | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket, or the server's own life."""
        running = self.start(asyncio.get_running_loop())
        match scope["type"]:
            case "lifespan":
                await self._live(receive, send)
            case "http" if slug := live.slug_in(scope["path"], "changes"):
                await live.changes(scope, send, slug)
            case "http" if await running.pages.answer(scope, send):
                pass
            case "websocket" if slug := live.slug_in(scope["path"], "live"):
                await live.socket(scope, receive, send, slug)
            case _:
                await self._application(scope, receive, send)

    def start(self, loop: asyncio.AbstractEventLoop) -> "_Running":
        """Serve on ``loop`` from now on, and let the caller's context know."""
        if self._running is None or self._running.loop is not loop:
            self._running = _Running(loop, self._application)
        self._running.enter()
        return self._running

    def stop(self) -> None:
        """End the threads: the server is about to leave."""
        if self._running is not None:
            running, self._running = self._running, None
            running.stop()

    async def _live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await asyncio.to_thread(self.stop)
        await send({"type": "lifespan.shutdown.complete"})


class _Running:
    """What belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, application: Application) -> None:
        self.loop = loop
        self.pages = PageCache(application)
        self._bell = Bell(loop, rung=self.pages.drop)
        self._feeds = Feeds(loop, self._bell, self.pages, sockets=_count_sockets())
        self._slots = Slots()
        self._measured: set[str] = set()
        self._jobs = contextvars.Context().run(self._start_jobs)  # nothing of the first request

    def enter(self) -> None:
        """Make this the server of the present context."""
        Bell.current.set(self._bell)
        Feeds.current.set(self._feeds)
        Slots.current.set(self._slots)

    def stop(self) -> None:
        """End the threads; what is under way may take a moment."""
        ends_at = time.monotonic() + STOP_SECONDS
        for job in self._jobs:
            job.stop()
        for job in self._jobs:
            job.join(max(0, ends_at - time.monotonic()))
        self._feeds.stop(within_seconds=max(0, ends_at - time.monotonic()))

    def _measure(self) -> None:
        """Bring what is counted now and then up to date."""
        readers = {feed.tail.slug: feed.readers for feed in self._feeds.followed()}
        for slug in self._measured - readers.keys():
            metrics.readers.labels(slug).set(0)
        for slug, number in readers.items():
            metrics.readers.labels(slug).set(number)
        self._measured |= readers.keys()
        for kind, number in self._slots.count_waiting().items():
            metrics.waiting.labels(kind).set(number)
        metrics.page_bytes.set(self.pages.bytes)
        metrics.sockets.set(len(self._feeds.readers))
        metrics.shedding.set(self._feeds.shedding)
        metrics.children.set(len(ChildProcess.living))

    def _start_jobs(self) -> tuple[periodic.Job, ...]:
        self.enter()
        jobs = periodic.make_jobs(ReaderCounter(self._feeds), self._measure, is_over=self.loop.is_closed)
        for job in jobs:
            job.start()
        return jobs


def _count_sockets() -> int:
    """Raise the limit of open files and return how many readers' sockets it leaves room for."""
    limit = descriptors.raise_limit()
    sockets = descriptors.sockets_within(limit)
    level = logging.INFO if sockets == settings.SOCKETS_PER_PROCESS else logging.WARNING
    logger.log(
        level, "Up to %d sockets in this process, which may open %d files; who comes after polls.", sockets, limit
    )
    return sockets
