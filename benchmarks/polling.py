"""A client that polls as fast as it is answered: keep-alive connections, one request at a time on each."""

import selectors
import socket
import time
from typing import NamedTuple

CONNECTIONS = 32
ANSWER_SECONDS = 10


class Load(NamedTuple):
    """How many answers a second came, and the share of one core that it took to ask for them."""

    per_second: float
    cpu_share: float


def poll(port: int, path: str, *, status: int, seconds: float, etag: str = "") -> Load:
    """Ask for ``path`` on all connections for so long, as one who has ``etag``.

    Raises ``ConnectionError`` for another status.
    """
    known = f"If-None-Match: {etag}\r\n" if etag else ""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n"
        f"Accept-Encoding: gzip\r\nUser-Agent: benchmarks\r\n{known}\r\n"
    ).encode()
    expected = f"HTTP/1.1 {status} ".encode()
    selector = selectors.DefaultSelector()
    answered = 0
    connections = [socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) for _ in range(CONNECTIONS)]
    began_at, began_with = time.monotonic(), time.process_time()
    ends_at = began_at + seconds
    try:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, (connection, bytearray()))
            connection.sendall(request)
        while time.monotonic() < ends_at:
            ready = selector.select(ANSWER_SECONDS)
            if not ready:
                raise ConnectionError(f"No answer for {ANSWER_SECONDS} seconds.")
            for key, _ in ready:
                connection, answer = key.data
                received = connection.recv(65536)
                answer += received
                if not received or not answer.startswith(expected[: len(answer)]):
                    raise ConnectionError(f"A poll was answered {bytes(answer[:200])!r}")
                if is_whole(answer):
                    answer.clear()
                    answered += 1
                    connection.sendall(request)
        took = time.monotonic() - began_at
        return Load(answered / took, (time.process_time() - began_with) / took)
    finally:
        selector.close()
        for connection in connections:
            connection.close()


def is_whole(answer: bytearray) -> bool:
    """Whether head and body have arrived; the body's length must be named, unless there can be none."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or head.startswith((b"HTTP/1.1 204 ", b"HTTP/1.1 304 ")):
        return bool(end)
    _, named, rest = head.lower().partition(b"\r\ncontent-length:")
    if not named:
        raise ConnectionError("An answer did not name the length of its body.")
    return len(body) >= int(rest.split(b"\r\n")[0])
