"""Bytes that no library for clients would send, and what a server says to them."""

import asyncio
import re
from contextlib import suppress
from random import Random
from typing import NamedTuple

from tests.fuzz.requests import Request
from tests.fuzz.words import odd

ANSWER_SECONDS = 120
"""How long an answer to a whole request may take."""
SILENT_SECONDS = 4
"""After so long a connection is left whose server may be waiting for the rest of what is broken."""
AT_ONCE = 12
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_TARGETS = (
    b"*", b"http://evil.example/", b"http://[::1", b"//", b"evil.example:443", b"/\x00", b"/\xff\xfe", b"/ /", b"/\t",
    b"/#x", b"", b"/" + b"a" * 70_000, b"/static/\x00", b"/static/%00", b"/static/%ff.css",
    b"/static/../../secret_key", b"/static/%2e%2e/%2e%2e/secret_key", b"/static/%2e%2e%2f%2e%2e%2fsecret_key",
)  # fmt: skip
_VERSIONS = (
    b"HTTP/0.9", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.1 x", b"", b"http/1.1", b"HTTP/1." + b"1" * 400,
)  # fmt: skip
_LINES = (
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: -1", b"Content-Length: 1e3",
    b"Content-Length: " + b"9" * 40, b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: x",
    b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding:\x0bchunked", b" Folded: 1", b"X-A: 1\r\n\tfolded",
    b"No colon", b": no name", b"X-A : 1", b"X\x00A: 1", b"X-A: \x00", b"X-A: \xff", b"X-A: 1\nX-B: 2",
    b"X-A: 1\rX-B: 2", b"Host: a\r\nHost: b", b"Host:", b"Expect: 100-continue", b"Expect: x",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x", b"X-A: " + b"x" * 20_000,
    b"Cookie: " + b"a=b; " * 3_000, b"X-Forwarded-For: \x00, x", b"Connection: \x00",
    b"Content-Type: a/b; charset*=utf-8''%00", b"Content-Type: a/b; charset=\x00",
)  # fmt: skip
_CHUNKS = (
    b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"-1\r\n", b"x\r\n", b"fffffffffffffffff\r\n",
    b"5;x=\x00\r\nhello\r\n", b"0\r\nTrailer: \x00\r\n\r\n", b"\r\n", b"5\r\nhel",
)  # fmt: skip
_BEGINNINGS = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n\r\n", b"\x00" * 50, b"GET\r\n\r\n", b"GET /\r\n\r\n",
    b"\xff" * 200, b"SSH-2.0-x\r\n", b"GET / HTTP/1.1", b"",
)  # fmt: skip
_SOCKET = (
    b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", b"Sec-WebSocket-Protocol: x",
)  # fmt: skip
_SOCKET_ODD = (
    b"Sec-WebSocket-Version: 99", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Key: \xff",
    b"Sec-WebSocket-Protocol: \xff, ,", b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
    b"Sec-WebSocket-Extensions: x; =", b"Origin: null", b"Origin: \xff", b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
)  # fmt: skip
_FRAMES = (
    b"\x81\x85\x00\x00\x00\x00hello", b"\x82\x80\x00\x00\x00\x00", b"\x81\x05hello", b"\xff" * 40,
    b"\x88\x80\x00\x00\x00\x00", b"\x88\x81\x00\x00\x00\x00\x03", b"\x89\xfe\xff\xff\x00\x00\x00\x00",
    b"\xc1\x83\x00\x00\x00\x00\xff\xff\xff", b"\x81\x84\x00\x00\x00\x00\xff\xfe\xff\xfe",
    b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", b"\x00\x80\x00\x00\x00\x00",
    b"\x8b\x80\x00\x00\x00\x00",
)  # fmt: skip


class Raw(NamedTuple):
    """What is sent, and whether it is one whole request, so that an answer must come."""

    data: bytes
    is_whole: bool


class Heard(NamedTuple):
    """What came back: all statuses on the connection, and its bytes."""

    statuses: list[int]
    data: bytes


def written(request: Request, host: bytes) -> bytes:
    """Return a request as it goes over the line, its connection closed after the answer."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.target), b"Connection: close"]
    if not any(name == b"host" for name, _ in request.headers):
        lines.append(b"Host: " + host)
    lines += [name + b": " + value for name, value in request.headers if name != b"upgrade"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.body


def broken(request: Request, host: bytes, random: Random) -> Raw:
    """Return the request, or something that has come of it."""
    whole = written(request, host)
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, version = first.split(b" ", 1)[0], first.split(b" ", 1)[1].rpartition(b" ")[0], b"HTTP/1.1"
    match random.randrange(11):
        case 0 | 1 | 2:
            return Raw(whole, request.method != "CONNECT")
        case 3:
            target = random.choice(_TARGETS)
        case 4:
            version = random.choice(_VERSIONS)
        case 5 | 6:
            lines.insert(random.randint(0, len(lines)), random.choice(_LINES))
        case 7:
            lines.append(b"Transfer-Encoding: chunked")
            lines = [line for line in lines if not line.lower().startswith(b"content-length")]
            body = b"".join(random.choice(_CHUNKS) for _ in range(random.randint(1, 4)))
        case 8:
            return Raw(random.choice(_BEGINNINGS) + random.choice((b"", whole, odd(random))), False)
        case 9:
            return Raw(_flipped(whole, random), False)
        case _:
            lines = [line for line in lines if not line.startswith(b"Connection")] + list(_SOCKET)
            lines[-1 - random.randrange(len(_SOCKET))] = random.choice(_SOCKET_ODD)
            body = b"".join(random.choice(_FRAMES) for _ in range(random.randint(0, 4)))
            method = b"GET"
    first = b" ".join((method, target, version))
    return Raw(b"\r\n".join((first, *lines)) + b"\r\n\r\n" + body, False)


def _flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(changed))
        match random.randrange(3):
            case 0:
                changed[at] = random.randrange(256)
            case 1:
                del changed[at : at + random.randint(1, 20)]
            case _:
                changed[at:at] = odd(random)[:50]
    return bytes(changed)


async def say(raw: Raw, port: int) -> Heard:
    """Send it on a connection of its own, and return what came until the server closed, or fell silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b""
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS if raw.is_whole else SILENT_SECONDS):
                writer.write(raw.data)
                await writer.drain()
                while chunk := await reader.read(65_536):
                    data += chunk
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return Heard([int(status) for status in _STATUS.findall(data)], data)
