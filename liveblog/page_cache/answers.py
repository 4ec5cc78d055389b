"""A kept answer: as Django gave it, compressed once for each coding, and its bare 304."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from django.utils.http import parse_etags, parse_http_date_safe

from liveblog.codings import compress
from liveblog.dependencies import Dependency
from liveblog.disconnects import Message

OVERHEAD_BYTES = 2_000
"""What an answer takes beside its bodies: headers, messages, keys."""
SHORT_BYTES = 200
"""What is shorter is not compressed, as in Django."""
NO_BODY: Message = {"type": "http.response.body", "body": b""}

_NOT_IN_304 = {b"content-type", b"content-length", b"content-language"}
_OURS = {b"etag", b"vary", b"content-length"}

type Headers = list[tuple[bytes, bytes]]


class Coded(NamedTuple):
    """The two messages of an answer in one coding, and the start of the answer that nothing has changed."""

    start: Message
    body: Message
    not_modified: Message


class KeptAnswer:
    """An answer of Django's to a request without cookie and ``Accept-Encoding``."""

    def __init__(self, status: int, headers: Headers, body: bytes, dependency: Dependency) -> None:
        named = dict(headers)
        self.dependency = dependency
        self.status = status
        self.etag = named.get(b"etag", b"").removeprefix(b"W/") or b'"%s"' % _digest(body)
        self.modified_at = parse_http_date_safe(named.get(b"last-modified", b"").decode("latin-1"))
        self.expires_at = float("inf")
        """When it is forgotten, by the monotonic clock."""
        self.used_at = 0.0
        self.is_kept = False
        self.size = len(body) + OVERHEAD_BYTES
        self._headers = [(name, value) for name, value in headers if name not in _OURS]
        self._body = body
        self._is_compressible = len(body) >= SHORT_BYTES and not named.get(b"content-type", b"").startswith(b"image/")
        self._vary = named.get(b"vary", b"")
        self._coded: dict[str, Coded] = {"": self._messages(body, "")}
        self._coding: dict[str, asyncio.Task[Coded]] = {}

    async def coded(self, coding: str) -> tuple[Coded, int]:
        """Return it in a coding, and by how many bytes it has grown, to the first who has asked for that."""
        if not self._is_compressible or self.status != 200:
            coding = ""
        if found := self._coded.get(coding):
            return found, 0
        is_first = coding not in self._coding
        if is_first:
            self._coding[coding] = asyncio.create_task(self._compress(coding))
        found = await asyncio.shield(self._coding[coding])
        return found, len(found.body["body"]) if is_first else 0

    async def _compress(self, coding: str) -> Coded:
        body = await asyncio.to_thread(compress, self._body, coding)
        self._coded[coding] = found = self._messages(body, coding)
        return found

    def is_known(self, if_none_match: bytes, if_modified_since: bytes) -> bool:
        """Return whether who asks has it already (RFC 9110, section 13.2.2)."""
        if self.status != 200:
            return False
        if if_none_match:
            tags = parse_etags(if_none_match.decode("latin-1"))
            return "*" in tags or self.etag.decode("latin-1") in {tag.removeprefix("W/") for tag in tags}
        since = parse_http_date_safe(if_modified_since.decode("latin-1"))
        return since is not None and self.modified_at is not None and self.modified_at <= since

    def _messages(self, body: bytes, coding: str) -> Coded:
        headers = list(self._headers)
        if self.status == 200:
            headers.append((b"etag", b"W/" + self.etag if coding else self.etag))
        if vary := ", ".join(_merged(self._vary, b"Accept-Encoding" if self._is_compressible else b"")):
            headers.append((b"vary", vary.encode("latin-1")))
        known = [(name, value) for name, value in headers if name not in _NOT_IN_304]
        if coding:
            headers.append((b"content-encoding", coding.encode()))
        if self.status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        return Coded(
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": body},
            {"type": "http.response.start", "status": 304, "headers": known},
        )


def _merged(*lists: bytes) -> Iterable[str]:
    return dict.fromkeys(name.strip() for names in lists for name in names.decode("latin-1").split(",") if name.strip())


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=12).hexdigest().encode()
