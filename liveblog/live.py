"""The two plain ASGI functions, socket and changes: they hand out what the feed has, and render nothing."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.conf import settings
from django.utils import timezone

from liveblog import metrics, release
from liveblog.caching import cacheable
from liveblog.codings import choose_coding
from liveblog.feed import Feed, Feeds, Fragment, NotKnown, Tail, Verdict
from liveblog.sockets.frames import OFFER, FrameWriter

logger = logging.getLogger(__name__)

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

GREATEST_REVISION = 2**53 - 1  # what JavaScript can count to
CHANGES_SECONDS = 1
"""How long shared caches keep what a poll gets: behind one, nobody waits longer for what has come meanwhile."""
RELOAD = "<section data-reload></section>\n"
UNSURE = "<section data-unsure></section>\n"
"""Tells an open socket that nobody knows whether its page is right; the poll's answers say so from then on."""

ENDED = 1000
COME_BACK = 4000
MALFORMED = 4400
GONE = 4404
POLL_INSTEAD = 4503

_WITH_FRAMES = "Sockets get finished frames."
_WITHOUT_FRAMES = "Sockets get messages, each written anew by this server: with manage.py serve a reader costs a third."
_COUNTS = {
    status: metrics.polls.labels(outcome)
    for status, outcome in {200: "news", 204: "nothing", 400: "malformed", 404: "missing", 503: "silent"}.items()
}
_REVISION = re.compile(r"(0|[1-9][0-9]{0,15})", re.ASCII)
BEHIND_SECONDS = 0.1
_ADDRESS = re.compile(r"/events/([-a-zA-Z0-9_]+)/(changes|live)/", re.ASCII)
_METHODS = "GET, HEAD, OPTIONS"
_EDITION = re.compile(r"[0-9a-f]{8}", re.ASCII)


class Answer(NamedTuple):
    """What a poll gets, by any server."""

    status: int
    body: bytes
    headers: dict[str, str]


class Question(NamedTuple):
    """What a page asks: all after this revision of this edition, if it knows one."""

    after: int
    edition: str | None

    @classmethod
    def parse(cls, query: str) -> "Question":
        """Return the question in a query string; raises ``ValueError``."""
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=20)
        (after,) = fields.get("after", [""])
        (edition,) = fields.get("edition", [""])
        if not _REVISION.fullmatch(after) or int(after) > GREATEST_REVISION:
            raise ValueError("after must be a revision")
        if edition and not _EDITION.fullmatch(edition):
            raise ValueError("edition must be eight hexadecimal characters")
        return cls(int(after), edition or None)


def slug_in(path: str, last: str) -> str:
    """Return which event a path names whose ``last`` part is ``changes`` or ``live``; an empty text: none."""
    match = _ADDRESS.fullmatch(path)
    return match[1] if match and match[2] == last else ""


async def changes(scope: Scope, send: Send, slug: str) -> None:
    """Answer a poll: ``GET /events/<slug>/changes/?after=<revision>&edition=<edition>``.

    By far the most polls ask from the very revision that the feed has; they are answered without being taken apart.
    """
    method = scope["method"]
    feeds = Feeds.here()
    feed = feeds.find(slug)
    if feed is not None and scope["query_string"] == feed.tail.cursor and method == "GET" and not feed.is_silent:
        feed.used_at = time.monotonic()
        _COUNTS[204].inc()
        await send(_nothing_new(_pace(feed.tail.status == "ended", feeds.shedding)))
        await send({"type": "http.response.body"})
        return
    if method == "OPTIONS":
        answer = options()
    elif method not in {"GET", "HEAD"}:
        answer = not_allowed()
    else:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        answer = await _poll(slug, scope["query_string"].decode("latin-1"), choose_coding(accepted))
        _COUNTS[answer.status].inc()
    await send(_start_of(answer))
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def _start_of(answer: Answer) -> dict[str, Any]:
    headers = answer.headers | ({"Content-Length": str(len(answer.body))} if answer.status != 204 else {})
    return {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }


@cache
def _nothing_new(seconds: int) -> dict[str, Any]:
    return _start_of(_nothing(seconds))


async def _poll(slug: str, query: str, coding: str) -> Answer:
    try:
        question = Question.parse(query)
    except ValueError:
        return malformed()
    feeds = Feeds.here()
    try:
        feed = await feeds.get(slug)
        if feed is None:
            return missing()
        found = feed.tail.since(*question)
        if found is Verdict.AHEAD:
            await feeds.reach(feed, question.after)
            found = feed.tail.since(*question)
    except NotKnown:
        return silent()
    return missing() if feed.is_gone else answer_with(feed.tail, found, shedding=feeds.shedding, coding=coding)


def answer_with(tail: Tail, found: Fragment | Verdict, *, shedding: int = 1, coding: str = "") -> Answer:
    """Return the answer to a poll for which ``tail`` found this."""
    seconds = _pace(tail.status == "ended", shedding)
    if found is Verdict.NOTHING:
        return _nothing(seconds)
    pace = {"Poll-Seconds": str(seconds)}
    if isinstance(found, Fragment):
        headers = {"Cache-Control": cacheable(CHANGES_SECONDS), "Vary": "Accept-Encoding", **pace}
        if coding:
            return respond(200, found.br if coding == "br" else found.gzip, headers | {"Content-Encoding": coding})
        return respond(200, found.body, headers)
    return respond(200, RELOAD, pace)


def _nothing(seconds: int) -> Answer:
    headers = {"Cache-Control": cacheable(CHANGES_SECONDS), "Poll-Seconds": str(seconds)}
    return respond(204, headers=headers)


def _pace(is_ended: bool, shedding: int) -> int:
    often: int = settings.ENDED_POLL_SECONDS if is_ended else settings.LIVE_POLL_SECONDS
    return min(60, often * shedding) if often < 60 else often


def options() -> Answer:
    """Return the answer to a browser that asks what it may do here."""
    return respond(204, headers={"Allow": _METHODS, "Access-Control-Allow-Methods": _METHODS})


def not_allowed() -> Answer:
    """Return the answer to any method that would change something."""
    return respond(405, "Only GET is answered here.\n", {"Allow": _METHODS})


def malformed() -> Answer:
    """Return the answer to a cursor or an edition that no page of ours has."""
    return respond(400, "after must be a revision, edition (if given) eight hexadecimal characters.\n")


def missing() -> Answer:
    """Return the one answer for unknown events, deleted events and drafts."""
    return respond(404, "There is no such live blog.\n")


def silent() -> Answer:
    """Return the answer while nobody knows whether a page is right."""
    return respond(503, "Nobody can tell now what is new. Ask again.\n", {"Retry-After": "5"})


def respond(status: int, body: str | bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    """Return an answer with the headers that all of ours carry."""
    kind = "text/html" if status == 200 else "text/plain"
    return Answer(
        status,
        body.encode() if isinstance(body, str) else body,
        {
            "Content-Type": f"{kind}; charset=utf-8",
            "Cache-Control": "no-store",
            "Poll-Seconds": str(settings.LIVE_POLL_SECONDS),
            "Release": release.digest(),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Poll-Seconds, Release, Retry-After",
        }
        | (headers or {}),
    )


def socket_seconds(ended_at: datetime | None) -> float:
    """Return how long sockets of an event that ended at ``ended_at`` still stay for corrections; below 0: no longer."""
    if ended_at is None:
        return float("-inf")
    return settings.ENDED_SOCKET_SECONDS - (timezone.now() - ended_at).total_seconds()


async def socket(scope: Scope, receive: Receive, send: Send, slug: str) -> None:
    """Serve a reader's socket: the same fragments as they come, and nothing it says is listened to.

    An open desk has one too, with ``desk=1``, and is not counted among the readers.
    """
    frames = (scope.get("extensions") or {}).get(OFFER)
    query = scope["query_string"].decode("latin-1")
    del scope  # it stays for as long as the socket: 4 kB
    if (await receive())["type"] != "websocket.connect":
        return None
    await send({"type": "websocket.accept"})
    feeds = Feeds.here()
    try:
        question = Question.parse(query)
        feed = await feeds.get(slug)
    except ValueError:
        return await _close(send, MALFORMED)
    except NotKnown:
        return await _close(send, POLL_INSTEAD)
    if feed is None:
        return await _close(send, GONE)
    if feeds.is_full:
        return await _close(send, POLL_INSTEAD)
    feeds.tell_once(_WITH_FRAMES if frames else _WITHOUT_FRAMES)
    reader = _Reader(feeds, feed, question, send, frames)
    is_reader = parse_qs(query).get("desk") != ["1"]
    feeds.readers.add(reader)
    feed.sockets += 1
    feed.readers += is_reader
    try:
        async with reader.patience:
            while (await receive())["type"] != "websocket.disconnect":
                pass
    except TimeoutError:
        pass  # it was dropped
    finally:
        feed.sockets -= 1
        feed.readers -= is_reader
        feeds.readers.discard(reader)
        reader.stop()


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a socket at an address where there is none."""
    await receive()
    await _close(send, GONE)


async def retire(scope: Scope, receive: Receive, send: Send) -> None:
    """Close a socket that only pages of a former release still ask for, so that they do not ask again."""
    await receive()
    await send({"type": "websocket.accept"})  # a handshake that is refused shows pages no code
    await _close(send, GONE)


async def _close(send: Send, code: int) -> None:
    if code in {MALFORMED, GONE, POLL_INSTEAD}:
        metrics.refused_sockets.labels(str(code)).inc()
    await send({"type": "websocket.close", "code": code})


class _Reader:
    """One open socket: a cursor, and a task that sends what comes after it.

    Where the server writes finished frames, a reader that has all there is follows the feed without a task.
    """

    def __init__(self, feeds: Feeds, feed: Feed, question: Question, send: Send, frames: FrameWriter | None) -> None:
        self.sending_since: float | None = None
        self.patience = asyncio.timeout(None)
        # Spread, so that readers who came together do not all return together, nor all begin to poll together.
        self.closes_at = time.monotonic() + settings.SOCKET_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311
        self._closing_seconds = random.uniform(0, settings.ENDED_CLOSING_SECONDS)  # noqa: S311
        self._feeds = feeds
        self._feed = feed
        self._silences = feed.silences
        self._after, self._edition = question
        self._send = send
        self._frames = frames
        self._task: asyncio.Task[None] | None = None
        self.catch_up()

    def stop(self) -> None:
        """Send nothing more."""
        self._feed.leave(self)
        if self._task is not None:
            self._task.cancel()

    def drop(self) -> None:
        if self._frames is not None:
            self._frames.abort()  # else what it does not take would be kept for it
        self.patience.reschedule(0)

    def ask_to_return(self) -> None:
        self.closes_at = float("inf")
        self.stop()
        self._task = self._feeds.start(self._say_goodbye(COME_BACK))

    def advance(self, tail: Tail) -> bool:
        """Write what is new as a finished frame; ``False``: what there is must be sent, or said, another way."""
        found = tail.since(self._after, self._edition)
        if self._frames is None or self._feed.is_gone or tail.status == "ended" or not isinstance(found, Fragment):
            return False
        if not self._frames.write(found.compressed_frame if self._frames.is_compressed else found.frame):
            return False
        self._after = found.revision
        return True

    def catch_up(self) -> None:
        """Send what comes after the cursor, then follow."""
        self._task = self._feeds.start(self._follow())

    async def _follow(self) -> None:
        try:
            code = await self._send_changes()
        except Exception:
            # Most often its client has just left. If not, it must not hang there as if it were live.
            logger.debug("A socket failed", exc_info=True)
            await self._say_goodbye(POLL_INSTEAD)
            self.drop()
            return
        if code is None:
            self._task = None
        else:
            await self._say_goodbye(code)

    async def _say_goodbye(self, code: int) -> None:
        with suppress(Exception):
            await _close(self._send, code)

    async def _send_changes(self) -> int | None:
        """Send every change until there is a reason to close, and return its code; ``None``: it follows the feed."""
        while not self._feed.is_gone:
            if self._silences != self._feed.silences:
                self._silences = self._feed.silences
                await self._say(UNSURE)
            found = self._feed.tail.since(self._after, self._edition)
            if isinstance(found, Fragment):
                await self._say(found.text)
                self._after = found.revision
            elif found is Verdict.RELOAD or (found is Verdict.AHEAD and not await self._reach()):
                await self._say(RELOAD)
                return COME_BACK
            elif found is Verdict.NOTHING and self._frames is not None and self._feed.tail.status != "ended":
                self._feed.follow(self)
                return None
            elif found is Verdict.NOTHING and not await self._changed():
                return ENDED
        return GONE

    async def _changed(self) -> bool:
        """Wait until something may have changed; ``False``: the event ended so long ago that readers poll."""
        tail = self._feed.tail
        if tail.status != "ended":
            await self._feed.changed()
            return True
        left = socket_seconds(tail.ended_at) + self._closing_seconds
        if left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._feed.changed()
        return left > 0

    async def _reach(self) -> bool:
        """Wait for the feed to reach a page that was read before the bell had worked."""
        while True:
            try:
                return await self._feeds.reach(self._feed, self._after) or self._feed.is_gone
            except NotKnown:
                await asyncio.sleep(1)

    async def _say(self, text: str) -> None:
        self.sending_since = time.monotonic()
        await self._send({"type": "websocket.send", "text": text})
        # daphne's send does not wait for its client, and neither server tells when it has taken all.
        while self._frames is not None and self._frames.is_behind():  # noqa: ASYNC110
            await asyncio.sleep(BEHIND_SECONDS)
        self.sending_since = None
