"""How many requests Django works on at once: under ASGI each is a thread with a database connection of its own.

A request takes a slot of its kind when its body is here, so that a slow phone holds up nobody, and gives it back
before its answer is sent, so that a slow reader doesn't either. Who finds no slot waits; whoever waits too long is
told to come again.
"""

import asyncio
import codecs
import contextvars
import logging
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from io import BytesIO
from typing import NamedTuple
from urllib.parse import parse_qsl

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, RequestAborted, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http.cookie import parse_cookie

from liveblog import metrics
from liveblog.answers import send_answer
from liveblog.bodies import Bodies, Body, BodyRefused
from liveblog.disconnects import Application, Message, Receive, Scope, Send
from liveblog.errors import busy
from liveblog.log_throttle import LogThrottle
from liveblog.models.database import POSTGRESQL_DEFAULT, count_connections
from liveblog.request_ids import name_request

logger = logging.getLogger(__name__)

QUEUE_SECONDS = 10.0
"""How long a request waits for a slot."""
QUEUE_LENGTH = 2_000
"""How many requests of a kind may wait: each holds some 20 kB and a socket."""
FEED_CONNECTIONS = 8
"""What a process needs beside its requests: the threads of its feeds, and its periodic jobs."""
UPLOAD_BYTES = 256 * 1024
"""A text in every field as long as may be is shorter."""
BUFFERED_BYTES = 32 * 1024 * 1024
"""A longer answer is sent while it is made, and holds its slot until it is through: archives, no page and no photo."""
STALLED_SECONDS = 60.0
"""A client that takes nothing of its answer for so long is left."""
CHUNK_BYTES = 64 * 1024
QUESTION_SECONDS = 5.0
"""How long the database is waited for to say how many connections it allows."""
ACCEPTED_SESSIONS = 10_000

_DOWNLOAD = re.compile(r"/desk/[^/]+/archive/[a-z]+\.zip")
_PHOTO = re.compile(r"/(events|desk)/[^/]+/(photos/[^/]+\.webp|social-\d+\.jpg)")
_PHOTO_UPLOAD = re.compile(r"/desk/[^/]+/photos/")
_EVENT = re.compile(r"/events/[^/]+/(embed/|fragment/)?")
_SIGN_IN = re.compile(r"/(accounts/(login|password|(reset|link)/.+)|admin/login|join/[^/]+)/")
_AUTHORS = re.compile(r"/(desk|admin|accounts)/")


class Kind(Enum):
    """What requests are told apart by, so that none of them shuts out another."""

    PAGES = "pages"
    PLACES = "places"
    """Parts of a stream before, after or around a place, which no cache has when somebody makes the places up."""
    AUTHORS = "authors"
    """Requests with a session that this process has seen to be somebody's; a cookie's name alone anybody can send."""
    SIGN_INS = "sign-ins"
    UPLOADS = "uploads"
    """Theirs that bring photos, or so much that it must be photos, which wait to be decoded."""
    DOWNLOADS = "downloads"
    PHOTOS = "photos"
    """Those that are handed out, for which a bucket may take seconds."""
    FILES = "files"
    """Static files, which need no database."""


class Share(NamedTuple):
    """How many slots a kind has: at most so many, at least one, and this part of what there is."""

    most: int
    part: float


SHARES = {
    Kind.PAGES: Share(8, 0.35),
    Kind.AUTHORS: Share(4, 0.2),
    Kind.UPLOADS: Share(2, 0.1),
    Kind.PLACES: Share(2, 0.1),
    Kind.SIGN_INS: Share(2, 0.1),
    Kind.PHOTOS: Share(4, 0.1),
    Kind.DOWNLOADS: Share(1, 0.05),
}
FILE_SLOTS = 4


def share_out(connections: int) -> dict[Kind, int]:
    """Return how many requests of each kind may use the database at once, of so many connections."""
    slots = {kind: max(1, min(share.most, int(connections * share.part))) for kind, share in SHARES.items()}
    return slots | {Kind.FILES: FILE_SLOTS}


class Slots:
    """The slots of one process; ``Slots.current`` is that of the server in whose context one is."""

    current: "contextvars.ContextVar[Slots | None]" = contextvars.ContextVar("slots", default=None)

    def __init__(self) -> None:
        self.bodies = Bodies()
        self._kinds: asyncio.Task[dict[Kind, _Queue]] | None = None
        self._accepted: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    async def queue_for(self, kind: Kind) -> "_Queue":
        """Return where requests of this kind wait; how many slots there are is asked of the database once."""
        if self._kinds is None:
            self._kinds = asyncio.create_task(_open_queues())
        return (await asyncio.shield(self._kinds))[kind]

    def count_waiting(self) -> dict[str, int]:
        """Return how many requests wait, by kind; any thread may ask."""
        if self._kinds is None or not self._kinds.done():
            return {}
        return {kind.value: queue.waiting for kind, queue in self._kinds.result().items()}

    def note(self, session_key: str, *, is_somebodys: bool) -> None:
        """Remember that this session is somebody's, or no longer; the oldest of too many are forgotten."""
        with self._lock:
            self._accepted.pop(session_key, None)
            if is_somebodys:
                self._accepted[session_key] = None
            if len(self._accepted) > ACCEPTED_SESSIONS:
                self._accepted.popitem(last=False)

    def kind_of(self, scope: Scope, body: Body) -> Kind:
        """Return the kind of a request."""
        path, method = scope["path"], scope["method"]
        if path.startswith(settings.STATIC_URL):
            return Kind.FILES
        if _PHOTO.fullmatch(path):
            return Kind.PHOTOS
        if _SIGN_IN.fullmatch(path) and method == "POST":
            return Kind.SIGN_INS
        if _AUTHORS.match(path) and _session_key(scope) in self._accepted:
            if _DOWNLOAD.fullmatch(path):
                return Kind.DOWNLOADS
            brings_photos = body.length > UPLOAD_BYTES or _PHOTO_UPLOAD.fullmatch(path)
            return Kind.UPLOADS if brings_photos else Kind.AUTHORS
        if _EVENT.fullmatch(path) and _names_a_place(scope["query_string"]):
            return Kind.PLACES
        return Kind.PAGES


class _Queue:
    """The slots of one kind, and those who wait for one, in their order."""

    def __init__(self, kind: Kind, slots: int) -> None:
        self._kind = kind
        self._semaphore = asyncio.Semaphore(slots)
        self.waiting = 0
        self._throttle = LogThrottle()

    async def enter(self) -> bool:
        """Take a slot, or return ``False``: there was none for too long."""
        if self.waiting < QUEUE_LENGTH:
            self.waiting += 1
            try:
                async with asyncio.timeout(QUEUE_SECONDS):
                    await self._semaphore.acquire()
                return True
            except TimeoutError:
                pass
            finally:
                self.waiting -= 1
        metrics.refused_requests.labels(self._kind.value).inc()
        if self._throttle.allows(self._kind.value):
            logger.warning("Too many requests at once (%s): some are told to come again", self._kind.value)
        return False

    def leave(self) -> None:
        """Give the slot back."""
        self._semaphore.release()


async def _open_queues() -> "dict[Kind, _Queue]":
    try:
        async with asyncio.timeout(QUESTION_SECONDS):
            allowed = await sync_to_async(count_connections, thread_sensitive=False)()
    except TimeoutError:
        allowed = POSTGRESQL_DEFAULT
    processes = settings.PROCESSES * settings.MACHINES
    own = allowed // processes - FEED_CONNECTIONS
    slots = share_out(own)
    wanted = sum(slots[kind] for kind in SHARES)
    if wanted > own:
        logger.warning(
            "The database allows %d connections; %d processes may want %d: raise its limit, or run fewer processes.",
            allowed,
            processes,
            processes * (wanted + FEED_CONNECTIONS),
        )
    return {kind: _Queue(kind, number) for kind, number in slots.items()}


def note_session(session_key: str | None, *, is_somebodys: bool) -> None:
    """Tell the server that answers the present request whether a session is somebody's; without one, nobody cares."""
    slots = Slots.current.get()
    if slots is not None and session_key:
        slots.note(session_key, is_somebodys=is_somebodys)


def admit(application: Application) -> Application:
    """Let so many requests in at once."""

    async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
        name_request(scope)
        slots = Slots.current.get()
        assert slots is not None, "the server has made them"
        if not _is_readable(scope):
            return await _refuse(scope | {"headers": [], "query_string": b""}, send, 400, body=None)
        try:
            body = await slots.bodies.read(scope, receive)
        except BodyRefused as refused:
            return await _refuse(scope, send, refused.status, body=None)
        if body is None:
            return None  # its client has left before it was here
        with closing(body):
            queue = await slots.queue_for(slots.kind_of(scope, body))
            if not await queue.enter():
                return await _refuse(scope, send, 503, body)
            answer = _Answer(send)
            try:
                if body.has_left and scope["method"] in {"GET", "HEAD"}:
                    return None  # a post that has arrived is carried out nevertheless
                await application(scope, body.receive, answer.take)
            finally:
                queue.leave()
        await answer.sent()
        return None

    return admitted


class _Answer:
    """An answer that is kept until it is whole, unless it is too long for that, and sent while its slot is given back.

    What a view does after its answer (a desk's presence is written then) keeps nobody waiting for it.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._kept: deque[Message] = deque()
        self._bytes = 0
        self._sending: asyncio.Task[None] | None = None
        self._is_left = False

    async def take(self, message: Message) -> None:
        """Keep a part of the answer, or send it."""
        if message.get("status", 0) >= 500:
            metrics.failures.labels(str(message["status"])).inc()
        if self._is_left:
            raise RequestAborted  # as Django does where a client has left
        self._kept.append(message)
        self._bytes += len(message.get("body", b""))
        if self._bytes > BUFFERED_BYTES:
            await self._send_kept()
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._sending = asyncio.create_task(self._send_kept())

    async def sent(self) -> None:
        """Wait until it is with the client."""
        if self._sending is not None:
            await self._sending

    async def _send_kept(self) -> None:
        while self._kept and not self._is_left:
            for part in _parts_of(self._kept.popleft()):
                try:
                    async with asyncio.timeout(STALLED_SECONDS):
                        await self._send(part)
                except TimeoutError:
                    self._is_left = True
                    return


def _parts_of(message: Message) -> Iterator[Message]:
    """Yield a message in parts, each of which a client can be seen to take."""
    body = message.get("body", b"")
    if len(body) <= CHUNK_BYTES:
        yield message
        return
    for start in range(0, len(body), CHUNK_BYTES):
        is_last = start + CHUNK_BYTES >= len(body)
        more = not is_last or message.get("more_body", False)
        yield message | {"body": body[start : start + CHUNK_BYTES], "more_body": more}


def _is_readable(scope: Scope) -> bool:
    """Return whether Django can make a request of it: it fails outside of its own handlers if not.

    Forms are UTF-8, as our pages are. Another name for their charset may be that of any codec, on which Django fails.
    """
    try:
        encoding = ASGIRequest(scope, BytesIO()).encoding
        return encoding is None or codecs.lookup(encoding).name == "utf-8"
    except (BadRequest, SuspiciousOperation, ValueError):
        return False


async def _refuse(scope: Scope, send: Send, status: int, body: Body | None) -> None:
    """Answer what Django does not see, with what was written, if its body has arrived; no database is asked."""
    request = ASGIRequest(scope, body.file if body else BytesIO())
    response = await asyncio.to_thread(busy, request, status)
    if body is None:
        response["Connection"] = "close"  # what still comes of the body is not read
    await send_answer(scope, send, response.status_code, dict(response.items()), response.content)


def _session_key(scope: Scope) -> str | None:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    key: str | None = parse_cookie("; ".join(lines)).get(settings.SESSION_COOKIE_NAME)
    return key


def _names_a_place(query: bytes) -> bool:
    return any(name in {b"before", b"after", b"around"} for name, _ in parse_qsl(query, keep_blank_values=True))
