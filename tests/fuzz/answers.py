"""What came back for a request, and everything that must not be true of it."""

import asyncio
import gzip
import logging
from collections import Counter, defaultdict
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import brotli

from tests.fuzz.requests import Request
from tests.fuzz.world import World

ANSWER_SECONDS = 300
TAKES_XML = "oembed/"
"""oEmbed demands a 501 for a format that a provider doesn't speak (oembed.com, 2.3.4)."""


class Answer(NamedTuple):
    """What came back; ``headers`` are in lower case, those that came twice joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as it is read, decompressed."""
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(self.body).decode("utf-8", "replace") if self.body else ""
            case "br":
                return brotli.decompress(self.body).decode("utf-8", "replace") if self.body else ""
        return self.body.decode("utf-8", "replace")


class Log(logging.Handler):
    """What is logged as an error, or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.found.append(self.format(record))

    def take(self) -> list[str]:
        found, self.found = self.found, []
        return found


async def send(request: Request, *, client: str = "127.0.0.1", chunks: int = 1, leaves: bool = False) -> Answer | None:
    """Hand a request to the application as a server does, its body in so many parts; ``None``: it ``leaves`` before."""
    from config.asgi import application

    sent: list[dict[str, Any]] = []
    asked = asyncio.Queue[dict[str, Any]]()
    size = max(1, -(-len(request.body) // chunks))
    parts = [request.body[at : at + size] for at in range(0, len(request.body), size)] or [b""]
    for number, part in enumerate(parts[:-1] if leaves else parts, 1):
        asked.put_nowait({"type": "http.request", "body": part, "more_body": number < len(parts)})
    if leaves:
        asked.put_nowait({"type": "http.disconnect"})

    async def take(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": request.method, "path": request.path, "raw_path": request.target.partition(b"?")[0],
        "query_string": request.query, "headers": [(b"host", b"testserver"), *request.headers],
        "client": (client, 50_000), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    if any(name == b"host" for name, _ in request.headers):
        scope["headers"] = list(request.headers)
    async with asyncio.timeout(ANSWER_SECONDS):
        await application(scope, asked.get, take)
    if not sent:
        assert leaves, "there was no answer"
        return None
    start, *rest = sent
    assert start["type"] == "http.response.start"
    headers: dict[str, str] = {}
    for name, value in start["headers"]:
        assert not set(value) & {0, 10, 13}, f"a header is broken: {value!r}"
        kept = headers.setdefault(name.decode("latin-1").lower(), "")
        headers[name.decode("latin-1").lower()] = (
            f"{kept}, {value.decode('latin-1')}" if kept else value.decode("latin-1")
        )
    return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in rest))


def faults_of(request: Request, answer: Answer, world: World) -> list[str]:
    """Return what is wrong with an answer."""
    return [*_failures(request, answer), *_headers(request, answer), *_body(request, answer, world)]


def _failures(request: Request, answer: Answer) -> list[str]:
    status = answer.status
    if status == 503 and "retry-after" not in answer.headers:
        return ["a 503 without Retry-After"]
    is_told = status == 503 or (status == 501 and request.address.route == TAKES_XML)
    return [] if status < 500 or is_told else [f"a {status}"]


def _headers(request: Request, answer: Answer) -> list[str]:
    headers, faults = answer.headers, []
    is_machines = request.address.route in {"healthz", "readyz", "metrics"}
    if headers.get("x-content-type-options") != "nosniff" and not is_machines:
        faults.append("no nosniff")
    if headers.get("content-type", "").startswith("text/html") and "content-security-policy" not in headers:
        faults.append("HTML without a policy")
    if answer.status >= 400 and "public" in headers.get("cache-control", ""):
        faults.append(f"a {answer.status} that caches may keep")
    if "public" in headers.get("cache-control", ""):
        if request.path.startswith("/desk/") and request.address.parameters:
            faults.append("a page of the desk that caches may keep")
        if "set-cookie" in headers or "cookie" in headers.get("vary", "").lower():
            faults.append("it looks at cookies, and caches may keep it")
    location = headers.get("location", "/")
    scheme, host = urlsplit(location.replace("\\", "/"))[:2]
    if scheme not in {"", "http"} or host not in {"", "testserver"}:
        faults.append(f"it leads elsewhere: {location}")
    return faults


def _body(request: Request, answer: Answer, world: World) -> list[str]:
    faults = []
    if answer.body and answer.status in {204, 304}:  # a HEAD's is the server's to leave out
        faults.append("a body where there is none")
    length = answer.headers.get("content-length")
    if length is not None and request.method != "HEAD" and int(length) != len(answer.body):
        faults.append("another length than it says")
    if answer.headers.get("content-type", "").startswith(("image/", "application/zip")):
        return faults
    text = answer.text
    if "Traceback (most recent call last)" in text:
        faults.append("a traceback")
    faults += [f"{words.words} shown to a {request.role}" for words in world.hidden
               if request.role not in words.roles and words.words in text]  # fmt: skip
    return faults


class Tally:
    """What was answered where: it tells whether the views have been reached at all."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self._by_view: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)

    def __str__(self) -> str:
        return ", ".join(f"{status} {count} times" for status, count in sorted(self.statuses.items()))

    def count(self, request: Request, answer: Answer) -> None:
        """Count one more answer."""
        self.statuses[answer.status] += 1
        self._by_view[request.address.route, request.method][answer.status] += 1

    def has_reached(self, route: str, method: str) -> bool:
        """Whether somebody got through to a view."""
        return any(status < 400 for status in self._by_view[route, method])

    def unreached(self) -> set[tuple[str, str]]:
        """Return the routes and methods by which nobody got through, but those that are never allowed there."""
        return {
            (route, method)
            for (route, method), found in self._by_view.items()
            if method in {"GET", "POST"} and 405 not in found and not self.has_reached(route, method)
        }

    def share(self, least: int, most: int) -> float:
        """Return which part of all answers had a status from ``least`` to below ``most``."""
        found = sum(count for status, count in self.statuses.items() if least <= status < most)
        return found / max(1, self.statuses.total())
