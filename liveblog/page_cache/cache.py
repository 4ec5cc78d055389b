"""The kept answers of one server: found, rendered once for all who wait, dropped at the first word of a change."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial, reduce
from io import BytesIO
from typing import Any, NamedTuple

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest

from liveblog import metrics
from liveblog.codings import choose_coding
from liveblog.dependencies import EVERY_EVENT, NOTED, Dependency
from liveblog.disconnects import Application, Message, Scope, Send
from liveblog.errors import RESTING, busy
from liveblog.feed import Feeds, NotKnown
from liveblog.feed.registry import SILENT_SECONDS
from liveblog.feed.ticker import Revisions
from liveblog.page_cache.addresses import Address, is_host_allowed, read_address
from liveblog.page_cache.answers import NO_BODY, Headers, KeptAnswer

MOST_BYTES = 64 * 2**20
MOST_EVENTS = 1_000
"""Of how many events answers are kept: the database is asked for the revisions of all of them once a second."""
MOST_DROPS = 10_000
IDLE_SECONDS = 60.0
BRIEF_SECONDS = 1.0
"""How long a refusal is kept, and what shows every event: nobody tells this process of all their changes."""

_FROM_MEMORY = metrics.pages.labels("memory")
_RENDERED = metrics.pages.labels("rendered")
_KEPT_TILL_CHANGE = {200, 204, 410}
_KEPT_BRIEFLY = {400, 404, 503}


class Request(NamedTuple):
    """What of a request's headers matters for an answer that may be kept."""

    forwarded: Headers
    """Those by which Django tells whether it takes the request, and its name in the logs."""
    coding: str
    is_secure: bool
    has_session: bool
    if_none_match: bytes
    if_modified_since: bytes


class Rendering(NamedTuple):
    """An answer that was just made: one that may be kept, or what Django sent."""

    answer: KeptAnswer | None
    messages: list[Message]


type Work = Callable[[], Coroutine[Any, Any, Rendering]]


class PageCache:
    """Answers by address, in the order of their use; each goes at the first word that what it shows has changed.

    ``drop()`` may be called in any thread: it is, in the one that has just committed, before its author hears that
    the change is made. Whoever asks after that gets a rendering that has begun after that.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, KeptAnswer] = OrderedDict()
        self._keys: dict[int | None, set[str]] = {}
        self._renderings: dict[str, asyncio.Task[Rendering]] = {}
        self._bytes = 0
        # Drops are counted: what has begun to be rendered before the latest of its event is not kept.
        self._drops = 0
        self._dropped: dict[int | None, int] = {}
        self._dropped_before = 0
        self._checked_at = time.monotonic()
        self._session = f"{settings.SESSION_COOKIE_NAME}=".encode()
        name, self._secure = settings.SECURE_PROXY_SSL_HEADER or ("", "")
        self._scheme_header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()

    @property
    def bytes(self) -> int:
        """How much memory the answers take, or nearly."""
        return self._bytes

    # What the feeds tell it (liveblog/feed/registry.py).

    def watched(self) -> list[int]:
        """Return the events whose revisions are to be compared; any thread may ask."""
        with self._lock:
            return [event for event in self._keys if event is not None]

    def drop(self, event: int) -> None:
        """Forget what shows an event, which has changed; any thread may say so."""
        with self._lock:
            if len(self._dropped) > MOST_DROPS:
                self._dropped, self._dropped_before = {}, self._drops
            self._drops += 1
            self._dropped[event] = self._dropped[None] = self._drops
            self._renderings = {}  # who has waited for one gets it, who comes now does not
            for key in [*self._keys.get(event, ()), *self._keys.get(None, ())]:
                self._forget(key)

    def checked(self, began_at: float, found: Revisions) -> None:
        """Take in what the database had in a check that began at ``began_at``."""
        self._checked_at = began_at
        for event, state in found.items():
            with self._lock:
                kept = [self._answers[key].dependency for key in self._keys.get(event, ())]
            if any((one.revision, one.edition) != state for one in kept):
                self.drop(event)
        self._forget_idle()

    # What readers ask it.

    async def answer(self, scope: Scope, send: Send) -> bool:
        """Answer what may be kept, from memory or rendered once for all who ask meanwhile; ``False``: not ours."""
        is_head = scope["method"] == "HEAD"
        if settings.DEBUG or scope.get("root_path") or not (is_head or scope["method"] == "GET"):
            return False
        address = read_address(scope["path"], scope["query_string"])
        request = self._read_headers(scope) if address else None
        if address is None or request is None:
            return False
        try:
            answer, messages = await self._find(address, request, scope)
        except NotKnown:
            plain = {**scope, "headers": request.forwarded}  # all who ask get the same
            answer, messages = await self._render_once("silent", partial(self._render_silence, plain))
        if answer is not None:
            messages = await self._messages(answer, request)
        for message in messages:
            await send(NO_BODY if is_head and message["type"] == "http.response.body" else message)
        return True

    def _read_headers(self, scope: Scope) -> Request | None:
        """Return what matters; ``None`` if Django refuses the request or sends it elsewhere."""
        forwarded: Headers = []
        hosts = 0
        accepted = if_none_match = if_modified_since = b""
        is_secure, has_session = scope.get("scheme") == "https", False
        for header in scope["headers"]:
            name, value = header
            if name == b"host":
                hosts += 1
                forwarded.append(header)
                if hosts > 1 or not is_host_allowed(value):
                    return None
            elif name == b"x-request-id":
                forwarded.append(header)
            elif name == b"accept-encoding":
                accepted = accepted + b"," + value if accepted else value
            elif name == b"if-none-match":
                if_none_match = if_none_match + b"," + value if if_none_match else value
            elif name == b"if-modified-since":
                if_modified_since = value
            elif name == b"cookie":
                has_session = has_session or self._session in value
            elif name == self._scheme_header:
                forwarded.append(header)
                is_secure = value.partition(b",")[0].strip() == self._secure.encode()
        if not hosts or (settings.SECURE_SSL_REDIRECT and not is_secure):
            return None
        coding = choose_coding(accepted) if accepted else ""
        return Request(forwarded, coding, is_secure, has_session, if_none_match, if_modified_since)

    async def _find(self, address: Address, request: Request, scope: Scope) -> Rendering:
        """Return the answer; raises ``NotKnown`` while nobody can tell whether what is kept is right."""
        key = f"{request.is_secure:d}{address.path}?{address.query}"
        if time.monotonic() - self._checked_at > SILENT_SECONDS:
            raise NotKnown  # the check goes on once a second, however many ask
        work = partial(self._render, key, address, request, scope)
        if request.has_session:  # who has one may have changed the page, in another process
            found = await Feeds.here().check()
            kept = self._get(key)
            if kept is None or not kept.dependency.is_in(found):
                return await self._render_anew(key, work)
        kept = self._get(key)
        if kept is not None and address.at > kept.dependency.revision:
            await Feeds.here().check()
            kept = self._get(key)
        if kept is not None:
            _FROM_MEMORY.inc()
            return Rendering(kept, [])
        rendering = await self._render_once(key, work)
        answer = rendering.answer
        if answer is not None and answer.dependency.event is not None and address.at > answer.dependency.revision:
            # It may have begun before that revision came.
            return await self._render_anew(key, work)
        return rendering

    async def _messages(self, answer: KeptAnswer, request: Request) -> list[Message]:
        """Return what is sent of a kept answer to who has asked for it."""
        coded, grown = await answer.coded(request.coding)
        if grown:
            with self._lock:
                answer.size += grown
                self._bytes += grown if answer.is_kept else 0
                self._make_room()
        if (request.if_none_match or request.if_modified_since) and answer.is_known(
            request.if_none_match, request.if_modified_since
        ):
            return [coded.not_modified, NO_BODY]
        return [coded.start, coded.body]

    async def _render_once(self, key: str, work: Work) -> Rendering:
        """Do ``work``, or wait for who does the same already."""
        with self._lock:
            task = self._renderings.get(key)
            if task is None:
                task = self._renderings[key] = asyncio.get_running_loop().create_task(work())
                task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    async def _render_anew(self, key: str, work: Work) -> Rendering:
        """Do ``work``, or wait for a rendering that has begun after the call: all who wait for one share the next."""
        if task := self._renderings.get(key):
            await asyncio.wait([task])
        return await self._render_once(key, work)

    def _finish(self, key: str, task: "asyncio.Task[Rendering]") -> None:
        with self._lock:
            if self._renderings.get(key) is task:
                del self._renderings[key]

    async def _render(self, key: str, address: Address, request: Request, scope: Scope) -> Rendering:
        """Let Django answer nobody in particular, and keep that if it may be kept."""
        _RENDERED.inc()
        began_at, drops = time.monotonic(), self._drops  # the database is read later
        noted: list[Dependency] = []
        inner = {
            **scope,
            "method": "GET",
            "path": address.path,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "headers": request.forwarded,
            "client": None,
            NOTED: noted,
        }
        start, *parts = messages = await _collect(self._application, inner)
        headers = [(name.lower(), value) for name, value in start["headers"]]
        dependency = _what_it_shows(start["status"], noted)
        if dependency is None or b"set-cookie" in dict(headers):
            return Rendering(None, messages)
        body = b"".join(part.get("body", b"") for part in parts)
        answer = KeptAnswer(start["status"], headers, body, dependency)
        self._keep(key, answer, began_at, drops)
        return Rendering(answer, [])

    async def _render_silence(self, scope: Scope) -> Rendering:
        """Say that the database does not answer; all who ask within a second share it."""
        if kept := self._get("silent"):
            return Rendering(kept, [])
        drops, now = self._drops, time.monotonic()
        response = await asyncio.to_thread(busy, ASGIRequest(scope, BytesIO()), 503, RESTING)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
        answer = KeptAnswer(503, headers, response.content, EVERY_EVENT)
        self._keep("silent", answer, now, drops)
        return Rendering(answer, [])

    # What it keeps.

    def _get(self, key: str) -> KeptAnswer | None:
        with self._lock:
            kept = self._answers.get(key)
            if kept is None:
                return None
            now = time.monotonic()
            if now > kept.expires_at or time.time() >= kept.dependency.turns_at:
                self._forget(key)
                return None
            kept.used_at = now
            self._answers.move_to_end(key)
            return kept

    def _keep(self, key: str, answer: KeptAnswer, began_at: float, drops: int) -> None:
        """Keep an answer unless what it shows has changed since there were so many ``drops``."""
        event = answer.dependency.event
        answer.used_at = began_at
        if event is None:
            answer.expires_at = began_at + BRIEF_SECONDS
        with self._lock:
            if max(self._dropped_before, self._dropped.get(event, 0)) > drops or answer.size > MOST_BYTES // 4:
                return
            self._forget(key)
            self._answers[key] = answer
            self._keys.setdefault(event, set()).add(key)
            self._bytes += answer.size
            answer.is_kept = True
            self._make_room()

    def _make_room(self) -> None:
        while self._bytes > MOST_BYTES or len(self._keys) > MOST_EVENTS:
            self._forget(next(iter(self._answers)))

    def _forget_idle(self) -> None:
        with self._lock:
            long_ago = time.monotonic() - IDLE_SECONDS
            for key in [key for key, kept in self._answers.items() if kept.used_at < long_ago]:
                self._forget(key)

    def _forget(self, key: str) -> None:
        answer = self._answers.pop(key, None)
        if answer is None:
            return
        answer.is_kept = False
        self._bytes -= answer.size
        keys = self._keys[answer.dependency.event]
        keys.discard(key)
        if not keys:
            del self._keys[answer.dependency.event]


def _what_it_shows(status: int, noted: list[Dependency]) -> Dependency | None:
    """Return what an answer may be kept for, ``None`` if it is for those only who have waited for it."""
    if status in _KEPT_BRIEFLY:
        return EVERY_EVENT
    return reduce(Dependency.together_with, noted) if noted and status in _KEPT_TILL_CHANGE else None


async def _collect(application: Application, scope: Scope) -> list[Message]:
    """Return all that ``application`` answers to a request without a body whose client never leaves."""
    messages: list[Message] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    async def receive() -> Message:
        return asked.pop() if asked else await never

    async def send(message: Message) -> None:
        messages.append(message)

    await application(scope, receive, send)
    return messages
