"""The ASGI application, called as a server calls it, and the database's doings seen from outside."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from websockets.frames import Frame as ParsedFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from liveblog.sockets.frames import OFFER

TEST_SECONDS = 180
OFFERS_FRAMES = False
"""Whether sockets are offered by a server that writes finished frames."""
PATIENCE_SECONDS = 60


class Answer(NamedTuple):
    """What came back for an HTTP request."""

    status: int
    headers: dict[str, str]
    body: str


def run[T](main: Callable[[], Coroutine[Any, Any, T]], *, seconds: float = TEST_SECONDS) -> T:
    """Run an asynchronous test in an event loop of its own, beside a server of its own."""
    from config.asgi import application

    async def serve() -> T:
        application.start(asyncio.get_running_loop())
        return await main()

    try:
        return asyncio.run(asyncio.wait_for(serve(), seconds))
    finally:
        application.stop()


async def in_thread[T](work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run ``work``, which queries, beside the loop."""

    def careful() -> T:
        try:
            return work(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(careful)


async def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until ``condition()`` is true and return what it is."""
    ends_at = asyncio.get_running_loop().time() + seconds
    while not (found := condition()):
        assert asyncio.get_running_loop().time() < ends_at, f"waited {seconds} s in vain"
        await asyncio.sleep(0.005)
    return found


async def ask(
    path: str,
    query: str | bytes = "",
    *,
    method: str = "GET",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    body: bytes | None = b"",
) -> Answer:
    """Send one request to the application; of a ``body`` that is ``None`` nothing ever comes."""
    from config.asgi import application

    sent: list[dict[str, Any]] = []
    asked = asyncio.Queue[dict[str, Any]]()
    if body is not None:
        asked.put_nowait({"type": "http.request", "body": body, "more_body": False})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(_scope("http", path, query, headers) | {"method": method, "scheme": "http"}, asked.get, send)
    start, *parts = sent
    pairs = [(name.decode(), value.decode()) for name, value in start["headers"]]
    assert len(pairs) == len(dict(pairs)), "a header came twice"
    body = b"".join(part.get("body", b"") for part in parts)
    return Answer(start["status"], {name.title(): value for name, value in pairs}, body.decode())


async def poll(event: Any, after: object, edition: str | None = None, slug: str = "") -> Answer:
    """Ask for an event's changes."""
    edition = event.edition if edition is None else edition
    return await ask(f"/events/{slug or event.slug}/changes/", f"after={after}&edition={edition}")


class Frames:
    """A server's offer to write finished frames to a socket that takes them all."""

    is_compressed = False

    def __init__(self, socket: "Socket") -> None:
        self._socket = socket
        self._tasks: set[asyncio.Task[None]] = set()

    def write(self, frame: bytes) -> bool:
        """Take a text, unless the test's own way of sending is to be used."""
        if self._socket.has_own_way or self._socket.code is not None:
            return False
        task = asyncio.get_running_loop().create_task(
            self._socket.take({"type": "websocket.send", "text": text_in(frame)})
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def is_behind(self) -> bool:
        """Whether there is something that was not taken: there never is."""
        return False

    def abort(self) -> None:
        """Leave it to the test's own way of receiving."""


def text_in(frame: bytes) -> str:
    """Return the text of an unmasked frame that is alone and plain."""
    reader = StreamReader()
    reader.feed_data(frame)
    with pytest.raises(StopIteration) as parsed:  # a whole one
        next(ParsedFrame.parse(reader.read_exact, mask=False))
    found = parsed.value.value
    assert (found.opcode, found.fin, found.rsv1) == (Opcode.TEXT, True, False)
    assert not reader.buffer, "more than one frame"
    text: str = found.data.decode()
    return text


class Socket:
    """A reader's socket, from the reader's side."""

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]] | None = None) -> None:
        self.received: list[str] = []
        self.code: int | None = None
        self.is_open = False
        self.to_server = asyncio.Queue[dict[str, Any]]()
        self.task: asyncio.Task[None]
        self._news = asyncio.Condition()
        self._send = send

    @property
    def has_own_way(self) -> bool:
        """Whether the test takes messages itself."""
        return self._send is not None

    async def text(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait for the next fragment."""
        await self._wait(lambda: self.received, seconds)
        return self.received.pop(0)

    async def closed(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the server has closed, and return its code."""
        await self._wait(lambda: self.code is not None, seconds)
        assert self.code is not None
        return self.code

    async def cut(self) -> None:
        """Leave without a word."""
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await self.task

    async def take(self, message: dict[str, Any]) -> None:
        """Take what the server sends."""
        if self._send is not None:
            await self._send(message)
        async with self._news:
            match message["type"]:
                case "websocket.accept":
                    self.is_open = True
                case "websocket.send":
                    assert self.is_open
                    assert self.code is None, "something was sent after the close"
                    self.received.append(message["text"])
                case "websocket.close":
                    assert self.code is None, "closed twice"
                    self.code = message["code"]
                    self.to_server.put_nowait({"type": "websocket.disconnect", "code": self.code})
            self._news.notify_all()

    async def _wait(self, condition: Callable[[], Any], seconds: float) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(condition)


@asynccontextmanager
async def connect(
    event: Any,
    after: object = 0,
    *,
    edition: str | None = None,
    slug: str = "",
    query: str | None = None,
    path: str = "",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    send: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
) -> AsyncIterator[Socket]:
    """Open a socket to an event, or at another ``path``; it is cut at the end."""
    from config.asgi import application

    socket = Socket(send)
    if query is None:
        query = f"after={after}&edition={event.edition if edition is None else edition}"
    scope = _scope("websocket", path or f"/events/{slug or event.slug}/live/", query, headers)
    if OFFERS_FRAMES:
        scope["extensions"] = {OFFER: Frames(socket)}
    socket.to_server.put_nowait({"type": "websocket.connect"})
    socket.task = asyncio.create_task(application(scope, socket.to_server.get, socket.take))
    try:
        yield socket
    finally:
        if not socket.task.done():
            socket.to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(socket.task, PATIENCE_SECONDS)


def _scope(kind: str, path: str, query: str | bytes, headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, Any]:
    return {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode() if isinstance(query, str) else query,
        "headers": [(b"host", b"testserver"), *headers],
        "root_path": "",
        "http_version": "1.1",
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
    }


type Seen = Callable[[str], None]


@contextmanager
def every_query(seen: Seen) -> Iterator[None]:
    """Call ``seen`` with each query before it is run, in whichever thread, on whichever connection.

    What it raises is what the database raises. Feeds open a connection for each reading, their ticker one for
    its whole life: begin before the feeds do.
    """

    def wrap(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        seen(sql)
        return execute(sql, params, many, context)

    wrapped: list[Any] = []

    def install(connection: Any, **_: Any) -> None:
        if wrap not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrap)
            wrapped.append(connection)

    connection_created.connect(install, weak=False)
    install(connections["default"])
    try:
        yield
    finally:
        connection_created.disconnect(install)
        for connection in wrapped:
            connection.execute_wrappers.remove(wrap)


def thread_name() -> str:
    """Return the name of the present thread: ``ticker``, ``feed_0``, …"""
    return threading.current_thread().name
