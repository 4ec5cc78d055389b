"""The desk's socket: who else is there, how many readers are connected, and that something has changed."""

import asyncio
import contextvars
import logging
import random
import time
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import urlparse
from uuid import uuid4
from zlib import crc32

from channels.security.websocket import OriginValidator
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.db import close_old_connections
from django.db.models import Count, Max, Q, Sum
from django.http import HttpRequest, parse_cookie
from django.template.loader import render_to_string

from liveblog import bell
from liveblog.feed import audience
from liveblog.live import COME_BACK, GONE, POLL_INSTEAD, Receive, Scope, Send
from liveblog.models import Attendance, Event

logger = logging.getLogger(__name__)

SIGNED_OUT = 4401
ELSEWHERE = 4403
TOO_BIG = 4413  # daphne can't close with 1009

TOUCH_SECONDS = 14.0
"""How often whoever holds a socket shows that they may; with the second between two rounds, within 15."""
LOOK_SECONDS = 5.0
"""How often a desk is looked at when nobody rings."""
PAUSE_SECONDS = 1.0
SETTLE_SECONDS = 0.1
"""A ring is answered this much later: readers come first."""
SOCKETS = 500
SOCKETS_EACH = 20
SAID_BYTES = 1024
STUCK_SECONDS = 20.0
NAMES_SHOWN = 6

_QUIET_SECONDS = 60


async def socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve ``/desk/<slug>/presence/``, for who is signed in, has a role there and comes from a page of ours."""
    if (await receive())["type"] != "websocket.connect":
        return
    if not _is_from_here(scope):
        await _close(send, ELSEWHERE)  # before it was accepted: the handshake fails with a 403
        return
    await send({"type": "websocket.accept"})
    visitor = _Visitor(_session_key(scope), scope["url_route"]["kwargs"]["slug"], send)
    desks = Desks.here()
    refusal = await desks.admit(visitor)
    if refusal is not None:
        await _close(send, refusal)
        return
    sending = asyncio.create_task(visitor.follow())
    listening = asyncio.create_task(_listen(receive))
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        code = visitor.code if sending.done() else listening.result()
        if code is not None:
            with suppress(Exception):  # most often its client has just left
                await _close(send, code)
    finally:
        sending.cancel()
        listening.cancel()
        await desks.leave(visitor)


async def _listen(receive: Receive) -> int | None:
    """Wait until the client leaves, or says so much that it has to; nothing it says is read."""
    while (message := await receive())["type"] != "websocket.disconnect":
        if len(message.get("text") or message.get("bytes") or "") > SAID_BYTES:
            return TOO_BIG
    return None


async def _close(send: Send, code: int) -> None:
    await send({"type": "websocket.close", "code": code})


def _is_from_here(scope: Scope) -> bool:
    """Whether a page of ours opens it, by Channels' rule: browsers send cookies along whoever asks them to."""
    origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
    try:
        return bool(OriginValidator(None, settings.ALLOWED_HOSTS).valid_origin(urlparse(origin) if origin else None))
    except ValueError:
        return False


def _session_key(scope: Scope) -> str | None:
    cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return key if key.isalnum() else None


class Refused(Exception):
    """Somebody may not be at this desk, or no longer; ``code`` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Visitor:
    """One open socket: whose it is, and what it was told last."""

    def __init__(self, session_key: str | None, slug: str, send: Send) -> None:
        self.socket = uuid4()
        self.session_key = session_key
        self.slug = slug
        self.user_id = self.event_id = 0
        self.code: int | None = None
        self.checked_at = time.monotonic()
        # As with readers' sockets: daphne buffers without end for a client that does not read.
        self.closes_at = self.checked_at + settings.SOCKET_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311
        self._send = send
        self._told = self._html = ""
        self._news = asyncio.Event()

    @property
    def attendance(self) -> Attendance:
        """The row that says that this desk is open now."""
        return Attendance(event_id=self.event_id, user_id=self.user_id, socket=self.socket)

    def tell(self, html: str) -> None:
        """Send this next; what it has not had yet of what came before is out of date."""
        self._html = html
        if html != self._told:
            self._news.set()

    def tell_again(self) -> None:
        """Repeat it, so that its page knows that the socket still brings what there is."""
        if self._html:
            self._news.set()

    def end(self, code: int) -> None:
        """Close it."""
        self.code = code
        self._news.set()

    async def follow(self) -> None:
        """Send what there is to be told until there is a reason to close."""
        with suppress(Exception):  # its client has left, or hangs
            while True:
                await self._news.wait()
                self._news.clear()
                if self.code is not None:
                    return
                self._told = self._html
                async with asyncio.timeout(STUCK_SECONDS):
                    await self._send({"type": "websocket.send", "text": self._told})


class Desks:
    """All desks that are open on one event loop: who comes in, who has to leave, and what they are told."""

    _by_loop: ClassVar["weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Desks]"] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self.visitors: set[_Visitor] = set()
        self._coming = 0
        self._rung: set[int] = set()
        self._is_rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._complained_at = float("-inf")
        # Threads of their own, as the feed has them. What is written is written in turn, so that no touch
        # brings back the row of somebody who has just left.
        self._reading = ThreadPoolExecutor(max_workers=2, thread_name_prefix="desks-reading")
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desks-writing")
        self._tasks: set[asyncio.Task[None]] = set()
        for work in (self._look(), self._care(), bell.listen(self._ring, bell.GROUP, bell.DESKS)):
            self._start(work)

    @classmethod
    def here(cls) -> "Desks":
        """Return the desks of the running loop."""
        loop = asyncio.get_running_loop()
        desks = cls._by_loop.get(loop)
        if desks is None:
            desks = cls._by_loop[loop] = cls()
        return desks

    def shut(self) -> None:
        """Let the threads end, after what they have been given to do."""
        self._reading.shutdown()
        self._writing.shutdown()

    async def admit(self, visitor: _Visitor) -> int | None:
        """Let somebody in, or return the code that says why not."""
        if visitor.session_key is None:
            return SIGNED_OUT
        if len(self.visitors) + self._coming >= SOCKETS:
            return POLL_INSTEAD
        self._coming += 1
        try:
            visitor.user_id, visitor.event_id = await self._run(self._reading, lambda: _check(visitor))
            if sum(other.user_id == visitor.user_id for other in self.visitors) >= SOCKETS_EACH:
                return POLL_INSTEAD
            await self._run(self._writing, lambda: Attendance.touch([visitor.attendance]))
            seen = await self._run(self._reading, lambda: _see(visitor.event_id, {visitor.user_id}))
        except Refused as refused:
            return refused.code
        except Exception as error:
            self._complain(error)
            return POLL_INSTEAD
        finally:
            self._coming -= 1
        if seen is None:
            return GONE
        self.visitors.add(visitor)
        visitor.tell(seen[visitor.user_id])
        self._ring(visitor.event_id)
        self._start(bell.send(visitor.event_id, bell.DESKS))
        return None

    async def leave(self, visitor: _Visitor) -> None:
        """Let somebody out; whose socket was only renewed is about to be back, and is not said to have left."""
        self.visitors.discard(visitor)
        if visitor.code == COME_BACK:
            return
        try:
            await self._run(self._writing, Attendance.objects.filter(socket=visitor.socket).delete)
        except Exception as error:
            self._complain(error)
        self._ring(visitor.event_id)
        await bell.send(visitor.event_id, bell.DESKS)

    def _ring(self, event_id: int) -> None:
        if any(visitor.event_id == event_id for visitor in self.visitors):
            self._rung.add(event_id)
            self._is_rung.set()

    async def _look(self) -> None:
        """Look at the desks for which somebody rang, at most once a second, and every few seconds at all."""
        all_at = float("-inf")
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0, all_at + LOOK_SECONDS - time.monotonic())):
                    await self._is_rung.wait()
                    await asyncio.sleep(SETTLE_SECONDS)
            desks: dict[int, set[_Visitor]] = {}
            for visitor in self.visitors:
                desks.setdefault(visitor.event_id, set()).add(visitor)
            if time.monotonic() - all_at < LOOK_SECONDS:
                desks = {event_id: desks[event_id] for event_id in self._rung & desks.keys()}
            else:
                all_at = time.monotonic()
            self._rung.clear()
            self._is_rung.clear()
            for event_id, visitors in desks.items():
                await self._show(event_id, visitors)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _show(self, event_id: int, visitors: set[_Visitor]) -> None:
        user_ids = {visitor.user_id for visitor in visitors}
        try:
            seen = await self._run(self._reading, lambda: _see(event_id, user_ids))
        except Exception as error:
            self._complain(error)
            return
        for visitor in visitors:
            if seen is None:
                visitor.end(GONE)
            else:
                visitor.tell(seen[visitor.user_id])

    async def _care(self) -> None:
        """Once a second: close what is old, and check those whose turn it is; who may stay is said to be there."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for visitor in self.visitors:
                if now > visitor.closes_at:
                    visitor.end(COME_BACK)
            due = [visitor for visitor in self.visitors if now - visitor.checked_at >= TOUCH_SECONDS]
            if not due:
                continue
            try:
                for visitor, refused in await self._run(self._reading, lambda due=due: _check_each(due)):  # type: ignore[misc]
                    visitor.checked_at = now
                    if refused is None:
                        visitor.tell_again()
                    else:
                        visitor.end(refused.code)
                there = [visitor.attendance for visitor in due if visitor in self.visitors and visitor.code is None]
                await self._run(self._writing, lambda there=there: Attendance.touch(there))  # type: ignore[misc]
            except Exception as error:
                self._complain(error)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` as a task that inherits nothing from the socket that happens to start it."""
        task = self._loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run[T](self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Run ``work``, which queries, in a thread; done or not when the caller no longer waits for it."""

        def careful() -> T:
            close_old_connections()
            try:
                return work()
            finally:
                close_old_connections()

        return self._loop.run_in_executor(pool, careful)

    def _complain(self, error: BaseException) -> None:
        if time.monotonic() - self._complained_at > _QUIET_SECONDS:
            self._complained_at = time.monotonic()
            logger.warning("Who is at the desks can't be said (%r).", error)


def _check(visitor: _Visitor) -> tuple[int, int]:
    """Return the primary keys of who it is and of the event; raises ``Refused``."""
    user = _user_of(visitor.session_key)
    if user is None or visitor.user_id not in {0, user.pk}:
        raise Refused(SIGNED_OUT)
    known = {"pk": visitor.event_id} if visitor.event_id else {"slug": visitor.slug}
    event = Event.objects.filter(**known).first()
    if event is None or event.role_of(user) is None:
        raise Refused(GONE)
    return user.pk, event.pk


def _check_each(visitors: list[_Visitor]) -> list[tuple[_Visitor, Refused | None]]:
    checked: list[tuple[_Visitor, Refused | None]] = []
    for visitor in visitors:
        try:
            _check(visitor)
            checked.append((visitor, None))
        except Refused as refused:
            checked.append((visitor, refused))
    return checked


class _Session(dict[str, Any]):
    """What a session holds, to be looked at: a socket can't hand out the cookie that a change would need."""

    def flush(self) -> None:
        """Leave it to the next request."""

    def cycle_key(self) -> None:
        """Leave it to the next request."""


def _user_of(session_key: str | None) -> User | None:
    """Return who is signed in by this session now, by Django's own rules."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request = HttpRequest()
    request.session = _Session(store.load())  # type: ignore[assignment]
    user = get_user(request)
    return user if isinstance(user, User) else None


def _see(event_id: int, user_ids: set[int]) -> dict[int, str] | None:
    """Return what each of these users is to be told; ``None`` if the event is gone."""
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        return None
    present = User.objects.filter(pk__in=Attendance.objects.present().filter(event=event).values("user"))
    people = {user.pk: user.get_full_name() or user.get_username() for user in present}
    shared = {"event": event, "readers": audience.count(event), "queue": _mark_of_queue(event)}
    told = {}
    for user_id in user_ids:
        names = sorted((name for pk, name in people.items() if pk != user_id), key=str.casefold)
        shown = names if len(names) <= NAMES_SHOWN else names[: NAMES_SHOWN - 1]
        context = shared | {"people": len(names), "names": shown, "more": len(names) - len(shown)}
        told[user_id] = render_to_string("liveblog/desk/presence.html", context).strip()
    return told


def _mark_of_queue(event: Event) -> str:
    """Return a text that changes with what waits."""
    is_open = Q(rejected_at=None)
    state = event.waiting.aggregate(
        newest=Max("pk"),
        versions=Sum("version"),
        open=Count("pk", filter=is_open),
        for_approval=Count("pk", filter=is_open & Q(needs_approval=True)),
    )
    return f"{crc32(repr(sorted(state.items())).encode()):08x}"
