"""Pages from memory: byte for byte what Django would say now, and never what it would no longer say."""

import asyncio
import gzip
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple

import brotli
import pytest
from django.core.asgi import get_asgi_application
from django.db import OperationalError
from django.db.models import F
from django.utils import timezone
from django.utils.http import http_date

from liveblog import codings
from liveblog.admission import admit
from liveblog.codings import choose_coding
from liveblog.disconnects import Application, Message, Receive, Scope, Send, carry_out
from liveblog.feed import Feeds, ticker
from liveblog.models import Event
from liveblog.page_cache import addresses, answers
from liveblog.page_cache import cache as page_cache
from liveblog.page_cache.addresses import read_address
from liveblog.server import Server
from tests.asgi import TEST_SECONDS, every_query, in_thread, thread_name, until
from tests.server import Site, publish

pytestmark = pytest.mark.django_db(transaction=True)

HOST = (b"host", b"testserver")
SESSION = (b"cookie", b"sessionid=" + b"x" * 32)

type Pairs = tuple[tuple[bytes, bytes], ...]


class Answer(NamedTuple):
    """What came back, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Django:
    """The application as Django alone gives it, counted and, if a test says so, held up with its answer."""

    def __init__(self) -> None:
        self.application = admit(carry_out(get_asgi_application()))
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.holds = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        gate, self.gate = self.gate, None

        async def held(message: Message) -> None:
            if gate is not None:
                self.holds.set()
                await gate.wait()
            await send(message)

        await self.application(scope, receive, held)


async def fetch(
    application: Application, address: str, *headers: tuple[bytes, bytes], method: str = "GET", scheme: str = "http"
) -> Answer:
    """Ask an application for a path with a query."""
    path, _, query = address.partition("?")
    asked: asyncio.Queue[Message] = asyncio.Queue()
    asked.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": list(headers) if any(name == b"host" for name, _ in headers) else [HOST, *headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    await application(scope, asked.get, send)
    start, *parts = sent
    pairs = [(name.decode().title(), value.decode("latin-1")) for name, value in start["headers"]]
    assert len(pairs) == len(dict(pairs)), "a header came twice"
    return Answer(start["status"], dict(pairs), b"".join(part.get("body", b"") for part in parts))


def serve(main: Callable[[Server, Django], Coroutine[Any, Any, None]]) -> None:
    """Run ``main`` beside a server of its own, with its Django."""
    django = Django()
    server = Server(django)

    async def serving() -> None:
        server.start(asyncio.get_running_loop())
        await main(server, django)

    try:
        asyncio.run(asyncio.wait_for(serving(), TEST_SECONDS))
    finally:
        server.stop()


@pytest.fixture
def storm(make_event: Callable[..., Event]) -> Event:
    """Return a live event with three updates."""
    return make_event("The storm", slug="storm", updates=3)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the check come only when it is hurried."""
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 60)
    monkeypatch.setattr(page_cache, "SILENT_SECONDS", 600.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep for a minute what else ends after a second, which a slow machine may need for one rendering."""
    monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 60.0)


def change_unheard(event: Event, **fields: Any) -> None:
    """Change an event as another process does whose bell is not heard."""
    Event.objects.filter(pk=event.pk).update(revision=F("revision") + 1, head_revision=F("revision") + 1, **fields)


ADDRESSES = [
    "/",
    "/events/storm/",
    "/events/storm/?sort=oldest",
    "/events/storm/?sort=newest&around=2",
    "/events/storm/embed/?theme=dark&limit=2",
    "/events/storm/fragment/?order=oldest",
    "/events/storm/updates/2/",
    "/events/storm/updates/2/embed/",
    "/events/storm/feed.atom",
    "/events/storm/feed.json",
    "/feed.atom",
    "/feed.json",
    "/sitemap.xml",
    "/sitemap-events.xml",
    "/sitemap-updates-1.xml",
    "/events/storm/social-7.jpg",
]


# The same as Django's.


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_header_and_byte_is_djangos_own(storm: Event, address: str, patient: None) -> None:
    async def main(server: Server, django: Django) -> None:
        own = await fetch(django, address)
        assert own.status == 200
        django.asked.clear()
        for asked in (1, 1):  # rendered, then from memory
            answer = await fetch(server, address)
            assert len(django.asked) == asked
            assert answer.body == own.body
            tag = answer.headers["Etag"]
            assert answer.headers == {"Etag": tag} | own.headers
        head = await fetch(server, address, method="HEAD")
        assert head == (200, answer.headers, b"")
        not_modified = await fetch(server, address, (b"if-none-match", tag.encode()))
        assert (not_modified.status, not_modified.body) == (304, b"")
        for name in ("Content-Security-Policy", "Cache-Control", "Vary", "Etag"):
            assert not_modified.headers.get(name) == answer.headers.get(name), name
        assert "Content-Length" not in not_modified.headers
        assert len(django.asked) == 1

    serve(main)


@pytest.mark.parametrize("address", [address for address in ADDRESSES if not address.endswith(".jpg")])
def test_compressed_it_is_the_same(storm: Event, address: str) -> None:
    async def main(server: Server, django: Django) -> None:
        plain = await fetch(django, address)
        own = await fetch(django, address, (b"accept-encoding", b"gzip"))
        for coding, expand in (("gzip", gzip.decompress), ("br", brotli.decompress), ("gzip", gzip.decompress)):
            answer = await fetch(server, address, (b"accept-encoding", coding.encode()))
            assert expand(answer.body) == plain.body
            assert answer.headers["Content-Encoding"] == coding
            assert answer.headers["Content-Length"] == str(len(answer.body))
            assert answer.headers["Etag"].startswith("W/")
            differing = {"Content-Length", "Content-Encoding", "Etag"}
            for name in answer.headers.keys() | own.headers.keys() - differing:
                assert name in differing or answer.headers[name] == own.headers[name], name

    serve(main)


def test_a_picture_is_not_compressed_once_more(storm: Event) -> None:
    async def main(server: Server, django: Django) -> None:
        answer = await fetch(server, "/events/storm/social-7.jpg", (b"accept-encoding", b"gzip, br"))
        assert "Content-Encoding" not in answer.headers
        assert answer.body.startswith(b"\xff\xd8")

    serve(main)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"gzip, deflate, br, zstd", "br"),
        (b"gzip, deflate", "gzip"),
        (b"br;q=0, gzip;q=0.5", "gzip"),
        (b"br;q=0.0,gzip; q=0", ""),
        (b"identity", ""),
        (b"*", "br"),
        (b"*;q=0", ""),
        (b"br;q=0, *", "gzip"),
        (b"GZIP", "gzip"),
        (b",,", ""),
    ],
)
def test_what_a_browser_takes(accepted: bytes, coding: str) -> None:
    assert choose_coding(accepted) == coding


def test_who_has_a_feed_since_its_last_change_is_told_that_it_has_not_changed(storm: Event) -> None:
    changed_at = timezone.now() - timedelta(minutes=5)
    Event.objects.filter(pk=storm.pk).update(changed_at=changed_at)

    async def main(server: Server, django: Django) -> None:
        address = "/events/storm/feed.atom"
        for _ in range(2):
            for minutes, status in ((4, 304), (6, 200)):
                since = http_date((timezone.now() - timedelta(minutes=minutes)).timestamp()).encode()
                assert (await fetch(server, address, (b"if-modified-since", since))).status == status
        since = http_date(timezone.now().timestamp()).encode()
        other = (b"if-none-match", b'"another"')
        assert (await fetch(server, address, (b"if-modified-since", since), other)).status == 200
        assert len(django.asked) == 1

    serve(main)


@pytest.mark.parametrize(
    ("headers", "scheme", "status"),
    [
        ((HOST,), "http", 301),
        ((HOST,), "https", 200),
        ((HOST, (b"x-forwarded-proto", b"https")), "http", 200),
        ((HOST, (b"x-forwarded-proto", b"http")), "https", 301),
        (((b"host", b"elsewhere.example"), (b"x-forwarded-proto", b"https")), "http", 400),
        (((b"host", b"testserver:80:80"), (b"x-forwarded-proto", b"https")), "http", 400),
        ((HOST, (b"host", b"elsewhere.example"), (b"x-forwarded-proto", b"https")), "http", 400),
    ],
)
def test_hosts_and_schemes_are_djangos_to_judge(
    storm: Event, settings: Any, headers: Pairs, scheme: str, status: int
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 86_400
    secure = (b"x-forwarded-proto", b"https")

    async def main(server: Server, django: Django) -> None:
        assert (await fetch(server, "/events/storm/", HOST, secure)).status == 200  # there is one to be had
        own = await fetch(django, "/events/storm/", *headers, scheme=scheme)
        answer = await fetch(server, "/events/storm/", *headers, scheme=scheme)
        assert answer.status == own.status == status
        assert answer.body == own.body
        for name, value in own.headers.items():
            assert answer.headers[name] == value
        if status == 200:
            assert answer.headers["Strict-Transport-Security"] == "max-age=86400"

    addresses._is_host_allowed.cache_clear()
    serve(main)
    addresses._is_host_allowed.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "/desk/",
        "/desk/storm/",
        "/accounts/login/",
        "/admin/",
        "/join/abc/",
        "/events/storm/changes/",
        "/events/storm/embed/code/",
        "/events/storm/photos/abc-480.webp",
        "/events/storm",
        "/events/st%00orm/",
        "/events/stürm/",
        "/events/storm/updates/٣/",
        "/events/storm/updates/1\n/",
        "/robots.txt",
    ],
)
def test_only_public_pages_pass_it(address: str) -> None:
    assert read_address(address, b"") is None


def test_nobody_fills_the_memory_with_what_was_asked_once() -> None:
    for number in range(50):
        long = f"{number:05}" * 200
        assert read_address(f"/events/{long}/", b"") is None
        assert read_address("/events/storm/", f"sort={long}".encode()) is None
        assert not page_cache.is_host_allowed(long.encode())
        assert choose_coding(f"br, {long}".encode()) == ""
    for kept in (addresses._read_address, addresses._is_host_allowed, codings._choose_coding):
        assert kept.cache_info().currsize < 1_000


@pytest.mark.parametrize("query", [b"sort=\xff", b"&" * 50, b"sort=" + b"n" * 2_000])
def test_django_says_what_is_wrong_with_a_strange_query(query: bytes) -> None:
    assert read_address("/events/storm/", query) is None


def test_only_what_a_page_reads_tells_its_answers_apart(storm: Event) -> None:
    async def main(server: Server, django: Django) -> None:
        page = await fetch(server, "/events/storm/?sort=oldest&around=2")
        for query in (
            "around=2&sort=oldest",
            "utm_source=paper&around=2&sort=oldest&fbclid=x",
            "sort=newest&sort=oldest&around=2",
            "s%6frt=oldest&around=%32",
            "sort=oldest&around=2&theme=dark",
        ):
            assert await fetch(server, f"/events/storm/?{query}") == page
        assert django.asked == ["/events/storm/?around=2&sort=oldest"]
        dark = await fetch(server, "/events/storm/embed/?theme=dark")
        assert dark.body != (await fetch(server, "/events/storm/embed/")).body

    serve(main)


def test_a_post_to_a_page_is_djangos_to_refuse(storm: Event) -> None:
    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/events/storm/")
        assert (await fetch(server, "/events/storm/", method="POST")).status == 405

    serve(main)


# Dropped at a change.


def test_who_asks_after_a_change_never_gets_the_page_before_it(storm: Event, unchecked: None, patient: None) -> None:
    async def main(server: Server, django: Django) -> None:
        for number in range(40):
            words = f"Word {number} of the storm"
            await in_thread(publish, storm, words)
            for _ in range(2):
                assert words in (await fetch(server, "/events/storm/")).text
                assert words in (await fetch(server, "/")).text
        assert len(django.asked) == 80

    serve(main)


def test_readers_beside_an_author_never_get_less_than_was_committed_before_they_asked(
    storm: Event, unchecked: None
) -> None:
    posts = 30
    committed: list[int] = []

    def post() -> None:
        for number in range(posts):
            publish(storm, f"Post {number}.")
            committed.append(number)
            time.sleep(0.01)

    async def main(server: Server, django: Django) -> None:
        asked = 0

        async def read() -> None:
            nonlocal asked
            while len(committed) < posts:
                before = len(committed)
                page = await fetch(server, f"/events/storm/?utm={asked}")
                assert all(f"Post {number}." in page.text for number in committed[:before])
                asked += 1
                await asyncio.sleep(0)

        await asyncio.gather(in_thread(post), *(read() for _ in range(5)))
        assert len(django.asked) < asked, "nothing came from memory"

    serve(main)


@pytest.mark.parametrize("ask", [(SESSION, ""), (None, "at={}")], ids=["session", "at"])
def test_what_another_process_has_changed_comes_at_once_to_who_knows_of_it(
    storm: Event, unchecked: None, ask: tuple[tuple[bytes, bytes] | None, str]
) -> None:
    cookie, query = ask

    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/events/storm/")
        await in_thread(change_unheard, storm, title="The hurricane")
        assert "The hurricane" not in (await fetch(server, "/events/storm/")).text
        query_ = query.format(storm.revision + 1)
        headers = [cookie] if cookie else []
        for _ in range(2):
            assert "The hurricane" in (await fetch(server, f"/events/storm/?{query_}", *headers)).text
        assert len(django.asked) == 2

    storm.refresh_from_db()
    serve(main)


def test_an_author_finds_the_list_as_it_is_now_and_so_does_everybody_after_that(
    storm: Event, unchecked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 60.0)

    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/")
        await in_thread(change_unheard, storm, title="The hurricane")
        assert "The hurricane" not in (await fetch(server, "/")).text
        authors = await asyncio.gather(*(fetch(server, "/", SESSION) for _ in range(30)))
        assert all("The hurricane" in answer.text for answer in authors)
        assert "The hurricane" in (await fetch(server, "/")).text
        assert len(django.asked) <= 4, "each author has had a page of their own rendered"

    serve(main)


def test_a_revision_that_the_database_does_not_have_is_not_waited_for(storm: Event, unchecked: None) -> None:
    asked: list[str] = []

    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/events/storm/")
        asked.clear()
        answers = await asyncio.gather(*(fetch(server, "/events/storm/?at=999999") for _ in range(50)))
        assert {answer.status for answer in answers} == {200}
        assert len(django.asked) == 1
        assert 1 <= sum(thread_name == "ticker" for thread_name in asked) <= 3, "each has asked the database"

    with every_query(lambda sql: asked.append(thread_name())):
        serve(main)


def test_what_another_process_has_changed_comes_to_everybody_with_the_next_check(
    storm: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)

    async def main(server: Server, django: Django) -> None:
        assert "The storm" in (await fetch(server, "/events/storm/")).text
        await in_thread(change_unheard, storm, title="The hurricane")
        while "The hurricane" not in (await fetch(server, "/events/storm/")).text:
            await asyncio.sleep(0.02)
        await in_thread(Event.objects.filter(pk=storm.pk).update, edition="0" * 8, title="The breeze")
        while "The breeze" not in (await fetch(server, "/events/storm/")).text:
            await asyncio.sleep(0.02)

    serve(main)


def test_who_may_frame_it_holds_at_once(storm: Event, unchecked: None) -> None:
    async def main(server: Server, django: Django) -> None:
        async def policy() -> str:
            return (await fetch(server, "/events/storm/embed/")).headers["Content-Security-Policy"]

        assert "frame-ancestors * file:" in await policy()
        await in_thread(storm.revise, embed_sites=["https://paper.example"])
        assert "frame-ancestors 'self' https://paper.example" in await policy()

    serve(main)


@pytest.mark.parametrize("address", ["/events/storm/", "/events/storm/feed.atom", "/events/storm/social-1.jpg"])
def test_a_draft_is_gone_at_once_and_public_again_at_once(storm: Event, unchecked: None, address: str) -> None:
    async def main(server: Server, django: Django) -> None:
        for change, status in ((storm.make_draft, 404), (storm.go_live, 200), (storm.remove, 404)):
            await fetch(server, address)
            await in_thread(change)
            for _ in range(2):
                answer = await fetch(server, address)
                assert answer.status == status
            assert status == 200 or answer.headers["Cache-Control"] == "no-store"

    serve(main)


def test_a_page_turns_when_its_event_is_due(storm: Event, unchecked: None) -> None:
    starts_at = timezone.now() + timedelta(seconds=1)
    storm.revise(starts_at=starts_at)

    async def main(server: Server, django: Django) -> None:
        is_due, began_at = "is-due" in (await fetch(server, "/events/storm/")).text, timezone.now()
        assert not is_due or began_at >= starts_at
        while "is-due" not in (await fetch(server, "/events/storm/")).text:
            await asyncio.sleep(0.05)
        assert timezone.now() >= starts_at
        assert len(django.asked) <= 2

    serve(main)


# Rendered once.


def test_hundreds_who_ask_at_once_share_one_rendering_and_then_memory(storm: Event) -> None:
    async def main(server: Server, django: Django) -> None:
        for _ in range(2):
            answers = await asyncio.gather(*(fetch(server, f"/events/storm/?x={n}") for n in range(300)))
            assert len({answer.body for answer in answers}) == 1
            assert len(django.asked) == 1

    serve(main)


def test_a_crowd_has_a_page_compressed_once(storm: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[str] = []
    real = answers.compress

    def counted(body: bytes, coding: str) -> bytes:
        compressed.append(coding)
        return real(body, coding)

    monkeypatch.setattr(answers, "compress", counted)

    async def main(server: Server, django: Django) -> None:
        pages = server.start(asyncio.get_running_loop()).pages
        coding = (b"accept-encoding", b"br")
        crowd = await asyncio.gather(*(fetch(server, "/events/storm/", coding) for _ in range(200)))
        assert len({answer.body for answer in crowd}) == 1
        assert compressed == ["br"]
        plain = len((await fetch(server, "/events/storm/")).body)
        assert pages.bytes == plain + len(crowd[0].body) + answers.OVERHEAD_BYTES

    serve(main)


def test_who_leaves_does_not_take_the_rendering_away(storm: Event) -> None:
    async def main(server: Server, django: Django) -> None:
        asking = [asyncio.create_task(fetch(server, "/events/storm/")) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        assert (await asking[1]).status == (await asking[2]).status == 200
        assert len(django.asked) == 1

    serve(main)


def test_a_rendering_that_a_change_overtakes_goes_to_those_who_wait_and_to_nobody_else(
    storm: Event, unchecked: None
) -> None:
    async def main(server: Server, django: Django) -> None:
        gate = django.gate = asyncio.Event()
        early = [asyncio.create_task(fetch(server, "/events/storm/")) for _ in range(3)]
        await django.holds.wait()
        await in_thread(publish, storm, "Later than all of that.")
        late = await fetch(server, "/events/storm/")
        assert "Later than all of that." in late.text
        gate.set()
        assert all("Later than all of that." not in answer.text for answer in await asyncio.gather(*early))
        assert await fetch(server, "/events/storm/") == late
        assert len(django.asked) == 2

    serve(main)


def test_a_change_of_another_event_takes_no_page_away_but_those_of_all(
    storm: Event, make_event: Callable[..., Event], unchecked: None
) -> None:
    other = make_event("Another", slug="another")

    async def main(server: Server, django: Django) -> None:
        for address in ("/events/storm/", "/"):
            await fetch(server, address)
        await in_thread(other.end)
        for address in ("/events/storm/", "/"):
            await fetch(server, address)
        assert django.asked == ["/events/storm/?", "/?", "/?"]

    serve(main)


def test_refusals_are_shared_for_a_second_and_kept_by_no_cache(storm: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 60.0)

    async def main(server: Server, django: Django) -> None:
        for address, status in (
            ("/events/nothing/", 404),
            ("/events/storm/?sort=sideways", 400),
            ("/events/storm/updates/99/", 404),
        ):
            django.asked.clear()
            for _ in range(3):
                answer = await fetch(server, address)
                assert answer.status == status
                assert answer.headers["Cache-Control"] == "no-store"
                assert "Etag" not in answer.headers
            assert len(django.asked) == 1
            monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 0.0)
            await fetch(server, f"{address}{'&' if '?' in address else '?'}sort=oldest")
            monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 60.0)

    serve(main)


def test_a_refusal_ends_with_its_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "BRIEF_SECONDS", 0.05)

    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/events/nothing/")
        while len(django.asked) == 1:
            await fetch(server, "/events/nothing/")
            await asyncio.sleep(0.01)

    serve(main)


# Silence.


def test_nothing_is_said_from_memory_while_nobody_knows_whether_it_is_right(
    storm: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(page_cache, "SILENT_SECONDS", 1.0)
    is_silent = False

    def seen(sql: str) -> None:
        if is_silent:
            raise OperationalError("silence")

    async def main(server: Server, django: Django) -> None:
        nonlocal is_silent
        await fetch(server, "/events/storm/")
        is_silent = True
        while (answer := await fetch(server, "/events/storm/")).status == 200:
            await asyncio.sleep(0.05)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "The database rests" in answer.text
        asked = len(django.asked)
        answers = await asyncio.gather(*(fetch(server, "/events/storm/?sort=oldest") for _ in range(20)))
        assert {answer.status for answer in answers} == {503}
        assert len(django.asked) == asked, "the silent database was asked by pages too"
        is_silent = False
        while (await fetch(server, "/events/storm/")).status != 200:
            await asyncio.sleep(0.05)

    with every_query(seen):
        serve(main)


# Room.


def test_what_is_used_least_makes_room(storm: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(server: Server, django: Django) -> None:
        size = len((await fetch(server, "/events/storm/")).body) + 3_000
        monkeypatch.setattr(page_cache, "MOST_BYTES", 6 * size)
        pages = server.start(asyncio.get_running_loop()).pages
        for number in range(20):
            await fetch(server, f"/events/storm/?around={number % 3 + 1}&sort={'newest' if number % 2 else 'oldest'}")
            await fetch(server, f"/events/storm/embed/?limit={number + 1}", (b"accept-encoding", b"br"))
            await fetch(server, "/events/storm/")
            assert pages.bytes <= page_cache.MOST_BYTES
        assert django.asked.count("/events/storm/?") == 1, "the page that everybody reads has made room"
        await in_thread(storm.end)
        assert pages.bytes == 0

    serve(main)


def test_what_nobody_asks_for_is_left_and_not_watched(storm: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(page_cache, "IDLE_SECONDS", 0.3)

    async def main(server: Server, django: Django) -> None:
        await fetch(server, "/events/storm/")
        pages = server.start(asyncio.get_running_loop()).pages
        assert pages.watched() == [storm.pk]
        await until(lambda: not pages.watched() and not pages.bytes)
        assert Feeds.here().find("storm") is None, "a page has loaded its event's feed"

    serve(main)


# Real servers.


@pytest.mark.parametrize("name", ["daphne", "uvicorn"])
def test_a_real_server_answers_from_memory(server: Callable[..., Site], name: str) -> None:
    site = server(SERVER=name)
    event = site.event(updates=3)
    with site.visitor() as visitor:
        pages = [visitor.get(f"/events/{event.slug}/?x={number}") for number in range(5)]
        assert {page.headers["Content-Encoding"] for page in pages} == {"br"}
        assert all("This is update 3." in page.text for page in pages)
        head = visitor.head(f"/events/{event.slug}/")
        assert (head.status_code, head.content) == (200, b"")
        tag = {"If-None-Match": pages[0].headers["ETag"]}
        again = visitor.get(f"/events/{event.slug}/", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        site.log_in(visitor, "ada")
        token = visitor.cookies["csrftoken"]
        posted = visitor.post(
            f"/desk/{event.slug}/updates/",
            data={"body": "Just now.", "key": str(uuid.uuid4()), "csrfmiddlewaretoken": token},
            headers={"Origin": site.url},
        )
        assert posted.status_code < 400
        assert "Just now." in site.get(f"/events/{event.slug}/").text
    figures = site.get("/metrics").text
    assert 'liveblog_pages_total{source="memory"} ' in figures
