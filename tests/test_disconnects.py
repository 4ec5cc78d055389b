"""Clients that leave in the middle: what had arrived whole is carried out, what had not is forgotten, no traceback."""

import io
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image

from liveblog.models import Event, Update
from tests.server import ANSWER_SECONDS, ROOT, START_SECONDS, Site, find_free_port
from tests.test_schedule import wait_for

POSTS = 10
HALVES = 3


def photo() -> bytes:
    """Return one that is too large to be kept in memory while it comes, and little work."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "JPEG")
    return file.getvalue() + bytes(3_000_000)


class Server(NamedTuple):
    """A server that listens on ``port``, on the database of ``site``."""

    site: Site
    port: int
    log: Callable[[], str]


@contextmanager
def served_by_daphne(site: Site, _: Path) -> Iterator[Server]:
    yield Server(site, site.port, lambda: site.log)


@contextmanager
def served_by_uvicorn(site: Site, folder: Path) -> Iterator[Server]:
    port, log = find_free_port(), folder / "uvicorn.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)],
            cwd=ROOT,
            env=site.environ,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "Uvicorn running" in log.read_text(), seconds=START_SECONDS)
        yield Server(site, port, log.read_text)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Hasty:
    """An author who leaves."""

    def __init__(self, server: Server, event: Event) -> None:
        self.server, self.event = server, event
        with httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}", timeout=ANSWER_SECONDS, trust_env=False
        ) as visitor:
            server.site.log_in(visitor)
            token = visitor.cookies["csrftoken"]
            cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self.headers = {"Host": "127.0.0.1", "Cookie": cookies, "X-CSRFToken": token}

    def post(self, body: str, *, part: float = 1) -> None:
        fields = urlencode({"key": str(uuid.uuid4()), "body": body}).encode()
        self._leave("updates/", "application/x-www-form-urlencoded", fields, part)

    def upload(self, *, part: float = 1) -> None:
        fields, files = {"key": str(uuid.uuid4())}, {"photo": ("a.jpg", photo(), "image/jpeg")}
        request = httpx.Request("POST", "http://testserver", data=fields, files=files)
        self._leave("photos/", request.headers["Content-Type"], request.read(), part)

    def _leave(self, path: str, kind: str, body: bytes, part: float) -> None:
        """Wait until the server wants the body, send a part of it or all, and leave."""
        headers = self.headers | {"Content-Type": kind, "Content-Length": str(len(body)), "Expect": "100-continue"}
        lines = [
            f"POST /desk/{self.event.slug}/{path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
            connection.sendall(body[: int(len(body) * part)])


@pytest.mark.parametrize("served", [served_by_daphne, served_by_uvicorn])
def test_what_has_arrived_is_carried_out_though_its_author_has_left_and_half_of_it_is_not(
    served: Any, server: Any, tmp_path: Path
) -> None:
    site = server()
    event = site.event(author=site.user("ada"))
    with served(site, tmp_path) as at:
        hasty = Hasty(at, event)
        for _ in range(HALVES):
            hasty.post("Not half of this.", part=0.5)
            hasty.upload(part=0.5)
        sent = [f"Post {number}" for number in range(POSTS)]
        for body in sent:
            hasty.post(body)
        hasty.upload()

        def arrived() -> list[str]:
            return sorted(site.do(lambda: list(Update.objects.filter(event=event).values_list("body", flat=True))))

        wait_for(lambda: arrived() == sorted(sent), seconds=60)
        wait_for(lambda: site.do(event.photos.count) == 1, seconds=60)
        assert httpx.get(f"http://127.0.0.1:{at.port}/healthz", timeout=ANSWER_SECONDS, trust_env=False).is_success
    assert arrived() == sorted(sent)
    assert "Traceback" not in at.log(), at.log()
    assert "ERROR" not in at.log(), at.log()
