"""Whether this process serves, and whether it can: asked by load balancers, before any check of the host's name."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from liveblog import photo_files
from liveblog.answers import send_answer
from liveblog.disconnects import Receive, Scope, Send

CHECK_SECONDS = 5.0
"""A part that has not answered by then is silent."""
KEPT_SECONDS = 1.0
"""However many ask, the parts are looked at once a second."""


class Finding(NamedTuple):
    """What was found of one part of the service."""

    part: str
    state: str
    is_needed: bool = True


async def healthz(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200: this process serves. Nothing is asked of anybody."""
    await _answer(scope, send, 200, "ok\n")


class Readiness:
    """Answers 200 while this process can serve pages, else 503; each part in a line, and nothing of where it is."""

    def __init__(self) -> None:
        self._check: asyncio.Task[tuple[Finding, ...]] | None = None
        self._ends_at = 0.0
        # One for each part: no other waits for one that hangs.
        self._threads = {part: ThreadPoolExecutor(1, thread_name_prefix=part) for part in ("database", "media")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        findings = await asyncio.shield(self._current_check())
        is_ready = all(found.state == "ok" for found in findings if found.is_needed)
        lines = "".join(f"{found.part}: {found.state}\n" for found in findings)
        await _answer(scope, send, 200 if is_ready else 503, lines)

    def _current_check(self) -> "asyncio.Task[tuple[Finding, ...]]":
        loop = asyncio.get_running_loop()
        check = self._check
        if check is None or check.get_loop() is not loop or (check.done() and time.monotonic() > self._ends_at):
            self._check = check = loop.create_task(self._look())
        return check

    async def _look(self) -> tuple[Finding, ...]:
        try:
            return await asyncio.gather(
                self._within_time("database", _look_at_database),
                # Without the bucket that all machines share, each of them serves everything but photos.
                self._within_time("media", _look_at_media, is_needed=photo_files.is_local()),
                _look_at_redis(),
            )
        finally:
            self._ends_at = time.monotonic() + KEPT_SECONDS

    async def _within_time(self, part: str, look: Callable[[], str], *, is_needed: bool = True) -> Finding:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                state = await asyncio.get_running_loop().run_in_executor(self._threads[part], look)
        except TimeoutError:
            state = "silent"
        return Finding(part, state, is_needed)


def _look_at_database() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return "silent"
    finally:
        connection.close()
    return f"{len(waiting)} migrations to apply" if waiting else "ok"


def _look_at_media() -> str:
    try:
        photo_files.check()
    except OSError:
        return "can’t be written to"
    return "ok"


async def _look_at_redis() -> Finding:
    """Without Redis readers have everything a second later."""
    if not settings.REDIS_URL:
        return Finding("redis", "not used", is_needed=False)
    import redis.asyncio

    try:
        async with asyncio.timeout(CHECK_SECONDS), redis.asyncio.from_url(settings.REDIS_URL) as client:
            await client.ping()
    except (redis.RedisError, OSError, TimeoutError):
        return Finding("redis", "degraded", is_needed=False)
    return Finding("redis", "ok", is_needed=False)


async def _answer(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["method"] not in {"GET", "HEAD"}:
        return await send_answer(scope, send, 405, {"Allow": "GET, HEAD"}, b"")
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return await send_answer(scope, send, status, headers, text.encode())
