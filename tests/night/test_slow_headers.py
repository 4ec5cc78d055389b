"""Connections that never finish what they have to say: a proxy bounds them, and so does uvicorn as we run it."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from liveblog.sockets.uvicorn_http import HEADER_BYTES, HEADER_SECONDS
from tests.server import Site

pytestmark = pytest.mark.night

CONNECTIONS = 200


def test_who_drips_headers_is_left_and_who_asks_meanwhile_is_served(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    event = site.event(updates=1)
    dripping = [socket.create_connection(("127.0.0.1", site.port), 10) for _ in range(CONNECTIONS)]
    slow_again = socket.create_connection(("127.0.0.1", site.port), 10)
    slow_again.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
    assert b" 200 " in slow_again.recv(4096)
    began_at = time.monotonic()
    for connection in [*dripping, slow_again]:
        connection.sendall(b"GET / HTTP/1.1\r\n")
    with site.visitor() as reader:
        while (left := [one for one in [*dripping, slow_again] if is_open(one)]) and (
            time.monotonic() < began_at + 4 * HEADER_SECONDS
        ):
            for connection in left:
                with suppress(OSError):
                    connection.sendall(b"X-More: 1\r\n")
            assert reader.get(f"/events/{event.slug}/").status_code == 200
            time.sleep(1)
    assert not left
    assert time.monotonic() - began_at > 0.9 * HEADER_SECONDS


def test_empty_lines_keep_no_connection(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n".encode())
        assert b" 200 " in connection.recv(4096)
        ends_at = time.monotonic() + 4 * HEADER_SECONDS
        while is_open(connection):
            assert time.monotonic() < ends_at
            with suppress(OSError):
                connection.sendall(b"\r\n")
            time.sleep(1)


def test_headers_without_end_are_not_gathered(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(OSError):
            for _ in range(64):
                connection.sendall(b"X-More: " + b"x" * (HEADER_BYTES // 8) + b"\r\n")
                time.sleep(0.05)
        assert not is_open(connection)
    assert site.get("/healthz").status_code == 200


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.001)
    try:
        return connection.recv(4096) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
