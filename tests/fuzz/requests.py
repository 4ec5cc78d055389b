"""Random requests, each made from its own number alone, so that any of them can be made again."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.utils.datastructures import MultiValueDict

from liveblog.live import Question
from liveblog.page_cache.addresses import _PARAMETERS
from tests.fuzz.addresses import Address, http_addresses, socket_addresses
from tests.fuzz.words import CHARSETS, FILES, ODD, SESSION_COOKIES, odd, quoted, spoil
from tests.fuzz.world import CSRF_TOKEN, ROLES, WEBP, World

type Header = tuple[bytes, bytes]

METHODS = (
    ("GET",) * 9 + ("POST",) * 8 + ("HEAD", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")
)
KINDS = (
    b"application/json", b"text/plain", b"", b"\xff", b"x" * 300, b"a/b; x*=no-such''y", b"a/b; charset*=utf-8''%00",
    b"a/b; charset*=hex''61", b"a/b; x=" + b"y" * 20_000, b";;;=", b'a/b; charset="',
    b"a/b; charset*0=utf; charset*1=-8",
)  # fmt: skip
BOUNDARY = b"fuzz0123456789"
FORM = b"application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """A request as a server hands it on."""

    address: Address
    role: str
    method: str
    target: bytes
    headers: tuple[Header, ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path as servers decode it."""
        return unquote_to_bytes(self.target.partition(b"?")[0]).decode("utf-8", "replace")

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    def __str__(self) -> str:
        headers = "".join(f"\n    {name.decode()}: {value!r}" for name, value in self.headers)
        body = f"\n    {self.body[:2_000]!r} ({len(self.body)} bytes)" if self.body else ""
        return f"{self.role}: {self.method} {self.target.decode('latin-1')}{headers}{body}"


@dataclass
class Names:
    """The names of parameters and fields that views ask for, learned while they ask, and values seen in forms.

    What is read without asking a dictionary of Django's is known from where pages are kept by it, and from polls.
    """

    by_route: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    values: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    route: str = ""

    def __post_init__(self) -> None:
        for address in http_addresses():
            filled = address.fill(dict.fromkeys(address.parameters, "1"))
            self.by_route[address.route].update(*(names for pattern, names in _PARAMETERS if pattern.fullmatch(filled)))
            if filled.endswith("/changes/"):
                self.by_route[address.route].update(Question._fields)

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Listen to whoever asks a query or a form for something."""
        with pytest.MonkeyPatch.context() as patched:
            for asking in ("__getitem__", "__contains__", "getlist"):
                patched.setattr(MultiValueDict, asking, self._heard(getattr(MultiValueDict, asking)))
            yield

    def add_values(self, name: str, values: Iterable[str]) -> None:
        """Keep some of the values that a form offers for a field."""
        kept = self.values[name]
        kept += [value for value in values if value not in kept and len(value) < 100][: 12 - len(kept)]

    def of(self, route: str) -> list[str]:
        """Return what the view there asks for, and a few of what others ask for, always in the same order."""
        return sorted(self.by_route[route])

    @property
    def all(self) -> list[str]:
        return sorted(set().union(*self.by_route.values()))

    def _heard(self, asked: Callable[..., Any]) -> Callable[..., Any]:
        def listen(fields: "MultiValueDict[str, Any]", name: Any, *rest: Any) -> Any:
            if isinstance(name, str) and len(name) < 40:
                self.by_route[self.route].add(name)
            return asked(fields, name, *rest)

        return listen


class Maker:
    """Makes requests for a world."""

    def __init__(self, world: World, addresses: list[Address], names: Names) -> None:
        self._world = world
        self._addresses = addresses
        self._names = names

    def make(self, random: Random) -> Request:
        """Return one of any kind: most are nearly right, so that they get far."""
        address, role = random.choice(self._addresses), random.choice(ROLES)
        method = random.choice(METHODS)
        path = self._path(address, role, random)
        query = self._query(address, random) if random.random() < 0.5 else b""
        headers = self._identity(role, random) + self._odd_headers(random)
        body = b""
        if method not in {"GET", "HEAD"} or random.random() < 0.02:
            kind, body = self._body(address, random)
            headers += ((b"content-type", _clean(kind)), (b"content-length", str(len(body)).encode()))
        target = path + (b"?" + query if query else b"")
        return Request(address, role, method, target, headers, body)

    def plain(self, address: Address, role: str, random: Random, method: str = "GET", body: bytes = b"") -> Request:
        """Return one that is right in every way, as far as ``role`` may."""
        form = ((b"content-type", FORM), (b"content-length", str(len(body)).encode())) if body else ()
        target = address.fill(self._real_parts(address, role, random)).encode()
        return Request(address, role, method, target, self._identity(role) + form, body)

    def sensible(self, address: Address, role: str, random: Random, method: str) -> Request:
        """Return one that sends what the view asks for, none of it odd."""
        asked = [name for name in self._names.of(address.route) if name != "csrfmiddlewaretoken"]
        fields = [(name, self._value(name, random, 0)) for name in asked if random.random() < 0.8]
        if method == "GET":
            request = self.plain(address, role, random)
            return replace(request, target=request.target + b"?" + _urlencoded(fields, random))
        request = self.plain(address, role, random, method, _multipart(fields, random))
        headers = tuple(pair for pair in request.headers if pair[0] != b"content-type")
        kind = (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)
        return replace(request, headers=(*headers, kind))

    def make_socket(self, random: Random) -> Request:
        """Return the request with which a socket is opened; its body is what is said then."""
        address = random.choice(socket_addresses())
        names = random.choice((["after", "edition"], ["after"], ["after", "edition", "desk"], []))
        query = b"&".join(b"%s=%s" % (name.encode(), self._value(name, random, 0.2)) for name in names)
        target = self._path(address, "stranger", random) + b"?" + query
        return Request(address, "stranger", "GET", target, self._odd_headers(random), odd(random))

    # Its parts.

    def _identity(self, role: str, random: Random | None = None) -> tuple[Header, ...]:
        """Return the cookies of somebody, and the token that forms carry; at random, spoiled ones."""
        session, token = self._world.sessions.get(role, "").encode(), CSRF_TOKEN.encode()
        cookies = [b"csrftoken=" + token]
        match random.randrange(30) if random else 0:
            case 1 | 2:
                session = random.choice(SESSION_COOKIES)
            case 3:
                cookies = [name + random.choice(SESSION_COOKIES) for name in (b"csrftoken=", b"messages=")]
            case 4:
                cookies += [b";;=; a; =b; csrftoken", b"sessionid=" + random.choice(SESSION_COOKIES)]
        if session:
            cookies.append(b"sessionid=" + session)
        return (b"cookie", b"; ".join(cookies)), (b"x-csrftoken", token)

    def _real_parts(self, address: Address, role: str, random: Random) -> dict[str, str]:
        parts = {name: random.choice(self._world.known(name) or ["nothing"]) for name in address.parameters}
        whose = role if random.random() < 0.7 else ""
        return parts | (random.choice(self._world.links(whose)) if "uidb64" in parts else {})

    def _path(self, address: Address, role: str, random: Random) -> bytes:
        parts = self._real_parts(address, role, random)
        wrong = {random.choice(list(parts))} if parts and random.random() < 0.25 else set()
        values = {
            name: quoted(spoil(value, random), random) if name in wrong else value for name, value in parts.items()
        }
        path = address.fill(values)
        if random.random() < 0.08:
            end = quoted(odd(random), random)
            at = random.randint(0, len(path))
            start, rest = path[:at], path[at:]
            added = [start + end + rest, path + end, f"{path}{end}/", f"{path};{end}", path + "/", f"/{path}"]
            path = random.choice([*added, path.rstrip("/"), path.upper(), path.replace("/", "%2F", 2)])
        return (path if path.startswith("/") else f"/{path}").encode()

    def _fields(self, address: Address, random: Random, *, few: bool = False) -> list[tuple[str, bytes]]:
        """Return names with values: most of what the view asks for, mostly such that it can make something of it."""
        asked = [name for name in self._names.of(address.route) if name != "csrfmiddlewaretoken"]
        share = random.choice((0.3, 0.6, 0.9)) * (0.4 if few else 1)
        chosen = [name for name in asked if random.random() < share]
        if random.random() < 0.15:
            chosen.append(random.choice(self._names.all))
        if random.random() < 0.08:
            chosen += [random.choice(ODD).decode("utf-8", "replace")[:60], random.choice(chosen or [""])]
        wrongness = random.choice((0, 0, 0.2, 0.6))
        return [(name, self._value(name, random, wrongness)) for name in chosen]

    def _value(self, name: str, random: Random, wrongness: float) -> bytes:
        seen = self._names.values.get(name, [])
        value = random.choice((self._world.known(name) + seen) or ["1", "Words.", "on", "2026-11-22T20:00"])
        return spoil(value, random) if random.random() < wrongness else value.encode()

    def _query(self, address: Address, random: Random) -> bytes:
        pairs = [f"{quoted(name.encode(), random)}={quoted(value, random)}" for name, value in
                 self._fields(address, random, few=True)]  # fmt: skip
        if random.random() < 0.05:
            pairs.append(quoted(odd(random), random))
        if random.random() < 0.01:
            pairs *= 400
        raw = random.choice((b"\xff", b"=\x80&", b"%")) if random.random() < 0.02 else b""
        return "&".join(pairs).encode() + raw

    def _body(self, address: Address, random: Random) -> tuple[bytes, bytes]:
        fields = self._fields(address, random)
        match random.randrange(12):
            case 0:
                return random.choice(KINDS), _json(fields)
            case 1:
                return FORM, odd(random) * random.choice((1, 1, 50))
            case 2:
                return FORM + b"; charset=" + random.choice(CHARSETS).encode(), _urlencoded(fields, random)
            case 3:
                return _broken_multipart(fields, random)
            case 4 | 5:
                return _multipart_type(random), _multipart(fields, random)
            case _:
                return FORM, _urlencoded(fields, random)

    def _odd_headers(self, random: Random) -> tuple[Header, ...]:
        return tuple(_header(random, self._world) for _ in range(random.choice((0, 0, 0, 1, 1, 2, 4))))


def _json(fields: list[tuple[str, bytes]]) -> bytes:
    return json.dumps({name: value.decode("latin-1") for name, value in fields}).encode()


def _urlencoded(fields: list[tuple[str, bytes]], random: Random) -> bytes:
    pairs = "&".join(f"{quoted(name.encode(), random)}={quoted(value, random)}" for name, value in fields)
    return (pairs + ("&a=1" * 1_100 if random.random() < 0.01 else "")).encode()


def _multipart_type(random: Random) -> bytes:
    charset = f"; charset={random.choice(CHARSETS)}".encode() if random.random() < 0.1 else b""
    return b"multipart/form-data; boundary=" + BOUNDARY + charset


def _multipart(fields: list[tuple[str, bytes]], random: Random) -> bytes:
    lines = []
    for name, value in fields:
        lines.append(b'--%s\r\nContent-Disposition: form-data; name="%s"' % (BOUNDARY, name.encode()))
        if name in {"photo", "photos", "cover"} or random.random() < 0.05:
            value = WEBP if random.random() < 0.4 else random.choice(FILES)
            file_name = random.choice((b"a.webp", b"../../a", b"a\x00b", b"\xff\xfe", b"", b"a" * 300, b'a"b'))
            lines[-1] += b'; filename="%s"\r\nContent-Type: image/webp' % file_name
        if random.random() < 0.05:
            encoding = random.choice((b"base64", b"quoted-printable", b"x"))
            lines[-1] += b"\r\nContent-Transfer-Encoding: " + encoding
        lines[-1] += b"\r\n\r\n" + value + b"\r\n"
    return b"".join(lines) + b"--" + BOUNDARY + b"--\r\n"


def _broken_multipart(fields: list[tuple[str, bytes]], random: Random) -> tuple[bytes, bytes]:
    whole = _multipart(fields or [("body", b"Words.")], random)
    cut = whole[: random.randint(0, len(whole))]
    kinds = (b"", b"; boundary=", b"; boundary=" + b"x" * 300, b"; boundary=\xff", b"; boundary=%s" % BOUNDARY)
    return b"multipart/form-data" + random.choice(kinds), random.choice(
        (cut, whole.replace(b"\r\n", b"\n"), whole.replace(b"form-data", b"x"), whole)
    )


_HEADERS: dict[str, tuple[str, ...]] = {
    "hx-request": ("true", "true", "false", ""),
    "hx-target": ("feed", "\x80", "x" * 300),
    "hx-current-url": ("http://testserver/", "http://[", "%zz", "//"),
    "liveblog-author": ("0", "-1", "٣", "x"),
    "if-none-match": ("*", '"x"', 'W/"x", "y"', '"', ",,,", "x" * 3_000),
    "if-match": ("*", '"x"'),
    "if-modified-since": ("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 99999 99:99:99 GMT", "0", "-1",
                          "Fri, 31 Dec 9999 23:59:59 GMT"),
    "if-unmodified-since": ("Thu, 01 Jan 1970 00:00:00 GMT", "x"),
    "range": ("bytes=0-0", "bytes=-1", "bytes=9999999999-", "bytes=0-1,5-9", "x"),
    "accept-encoding": ("gzip", "br", "gzip;q=0, br;q=x", "*;q=0", "identity;q=0, *;q=0", "x" * 1_000, ""),
    "accept": ("application/json", "text/*;q=x", "", "\x00"),
    "accept-language": ("de", "de;q=x", "x" * 1_000, "a-" * 300, "\xff"),
    "host": ("evil.example", "testserver:99999", "testserver:x", "[::1", "", "a" * 300, "testserver@evil"),
    "x-forwarded-host": ("evil.example",),
    "x-forwarded-proto": ("https", "x"),
    "x-forwarded-for": ("1.2.3.4", "x", "\x00", "::1%lo"),
    "x-request-id": ("fuzz-1", "\r", "x" * 500, "{}"),
    "x-csrftoken": ("x", "", "\xff" * 64),
    "origin": ("null", "https://evil.example", "http://[", "http://testserver"),
    "referer": ("http://evil.example/", "http://[", "http://testserver/", "\xff"),
    "authorization": ("Basic x", "Bearer x", "\xff"),
    "x-http-method-override": ("DELETE",),
    "content-type": ("text/html", "a/b; x*=no-such''y"),
    "upgrade": ("websocket",),
    "user-agent": ("", "\xff\xfe", "Mozilla/5.0"),
}  # fmt: skip


def _header(random: Random, world: World) -> Header:
    name = random.choice(list(_HEADERS))
    values = _HEADERS[name]
    if name == "liveblog-author" and random.random() < 0.7:
        values = tuple(str(user.pk) for user in world.people.values())
    value = random.choice(values).encode("latin-1", "replace")
    value = odd(random)[:200] if random.random() < 0.1 else value
    return name.encode(), _clean(value)


def _clean(value: bytes) -> bytes:
    """Return what a server hands on of a header: these bytes end it, or have it refused."""
    return value.translate(None, b"\r\n\x00")
