"""Only so many requests work at once, none keeps its slot while somebody is slow, and no kind shuts out another."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.conf import settings as django_settings
from django.core.exceptions import RequestAborted
from django.test import Client

from liveblog import admission, bodies, health
from liveblog.admission import SHARES, Kind, Slots, share_out
from liveblog.models import Event
from liveblog.stream import read_page
from tests.asgi import ask, in_thread, run, until
from tests.server import Site

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def few_slots(**slots: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        shares = dict.fromkeys(Kind, 8) | {Kind[name]: number for name, number in slots.items()}
        patched.setattr(admission, "share_out", lambda _: shares)
        yield


class Gate:
    """Holds those who read a page until it is opened, and counts them."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            assert self.open.wait(30)
            return read_page(*args, **kwargs)
        finally:
            with self._lock:
                self.inside -= 1


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Hold whoever reads an event's page."""
    made = Gate()
    monkeypatch.setattr("liveblog.views.read_page", made)
    monkeypatch.setattr("liveblog.embed.frames.read_page", made)
    return made


@pytest.mark.parametrize("connections", [-50, 0, 1, 4, 9, 12, 16, 30, 89, 10_000])
def test_every_kind_has_a_slot_and_together_they_have_no_more_than_there_are(connections: int) -> None:
    slots = share_out(connections)
    assert all(number >= 1 for number in slots.values())
    assert sum(slots[kind] for kind in SHARES) <= max(connections, len(SHARES))
    assert slots[Kind.PAGES] == max(slots[kind] for kind in SHARES)


def test_all_processes_of_all_machines_share_the_connections(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(admission, "count_connections", lambda: 97)
    settings.PROCESSES, settings.MACHINES = 4, 2
    asyncio.run(Slots().queue_for(Kind.PAGES))
    wanted = 8 * (sum(share_out(97 // 8 - admission.FEED_CONNECTIONS)[kind] for kind in SHARES) + 8)
    assert f"The database allows 97 connections; 8 processes may want {wanted}" in caplog.text


def test_a_page_waits_for_a_slot_and_is_then_shown(event: Event, gate: Gate) -> None:
    async def main() -> None:
        with few_slots(PAGES=2):
            asked = [
                asyncio.create_task(ask(f"/events/{event.slug}/embed/", f"limit={number}")) for number in range(1, 7)
            ]
            await until(lambda: gate.inside == 2)
            await asyncio.sleep(0.2)
            assert gate.inside == 2
            gate.open.set()
            answers = await asyncio.gather(*asked)
        assert [answer.status for answer in answers] == [200] * 6
        assert gate.most == 2

    run(main)


def test_who_waits_too_long_is_told_to_come_again_and_what_was_written_is_there(
    event: Event, author: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "QUEUE_SECONDS", 0.05)
    written = urlencode({"body": "It <passed>."}).encode()
    form = ((b"content-type", b"application/x-www-form-urlencoded"),)

    async def main() -> None:
        with few_slots(PAGES=1):
            first = asyncio.create_task(ask(f"/events/{event.slug}/"))
            await until(lambda: gate.inside == 1)
            page = await ask("/")
            assert (page.status, page.headers["Retry-After"], page.headers["Cache-Control"]) == (503, "5", "no-store")
            assert "Very many are here just now" in page.body
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            post = await ask("/desk/landing/updates/", method="POST", headers=form, body=written)
            assert post.status == 503
            assert "It &lt;passed&gt;.</textarea>" in post.body
            outbox = ((b"liveblog-author", b"1"), *form)
            post = await ask("/desk/landing/updates/", method="POST", headers=outbox, body=written)
            assert (post.status, post.headers["Retry-After"]) == (503, "5")
            assert "<" not in post.body
            gate.open.set()
            assert (await first).status == 200

    run(main)


def test_kinds_do_not_wait_for_each_other_and_a_cookie_s_name_alone_makes_no_author(
    event: Event, author: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "QUEUE_SECONDS", 0.05)
    client = Client()
    client.force_login(author)
    own = ((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}".encode()),)
    forged = ((b"cookie", b"sessionid=abcdefghijklmnopqrstuvwxyz012345"),)
    desk = f"/desk/{event.slug}/"

    async def main() -> None:
        with few_slots(PAGES=1, PLACES=1):
            assert (await ask(desk, headers=own)).status == 200  # from here on this session is known
            held = [
                asyncio.create_task(ask(f"/events/{event.slug}/", query))
                for query in ("", "before=2026-01-01T00:00:00.000000Z,1")
            ]
            await until(lambda: gate.inside == 2)
            assert (await ask(f"/events/{event.slug}/", "after=2026-01-01T00:00:00.000000Z,1")).status == 503
            assert (await ask(desk, headers=forged)).status == 503
            assert (await ask(desk, headers=own)).status == 200
            assert (await ask("/accounts/login/", method="POST")).status == 403
            assert (await ask("/healthz")).status == 200
            gate.open.set()
            assert [(await one).status for one in held] == [200, 200]

    run(main)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/events/landing/photos/0123-480.webp", Kind.PHOTOS),
        ("GET", "/desk/landing/photos/0123-480.webp", Kind.PHOTOS),
        ("GET", "/events/landing/social-7.jpg", Kind.PHOTOS),
        ("POST", "/desk/landing/photos/", Kind.UPLOADS),
        ("POST", "/desk/landing/updates/", Kind.AUTHORS),
        ("GET", "/events/landing/", Kind.PAGES),
    ],
)
def test_photos_are_handed_out_and_taken_in_beside_pages_and_texts(method: str, path: str, kind: Kind) -> None:
    async def main() -> None:
        slots = Slots()
        slots.note("abc", is_somebodys=True)
        scope = {"method": method, "path": path, "headers": [(b"cookie", b"sessionid=abc")], "query_string": b""}
        body = await bodies.Bodies().read({"headers": []}, _nothing)
        assert body is not None
        with closing(body):
            assert slots.kind_of(scope, body) is kind

    asyncio.run(main())


def test_a_session_that_has_ended_makes_no_author_any_more(event: Event, author: Any) -> None:
    client = Client()
    client.force_login(author)
    key = client.cookies["sessionid"].value
    own = ((b"cookie", f"sessionid={key}".encode()),)
    scope = {"path": "/desk/", "method": "GET", "headers": list(own), "query_string": b""}

    async def main() -> None:
        def kind() -> Kind:
            slots = Slots.current.get()
            assert slots is not None
            return slots.kind_of(scope, body)

        body = await bodies.Bodies().read({"headers": []}, _nothing)
        assert body is not None
        assert kind() is Kind.PAGES
        await ask("/desk/", headers=own)
        assert kind() is Kind.AUTHORS
        await in_thread(client.logout)
        await ask("/desk/", headers=own)
        assert kind() is Kind.PAGES
        body.close()

    run(main)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(("length", "status"), [("70000000", 413), ("999999999999999999999", 413)])
def test_a_body_that_is_announced_too_long_is_not_waited_for(length: str, status: int) -> None:
    async def main() -> None:
        answer = await ask(
            "/accounts/login/", method="POST", headers=((b"content-length", length.encode()),), body=None
        )
        assert (answer.status, answer.headers["Connection"]) == (status, "close")
        assert "That is too much at once" in answer.body

    run(main)


def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SILENT_SECONDS", 0.05)

    async def main() -> None:
        assert (await ask("/accounts/login/", method="POST", body=None)).status == 408

    run(main)


def test_bodies_are_bounded_together_and_by_address_and_what_is_over_counts_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "SMALL_BYTES", 0)
    monkeypatch.setattr(bodies, "ADDRESS_BYTES", 100)
    monkeypatch.setattr(bodies, "PROCESS_BYTES", 150)

    async def main() -> None:
        held = bodies.Bodies()

        async def read(address: str, number: int) -> bodies.Body:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"x" * number, "more_body": False}

            body = await held.read({"headers": [], "client": (address, 1)}, receive)
            assert body is not None
            return body

        first = await read("10.0.0.1", 80)
        with pytest.raises(bodies.BodyRefused):
            await read("10.0.0.1", 30)
        second = await read("10.0.0.2", 60)
        with pytest.raises(bodies.BodyRefused):
            await read("10.0.0.3", 20)
        first.close()
        third = await read("10.0.0.1", 90)
        second.close()
        third.close()
        (await read("10.0.0.3", 100)).close()

    run(main)


def test_twelve_who_send_slowly_hold_up_nobody(live_site: Site) -> None:
    event = live_site.event(updates=1)
    slow = []
    for _ in range(12):
        one = HTTPConnection("127.0.0.1", live_site.port, timeout=30)
        one.putrequest("POST", "/accounts/login/")
        one.putheader("Content-Length", "1000")
        one.endheaders()
        one.send(b"x")
        slow.append(one)
    with live_site.visitor() as visitor:
        live_site.log_in(visitor)
        for number in range(5):
            fields = {"body": f"Post {number}", "key": f"0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d0{number}"}
            token = {"X-CSRFToken": visitor.cookies["csrftoken"]}
            assert visitor.post(f"/desk/{event.slug}/updates/", data=fields, headers=token).status_code == 302
    for one in slow:
        one.close()
    assert len(live_site.updates(event)) == 6


@pytest.mark.postgres
def test_many_pages_at_once_use_no_more_connections_than_they_have_slots(server: Any, postgres_url: str) -> None:
    """While a table is locked, every page that is let in waits with its connection."""
    import psycopg

    # A limit in the address holds: who waits here is not ended after the server's own five seconds.
    site = server(DATABASE_URL=f"{postgres_url}?options=-c%20statement_timeout%3D60000")
    event = site.event(updates=3)
    statuses: list[int] = []

    def get(number: int) -> None:
        answer = httpx.get(site.page(event), params={"x": number}, timeout=60, trust_env=False)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=get, args=(number,)) for number in range(40)]
    with psycopg.connect(postgres_url) as locking, psycopg.connect(postgres_url, autocommit=True) as watching:

        def count_waiting() -> int:
            waiting = "datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%liveblog_update%%'"
            row = watching.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}").fetchone()
            return int(row[0]) if row else 0

        locking.execute("LOCK TABLE liveblog_update IN ACCESS EXCLUSIVE MODE")
        for thread in threads:
            thread.start()
        ends_at = time.monotonic() + 4
        while count_waiting() < SHARES[Kind.PAGES].most and time.monotonic() < ends_at:
            time.sleep(0.02)
        time.sleep(0.3)
        waiting = count_waiting()
        locking.rollback()
    for thread in threads:
        thread.join()
    assert 1 <= waiting <= SHARES[Kind.PAGES].most + 1, "the pages, and the feed that the server itself reads"
    assert statuses == [200] * 40


@pytest.mark.parametrize(
    ("cookie", "kind"),
    [
        ("sessionid={key}", Kind.AUTHORS),
        ("theme=dark mode; sessionid={key}", Kind.AUTHORS),
        ('prefs={{"a": 1}}; sessionid={key}', Kind.AUTHORS),
        ("foo; sessionid={key}", Kind.AUTHORS),
        ("sessionid={key}x", Kind.PAGES),
        ("", Kind.PAGES),
    ],
)
def test_cookies_are_read_as_django_reads_them(event: Event, author: Any, cookie: str, kind: Kind) -> None:
    client = Client()
    client.force_login(author)
    key = client.cookies["sessionid"].value
    headers = ((b"cookie", cookie.format(key=key).encode()),)

    async def main() -> None:
        await ask("/desk/", headers=((b"cookie", f"sessionid={key}".encode()),))
        slots = Slots.current.get()
        body = await bodies.Bodies().read({"headers": []}, _nothing)
        assert slots is not None
        assert body is not None
        scope = {"method": "GET", "headers": list(headers), "query_string": b""}
        assert slots.kind_of({"path": "/desk/", **scope}, body) is kind
        download = Kind.DOWNLOADS if kind is Kind.AUTHORS else kind  # a stranger takes nobody's turn
        assert slots.kind_of({"path": "/desk/x/archive/export.zip", **scope}, body) is download
        body.close()

    run(main)


@pytest.mark.parametrize("parts", [1, 40], ids=["kept", "sent while it is made"])
def test_who_takes_nothing_of_an_answer_keeps_no_slot(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "STALLED_SECONDS", 0.05)
    monkeypatch.setattr(admission, "BUFFERED_BYTES", 2_000_000)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(parts):
            more = number < parts - 1
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": more})

    async def get(send: Any) -> None:
        scope = {"type": "http", "path": "/desk/x/archive/export.zip", "method": "GET"}
        await admission.admit(answer)(scope | {"headers": [], "query_string": b""}, _nothing, send)

    async def stall(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(3600)

    async def main() -> None:
        received = []

        async def take(message: Any) -> None:
            received.append(message.get("body", b""))

        with suppress(RequestAborted):
            await get(stall)
        await get(take)
        assert sum(map(len, received)) == parts * 100_000
        assert max(map(len, received)) == admission.CHUNK_BYTES

    run(main)


def test_a_text_comes_through_however_full_of_uploads_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PROCESS_BYTES", 0)
    form = ((b"content-type", b"application/x-www-form-urlencoded"),)

    async def main() -> None:
        small, large = b"body=" + b"x" * 20_000, b"body=" + b"x" * 200_000
        assert (await ask("/accounts/login/", method="POST", headers=form, body=small)).status == 403
        assert (await ask("/accounts/login/", method="POST", headers=form, body=large)).status == 503

    run(main)


def test_a_database_that_never_answers_holds_up_no_file_and_no_health(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(admission, "count_connections", lambda: may_end.wait(30) and 10)
    monkeypatch.setattr(admission, "QUESTION_SECONDS", 0.05)
    monkeypatch.setattr(health, "_look_at_database", lambda: str(may_end.wait(30)))
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(health, "KEPT_SECONDS", 0)

    async def main() -> None:
        try:
            assert (await ask("/static/none.css")).status == 404
            threads = threading.active_count()
            for _ in range(6):
                answer = await ask("/readyz")
                assert (answer.status, "database: silent" in answer.body) == (503, True)
            assert threading.active_count() <= threads + 2
            assert (await ask("/static/none.css")).status == 404
        finally:
            may_end.set()

    run(main)
