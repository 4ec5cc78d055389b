"""The readers' sockets, all in one process of their own, and as lean as Python allows.

daphne keeps one core busy; what the client needs must fit on another, or it is the client that is
measured. So there is no event loop and no library here: a selector, ``recv`` and the frames of RFC 6455.
"""

import multiprocessing
import os
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from multiprocessing.connection import Connection
from typing import NamedTuple

CONNECT_SECONDS = 60
SERVED_SECONDS = 60
SETTLE_SECONDS = 1.0
CONNECT_TOGETHER = 50

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Served(NamedTuple):
    """When the last reader had the update, by ``time.monotonic()``, and what noticing it cost."""

    last_at: float
    cpu_seconds: float


class Readers:
    """The process that holds the sockets, seen from outside."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def connected(self) -> None:
        """Wait until all sockets are open."""
        self._hear(CONNECT_SECONDS)

    def expect(self, marker: str) -> None:
        """Begin to wait for an update that contains ``marker``."""
        self._pipe.send(marker)
        self._hear(SERVED_SECONDS)

    def served(self) -> Served:
        """Wait until the last reader has it; raises ``RuntimeError`` if that never comes about."""
        return Served(*self._hear(SERVED_SECONDS))

    def _hear(self, seconds: float) -> tuple[float, float]:
        try:
            if self._pipe.poll(seconds):
                return self._pipe.recv()
        except EOFError:
            raise RuntimeError("The readers' process ended; see above.") from None
        raise RuntimeError(f"The readers’ process had nothing to say for {seconds:.0f} seconds.")


@contextmanager
def attached(port: int, *paths: str, count: int) -> Iterator[Readers]:
    """Keep ``count`` sockets open for as long as the block lasts, at each of the paths in turn."""
    processes = multiprocessing.get_context("spawn")
    here, there = processes.Pipe()
    process = processes.Process(target=read_on, args=(there, port, paths, count), daemon=True)
    process.start()
    there.close()
    try:
        readers = Readers(here)
        readers.connected()
        time.sleep(SETTLE_SECONDS)
        yield readers
    finally:
        here.close()  # the other end sees it, closes its sockets and ends
        process.join(SERVED_SECONDS)
        process.kill()
        time.sleep(SETTLE_SECONDS)  # the server has as many disconnections to digest


def read_on(pipe: Connection, port: int, paths: Sequence[str], count: int) -> None:
    """Connect, say so, then for each marker that comes: report when every socket has received it."""
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ)
    connect(selector, port, paths, count)
    pipe.send((0.0, 0.0))
    everyone = {key.fileobj for key in selector.get_map().values() if key.data is not None}
    marker, lacking, began_with = b"", set(), 0.0
    while True:
        for key, _ in selector.select():
            if key.data is None:
                try:
                    marker = pipe.recv().encode()
                except EOFError:
                    return
                lacking, began_with = everyone.copy(), time.process_time()
                pipe.send((0.0, 0.0))
                continue
            for text in receive(*key.data):
                if key.fileobj in lacking and marker in text:
                    lacking.remove(key.fileobj)
                    if not lacking:
                        pipe.send((time.monotonic(), time.process_time() - began_with))


def connect(selector: selectors.BaseSelector, port: int, paths: Sequence[str], count: int) -> None:
    """Open all sockets, some at a time, and register each with the buffer of what it has received."""
    upgrade = (
        f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for some in batched(range(count), CONNECT_TOGETHER):
        opening = [socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS) for _ in some]
        for number, reader in zip(some, opening, strict=True):
            reader.sendall(f"GET {paths[number % len(paths)]}{upgrade}".encode())
        for reader in opening:
            buffer = bytearray()
            while b"\r\n\r\n" not in buffer:
                buffer += reader.recv(65536) or refuse(buffer)
            head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101 "):
                refuse(head)
            reader.setblocking(False)
            selector.register(reader, selectors.EVENT_READ, (reader, bytearray(rest)))


def refuse(said: bytes | bytearray) -> bytes:
    """Raise for a server that did not open a socket."""
    raise ConnectionError(f"The server would not open a socket: {bytes(said[:200])!r}")


def receive(reader: socket.socket, buffer: bytearray) -> Iterator[bytes]:
    """Yield the texts that have arrived whole, and answer pings."""
    received = reader.recv(65536)
    if not received:
        raise ConnectionError("The server closed a socket.")
    buffer += received
    while (frame := take_frame(buffer)) is not None:
        opcode, payload = frame
        if opcode == TEXT:
            yield payload
        elif opcode == PING:
            reader.send(masked(PONG, payload))
        elif opcode == CLOSE:
            raise ConnectionError(f"The server closed a socket: {payload!r}")


def take_frame(buffer: bytearray) -> tuple[int, bytes] | None:
    """Take the first frame off ``buffer`` as its opcode and payload; ``None`` until it is whole."""
    if len(buffer) < 2:
        return None
    length, begins = buffer[1], 2  # a server's frames are not masked
    if length > 125:
        begins = 4 if length == 126 else 10
        length = int.from_bytes(buffer[2:begins])
    if len(buffer) < begins or len(buffer) < begins + length:
        return None
    opcode, payload = buffer[0] & 0xF, bytes(buffer[begins : begins + length])
    del buffer[: begins + length]
    return opcode, payload


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a short frame as a client must send it."""
    mask = os.urandom(4)
    return bytes([0x80 | opcode, 0x80 | len(payload), *mask, *(byte ^ mask[at % 4] for at, byte in enumerate(payload))])
