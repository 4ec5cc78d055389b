"""The bodies of requests, read whole before Django sees them, and bounded in size, in number and in time."""

import asyncio
from collections import Counter
from tempfile import SpooledTemporaryFile
from typing import IO

from django.conf import settings

from liveblog.disconnects import Message, Receive, Scope

REQUEST_BYTES = 64 * 1024 * 1024
"""Three photos as large as may be, from a form without JavaScript; with it, each comes in a request of its own."""
SILENT_SECONDS = 60.0
"""A body of which nothing comes for so long is given up."""
WHOLE_SECONDS = 15 * 60.0
"""The longest that a body may take: 20 MB over a line of 200 kbit/s."""
SMALL_BYTES = 64 * 1024
"""Bodies up to here, every text, count for nothing: whoever fills what large ones may take stops no post."""
FRAME_BYTES = 64 * 1024
"""The most that a form adds to its photos."""
ADDRESS_BYTES = 3 * REQUEST_BYTES
"""What one address may have under way at once: a newsroom's phones come from one."""
PROCESS_BYTES = 8 * REQUEST_BYTES
CHUNK_BYTES = 64 * 1024


class BodyRefused(Exception):
    """A body that is not read; ``status`` is that of the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Bodies:
    """All bodies that a process holds, in memory while they are short, else in files without a name."""

    def __init__(self) -> None:
        self._bytes = 0
        self._by_address: Counter[str] = Counter()

    async def read(self, scope: Scope, receive: Receive) -> "Body | None":
        """Return the body of a request, or ``None`` if its client leaves before it is whole.

        Raises ``BodyRefused``: 413 for one that is too long, 408 for one that stops coming, 503 if there are too many.
        """
        if _announced_length(scope) > REQUEST_BYTES + FRAME_BYTES:
            raise BodyRefused(413)
        body = Body(self, (scope.get("client") or ("",))[0], receive)
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + WHOLE_SECONDS
        try:
            while True:
                async with asyncio.timeout_at(min(ends_at, loop.time() + SILENT_SECONDS)):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    body.close()
                    return None
                body.add(message.get("body", b""))
                if not message.get("more_body", False):
                    body.begin()
                    return body
        except TimeoutError:
            body.close()
            raise BodyRefused(408) from None
        except BaseException:
            body.close()
            raise

    def count(self, address: str, number: int) -> None:
        """Count so many more bytes from ``address``, or fewer; raises ``BodyRefused``."""
        self._bytes += number
        self._by_address[address] += number
        if self._by_address[address] <= 0:
            del self._by_address[address]
        if number > 0 and (self._bytes > PROCESS_BYTES or self._by_address[address] > ADDRESS_BYTES):
            raise BodyRefused(503)


class Body:
    """A request's body, which ``receive`` hands on as the server would."""

    def __init__(self, bodies: Bodies, address: str, receive: Receive) -> None:
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115
        self.length = self._counted = 0
        self._bodies = bodies
        self._address = address
        self._server = receive
        self._next: asyncio.Task[Message] | None = None
        self._is_through = False

    def add(self, chunk: bytes) -> None:
        """Keep a part; raises ``BodyRefused``."""
        if not chunk:
            return
        self.length += len(chunk)
        if self.length > SMALL_BYTES:
            self._counted, more = self.length, self.length - self._counted
            self._bodies.count(self._address, more)
        if self.length > REQUEST_BYTES + FRAME_BYTES:
            raise BodyRefused(413)
        self.file.write(chunk)

    def begin(self) -> None:
        """Let it be read from its beginning, and listen for its client's leaving."""
        self.file.seek(0)
        self._next = asyncio.ensure_future(self._server())

    @property
    def has_left(self) -> bool:
        """Whether the client has left since."""
        return self._next is not None and self._next.done()

    async def receive(self) -> Message:
        """Return the next part of the body, then what the server says."""
        if not self._is_through:
            chunk = self.file.read(CHUNK_BYTES)
            self._is_through = self.length <= CHUNK_BYTES or not chunk
            return {"type": "http.request", "body": chunk, "more_body": not self._is_through}
        assert self._next is not None
        return await asyncio.shield(self._next)

    def close(self) -> None:
        """Forget it."""
        if self._next is not None:
            self._next.cancel()
        self.file.close()
        self._bodies.count(self._address, -self._counted)
        self._counted = 0


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
