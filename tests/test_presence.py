"""Who else is at the desk: seen by those who may be there, from our own pages, for as long as they may."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from liveblog import presence
from liveblog.models import Attendance, Event, Role
from tests.asgi import Socket, connect, every_query, in_thread, run, thread_name, until
from tests.conftest import use_layer
from tests.server import Site, make_user, publish

in_process = pytest.mark.django_db(transaction=True)

HOST = b"testserver"
PATIENCE_SECONDS = 20.0
"""What a line may take on a machine that others use too."""


class Line(NamedTuple):
    """What a desk was told."""

    text: str
    people: int
    readers: int
    revision: int
    queue: str

    @classmethod
    def read(cls, html: str) -> "Line":
        """Read it as a page would."""
        found = re.fullmatch(
            r'<p class="presence" id="presence" data-people="(\d+)" data-readers="(\d+)" '
            r'data-revision="(\d+)" data-queue="([0-9a-f]{8})">(.*)</p>',
            html,
        )
        assert found, html
        text = re.sub(r"</?bdi>", "", found[5])
        return cls(text, int(found[1]), int(found[2]), int(found[3]), found[4])


@pytest.fixture(autouse=True)
def own_host(settings: Any) -> None:
    """Let the origin be checked; the other tests allow any host."""
    settings.ALLOWED_HOSTS = [HOST.decode(), "127.0.0.1"]


@pytest.fixture(autouse=True)
def only_when_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at no desk in this process but after a ring, so that nothing is told by the round of five seconds."""
    monkeypatch.setattr(presence, "LOOK_SECONDS", 3600.0)


@pytest.fixture
def bo(event: Event) -> User:
    """An editor."""
    user = make_user("bo", first_name="Bo")
    event.appoint(user=user, role=Role.EDITOR)
    return user


def cookie_of(user: User) -> str:
    """Sign in and return the session's key."""
    client = Client()
    client.force_login(user)
    return str(client.cookies[django_settings.SESSION_COOKIE_NAME].value)


def headers(session: str | None, origin: bytes | None = b"http://" + HOST) -> tuple[tuple[bytes, bytes], ...]:
    sent = [(b"cookie", f"a=b; sessionid={session}".encode())] if session is not None else []
    return (*sent, *([(b"origin", origin)] if origin is not None else []))


@asynccontextmanager
async def at_desk(event: Event, user: User, **rest: Any) -> AsyncIterator[Socket]:
    """Open the desk's socket as ``user``."""
    session = await in_thread(cookie_of, user)
    async with connect(event, path=f"/desk/{event.slug}/presence/", headers=headers(session), **rest) as socket:
        yield socket


async def line(
    socket: Socket, *, where: Callable[[Line], bool] = lambda line: True, seconds: float = PATIENCE_SECONDS
) -> Line:
    """Wait for a line of which that is true."""
    async with asyncio.timeout(seconds):
        while True:
            found = Line.read(await socket.text(seconds))
            if where(found):
                return found


# Coming and going.


@in_process
def test_two_people_see_each_other_come_and_go(event: Event, author: User, bo: User) -> None:
    async def main() -> None:
        async with at_desk(event, author) as ada_s:
            assert (await line(ada_s)).text == "Nobody else is here · no readers"
            async with at_desk(event, bo) as bo_s:
                assert (await line(bo_s)).text == "Also here: Ada Byron · no readers"
                assert (await line(ada_s)).text == "Also here: Bo · no readers"
                async with at_desk(event, bo):  # in another tab
                    await asyncio.sleep(1.5)
                    assert not ada_s.received, "they are here still, and once"
            assert (await line(ada_s)).text == "Nobody else is here · no readers"

    run(main)
    assert not Attendance.objects.exists()


@in_process
def test_those_at_another_event_s_desk_are_not_here(event: Event, make_event: Callable[..., Event], bo: User) -> None:
    other = make_event("Another", author=bo)

    async def main() -> None:
        async with at_desk(other, bo) as bo_s:
            await line(bo_s)
            async with at_desk(event, bo) as here:
                assert (await line(here)).people == 0

    run(main)


@in_process
def test_a_desk_whose_process_was_killed_is_forgotten_after_forty_seconds(event: Event, author: User, bo: User) -> None:
    Attendance.objects.create(event=event, user=bo, seen_at=timezone.now() - timedelta(seconds=41))
    cy = make_user("cy", first_name="Cy")
    Attendance.objects.create(event=event, user=cy, seen_at=timezone.now() - timedelta(seconds=30))

    async def main() -> None:
        async with at_desk(event, author) as socket:
            assert (await line(socket)).text == "Also here: Cy · no readers"

    run(main)


@in_process
def test_a_desk_that_stays_open_says_so_again_and_again(
    event: Event, author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "TOUCH_SECONDS", 0.5)

    async def main() -> None:
        async with at_desk(event, author) as socket:
            first = await line(socket)
            before = await in_thread(lambda: Attendance.objects.get().seen_at)
            assert await line(socket) == first, "and its page hears that the socket still works"
            await in_thread(Attendance.objects.all().delete)  # whoever tidied too early
            await line(socket)
            await in_thread(wait_for, lambda: Attendance.objects.filter(seen_at__gt=before).exists())

    run(main)


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    return found


@in_process
def test_a_socket_that_is_renewed_does_not_look_like_leaving(
    event: Event, author: User, bo: User, settings: Any
) -> None:
    async def main() -> None:
        async with at_desk(event, author) as ada_s:
            await line(ada_s)
            settings.SOCKET_SECONDS = 1
            async with at_desk(event, bo) as bo_s:
                await line(ada_s, where=lambda line: line.people == 1)
                assert await bo_s.closed() == 4000
            async with at_desk(event, bo):
                await asyncio.sleep(1.5)
                assert not ada_s.received

    run(main)


# What is told.


@in_process
def test_changes_and_the_queue_are_told_at_once_but_at_most_once_a_second(event: Event, author: User) -> None:
    async def main() -> None:
        async with at_desk(event, author) as socket:
            first = await line(socket)
            began_at = time.monotonic()
            for number in range(30):
                update = await in_thread(publish, event, f"Update {number}")
            seen = [await line(socket)]
            while seen[-1].revision < update.revision:
                seen.append(await line(socket))
            assert len(seen) <= time.monotonic() - began_at + 2
            await in_thread(event.submit, author=author, body="Please", needs_approval=True)
            waiting = await line(socket)
            assert waiting.revision == update.revision
            assert waiting.queue != seen[-1].queue
            assert {seen[-1].queue} == {first.queue}
            await in_thread(lambda: event.waiting.get().reject())
            assert (await line(socket)).queue != waiting.queue

    run(main)


@in_process
@pytest.mark.parametrize("layer", ["DeafLayer", "BrokenLayer", "HangingLayer"])
def test_without_the_bell_it_works_by_looking(
    event: Event, author: User, bo: User, settings: Any, monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    use_layer(settings, {"default": {"BACKEND": f"tests.test_feed.{layer}"}})
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.5)

    async def main() -> None:
        async with at_desk(event, author) as ada_s, at_desk(event, bo) as bo_s:
            await line(ada_s, where=lambda line: line.text.startswith("Also here: Bo"))
            update = await in_thread(publish, event)
            for socket in (ada_s, bo_s):
                await line(socket, where=lambda line: line.revision == update.revision)
            await in_thread(Attendance.objects.create, event=event, user=make_user_cy())
            await line(ada_s, where=lambda line: line.text.startswith("Also here: Bo, Cy"))

    made = []

    def make_user_cy() -> User:
        return made[0]

    made.append(make_user("cy", first_name="Cy"))
    run(main)


@in_process
def test_readers_are_counted(event: Event, author: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.5)

    async def main() -> None:
        async with at_desk(event, author) as socket:
            await line(socket, where=lambda line: line.readers == 0)
            async with connect(event, event.revision):
                assert (await line(socket)).text == "Nobody else is here · 1 reader"
                async with connect(event, event.revision), connect(event, event.revision):
                    assert (await line(socket)).text == "Nobody else is here · 3 readers"
            assert (await line(socket, where=lambda line: line.readers == 0)).text.endswith("no readers")

    run(main)


@in_process
def test_names_are_escaped(event: Event, author: User) -> None:
    eve = make_user("eve", first_name="<img src=x onerror=alert(1)>", last_name='"O\'Hara" & co')
    event.appoint(user=eve, role=Role.CONTRIBUTOR)

    async def main() -> None:
        async with at_desk(event, eve), at_desk(event, author) as socket:
            html = ""
            async with asyncio.timeout(PATIENCE_SECONDS):
                while "O&#x27;Hara" not in html:  # the first line may come before she is there
                    html = await socket.text()
                    assert "<img" not in html
            assert "&lt;img src=x onerror=alert(1)&gt; &quot;O&#x27;Hara&quot; &amp; co" in html

    run(main)


@pytest.mark.parametrize(
    ("names", "more", "readers", "is_public", "text"),
    [
        ([], 0, 0, False, "Nobody else is here"),
        ([], 0, 0, True, "Nobody else is here · no readers"),
        (["Bo"], 0, 1, True, "Also here: Bo · 1 reader"),
        (["Bo", "Cy"], 0, 1234, True, "Also here: Bo, Cy · 1,234 readers"),
        (["Bo", "Cy", "Di"], 7, 20, True, "Also here: Bo, Cy, Di and 7 more · 20 readers"),
    ],
)
def test_the_line_reads_well(names: list[str], more: int, readers: int, is_public: bool, text: str) -> None:
    event = Event(status="live" if is_public else "draft", revision=3)
    context = {"event": event, "names": names, "more": more, "people": len(names) + more, "readers": readers}
    html = render_to_string("liveblog/desk/presence.html", context | {"queue": "0123abcd"})
    assert Line.read(html.strip()) == Line(text, len(names) + more, readers, 3, "0123abcd")
    assert "aria-live" not in html


@in_process
def test_a_crowd_is_counted_rather_than_named(event: Event, author: User) -> None:
    for number in range(9):
        Attendance.objects.create(event=event, user=make_user(f"guest-{number}", first_name=f"Guest {number}"))

    async def main() -> None:
        async with at_desk(event, author) as socket:
            found = await line(socket)
            assert found.text.startswith("Also here: Guest 0, Guest 1, Guest 2, Guest 3, Guest 4 and 4 more")
            assert found.people == 9

    run(main)


# Who may come in.


@in_process
@pytest.mark.parametrize(
    "origin",
    [
        *(None, b"", b"null", b"https://elsewhere.example", b"http://testserver.elsewhere.example"),
        *(b"http://[", b"http://elsewhere.example:testserver", b"testserver", b"\xff", b"http://xtestserver"),
    ],
)
def test_a_page_of_another_site_is_refused_at_the_handshake(
    event: Event, author: User, origin: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path, session = f"/desk/{event.slug}/presence/", cookie_of(author)

    async def main() -> None:
        async with connect(event, path=path, headers=headers(session, origin)) as socket:
            assert await socket.closed() == 4403
            assert not socket.is_open, "a refusal before it was accepted is a 403"
        async with connect(event, path=path, headers=headers(session)) as socket:
            await line(socket)

    run(main)
    assert not caplog.records


@in_process
@pytest.mark.parametrize("case", ["no cookie", "empty", "unknown", "bad", "expired", "inactive", "new password"])
def test_who_is_not_signed_in_is_told_so(event: Event, author: User, case: str) -> None:
    session: str | None = cookie_of(author)
    match case:
        case "no cookie":
            session = None
        case "empty":
            session = ""
        case "unknown":
            session = "0123456789abcdefghijklmnopqrstuv"
        case "bad":
            session = "\\000'; --"
        case "expired":
            Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        case "inactive":
            User.objects.filter(pk=author.pk).update(is_active=False)
        case "new password":
            author.set_password("another one")
            author.save()

    async def main() -> None:
        async with connect(event, path=f"/desk/{event.slug}/presence/", headers=headers(session)) as socket:
            assert await socket.closed() == presence.SIGNED_OUT == 4401
            assert not socket.received

    run(main)
    assert not Attendance.objects.exists()


@in_process
def test_a_stranger_is_told_that_there_is_no_such_desk_and_every_role_is_let_in(
    make_event: Callable[..., Event], author: User
) -> None:
    event = make_event(status="draft", author=author)
    people = {role: make_user(role.value) for role in Role}
    for role, user in people.items():
        event.appoint(user=user, role=role)
    staff, stranger = make_user("staff", is_staff=True), make_user("stranger")

    async def main() -> None:
        for user in (author, staff, *people.values()):
            async with at_desk(event, user) as socket:
                assert "reader" not in (await line(socket)).text, "a draft has none"
        async with at_desk(event, stranger) as socket:
            assert await socket.closed() == 4404
            assert not socket.received
        unknown = Event(slug="unknown")
        async with at_desk(unknown, author) as socket:
            assert await socket.closed() == 4404

    run(main)


@in_process
@pytest.mark.parametrize("case", ["revoked", "expired", "ended", "dismissed", "signed out", "inactive", "deleted"])
def test_who_may_no_longer_be_there_is_thrown_out(
    event: Event, author: User, bo: User, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(presence, "TOUCH_SECONDS", 0.3)
    invitation, _ = event.invite(name="Gil", made_by=author)
    guest = invitation.guest
    steps: dict[str, tuple[User, Callable[[], Any], int]] = {
        "revoked": (guest, invitation.revoke, 4404),
        "expired": (guest, lambda: type(invitation).objects.update(expires_at=timezone.now()), 4404),
        "ended": (guest, event.end, 4404),
        "dismissed": (bo, lambda: event.dismiss(user=bo), 4404),
        "signed out": (bo, lambda: Session.objects.all().delete(), 4401),
        "inactive": (bo, lambda: User.objects.filter(pk=bo.pk).update(is_active=False), 4401),
        "deleted": (bo, event.remove, 4404),
    }
    user, step, code = steps[case]

    async def main() -> None:
        async with at_desk(event, user) as socket:
            await line(socket)
            await line(socket)
            await in_thread(step)
            assert await socket.closed(PATIENCE_SECONDS) == code
        await in_thread(wait_for, lambda: not Attendance.objects.filter(user=user).exists())

    run(main)


@in_process
def test_looking_at_a_session_changes_nothing_in_it(event: Event, author: User, settings: Any) -> None:
    """Django renews one made under an old secret key, with a cookie that a socket can't hand out."""
    session = cookie_of(author)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    before = Session.objects.values().get()

    async def main() -> None:
        async with connect(event, path=f"/desk/{event.slug}/presence/", headers=headers(session)) as socket:
            await line(socket)

    run(main)
    assert Session.objects.values().get() == before


# What it can't be made to do.


@in_process
def test_nothing_that_a_client_says_is_read_and_who_says_much_has_to_leave(event: Event, author: User) -> None:
    async def main() -> None:
        async with at_desk(event, author) as socket:
            await line(socket)
            for text in ("hello", '{"type": "changed"}', "x" * 1024):
                socket.to_server.put_nowait({"type": "websocket.receive", "text": text})
            await until(socket.to_server.empty)
            await in_thread(publish, event)
            await line(socket)
            assert socket.code is None
            socket.to_server.put_nowait({"type": "websocket.receive", "bytes": b"x" * 1025, "text": None})
            assert await socket.closed() == 4413

    run(main)


@in_process
def test_a_process_takes_only_so_many(event: Event, author: User, bo: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "SOCKETS", 3)
    monkeypatch.setattr(presence, "SOCKETS_EACH", 2)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await line(await stack.enter_async_context(at_desk(event, author)))
            third = await stack.enter_async_context(at_desk(event, author))
            assert await third.closed() == 4503, "one person has so many"
            await line(await stack.enter_async_context(at_desk(event, bo)))
            assert await (await stack.enter_async_context(at_desk(event, bo))).closed() == 4503
        async with at_desk(event, bo) as again:
            await line(again)

    run(main)


@in_process
def test_it_queries_in_threads_of_its_own_and_survives_a_silent_database(
    event: Event, author: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(presence, "TOUCH_SECONDS", 0.3)
    state = {"is_down": False}
    threads = set()

    def seen(sql: str) -> None:
        name = thread_name()
        if "attendance" in sql or "django_session" in sql:
            threads.add(name.rsplit("_", 1)[0])
        if state["is_down"] and name.startswith("desks"):
            raise OperationalError("gone")

    session = cookie_of(author)

    async def main() -> None:
        path = f"/desk/{event.slug}/presence/"
        async with connect(event, path=path, headers=headers(session)) as socket:
            await line(socket)
            state["is_down"] = True
            async with connect(event, path=path, headers=headers(session)) as another:
                assert await another.closed() == 4503
            await asyncio.sleep(1.5)
            assert socket.code is None
            state["is_down"] = False
            update = await in_thread(publish, event)
            await line(socket, where=lambda line: line.revision == update.revision)

    with every_query(seen):
        run(main)
    assert threads == {"desks-reading", "desks-writing"}
    assert sum("at the desks" in record.message for record in caplog.records) == 1


@in_process
def test_a_desk_that_does_not_read_holds_up_no_other(
    event: Event, author: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "STUCK_SECONDS", 2.0)
    never = asyncio.Event

    async def hang(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await never().wait()

    async def main() -> None:
        async with at_desk(event, bo, send=hang) as stuck, at_desk(event, author) as socket:
            update = await in_thread(publish, event)
            await line(socket, where=lambda line: line.revision == update.revision)
            await asyncio.wait_for(stuck.task, 5)

    run(main)


# Real servers.


def sign_in(site: Site, name: str) -> str:
    """Log in as a person does and return the cookie."""
    with site.visitor() as client:
        site.log_in(client, name)
        return f"sessionid={client.cookies['sessionid']}"


def open_desk(
    site: Site, event: Event, cookie: str | None, *, origin: str | None = ""
) -> AbstractAsyncContextManager[ClientConnection]:
    url = f"ws://127.0.0.1:{site.port}/desk/{event.slug}/presence/"
    sent = {"Cookie": cookie} if cookie else {}
    return dial(url, origin=site.url if origin == "" else origin, additional_headers=sent)  # type: ignore[arg-type]


async def told(socket: ClientConnection, where: Callable[[Line], bool]) -> Line:
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while True:
            found = Line.read(str(await socket.recv()))
            if where(found):
                return found


async def code_of(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        with suppress(ConnectionClosedError):
            async for _ in socket:
                pass
    return socket.close_code


def test_a_real_server_refuses_and_lets_in(live_site: Site) -> None:
    ada, bo = live_site.user("ada"), live_site.user("bo")
    live_site.user("stranger")
    event = live_site.event(author=ada)
    live_site.do(event.appoint, user=bo, role=Role.EDITOR)
    cookies = {name: sign_in(live_site, name) for name in ("ada", "bo", "stranger")}

    async def main() -> None:
        for origin in ("https://elsewhere.example", None):
            with pytest.raises(InvalidStatus) as refusal:
                async with open_desk(live_site, event, cookies["ada"], origin=origin):
                    pass
            assert refusal.value.response.status_code == 403
        async with open_desk(live_site, event, None) as nobody:
            assert await code_of(nobody) == 4401
        async with open_desk(live_site, event, cookies["stranger"]) as stranger:
            assert await code_of(stranger) == 4404
        async with open_desk(live_site, event, cookies["ada"]) as one:
            await told(one, lambda line: line.people == 0)
            async with open_desk(live_site, event, cookies["bo"]) as other:
                await told(other, lambda line: line.text.startswith("Also here: ada"))
                await told(one, lambda line: line.text.startswith("Also here: bo"))
                async with dial(live_site.live(event, event.revision)):
                    await told(one, lambda line: line.readers == 1)
            await told(one, lambda line: line.people == 0)
            await one.send("x" * 2_000)
            assert await code_of(one) == 4413

    asyncio.run(main())


def test_a_real_server_throws_out_who_may_no_longer(live_site: Site) -> None:
    names = ("ada", "bo", "cy", "di")
    ada, bo, cy, di = (live_site.user(name) for name in names)
    event = live_site.event(author=ada)
    invitation, _ = live_site.do(event.invite, name="Gil", made_by=ada)
    guest = invitation.guest
    live_site.do(User.objects.filter(pk=guest.pk).update, password=ada.password)  # there is no other way in here yet
    for user in (bo, cy, di):
        live_site.do(event.appoint, user=user, role=Role.EDITOR)
    cookies = {name: sign_in(live_site, name) for name in (*names, guest.username)}

    def throw_out() -> None:
        invitation.revoke()
        event.dismiss(user=bo)
        Session.objects.filter(pk=cookies["cy"].partition("=")[2]).delete()
        User.objects.filter(pk=di.pk).update(is_active=False)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            sockets = {
                name: await stack.enter_async_context(open_desk(live_site, event, cookie))
                for name, cookie in cookies.items()
            }
            await told(sockets["ada"], lambda line: line.people == 4)
            await asyncio.to_thread(live_site.do, throw_out)
            began_at = time.monotonic()
            codes = await asyncio.gather(*(code_of(sockets[name]) for name in (guest.username, "bo", "cy", "di")))
            assert codes == [4404, 4404, 4401, 4401]
            assert time.monotonic() - began_at < 25
            await told(sockets["ada"], lambda line: line.people == 0)
            assert sockets["ada"].close_code is None

    asyncio.run(main())


@pytest.mark.parametrize("with_redis", [pytest.param(True, marks=pytest.mark.redis), False])
def test_people_and_readers_are_seen_across_processes(
    server: Any, with_redis: bool, request: pytest.FixtureRequest
) -> None:
    environ = {"REDIS_URL": request.getfixturevalue("redis_url")} if with_redis else {}
    first = server(**environ)
    second = server(data_dir=first.data_dir, **environ)
    ada, bo = first.user("ada"), first.user("bo")
    event = first.event(author=ada)
    first.do(event.appoint, user=bo, role=Role.OWNER)
    cookies = {name: sign_in(first, name) for name in ("ada", "bo")}

    async def main() -> None:
        async with open_desk(first, event, cookies["ada"]) as one:
            await told(one, lambda line: line.people == 0)
            async with open_desk(second, event, cookies["bo"]) as other:
                await told(other, lambda line: line.text.startswith("Also here: ada"))
                await told(one, lambda line: line.text.startswith("Also here: bo"))
                async with dial(second.live(event)), dial(second.live(event)), dial(first.live(event)):
                    await told(one, lambda line: line.readers == 3)
                    await told(other, lambda line: line.readers == 3)
            await told(one, lambda line: line.people == 0)
            async with open_desk(second, event, cookies["bo"]):
                await told(one, lambda line: line.people == 1)
                await asyncio.to_thread(second.stop)
            await told(one, lambda line: line.people == 0 and line.readers == 0)

    asyncio.run(main())
    wait_for(lambda: first.do(lambda: not Attendance.objects.exists()))
