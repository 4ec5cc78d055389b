"""Who else is at the desk: a line that the poll brings, a row for each open page, a beacon when it closes."""

import asyncio
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from websockets.sync.client import connect as dial

from config.asgi import application
from liveblog.desk.changes import PAGES_EACH, Presence
from liveblog.models import Attendance, Audience, Event, Role
from tests.asgi import connect, every_query, in_thread, run
from tests.server import Site, make_user

in_process = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60.0
"""What a line may take on a machine that others use too."""


class Desk:
    """A page of the desk that somebody has open, and the line that it shows; it polls as the page's script does."""

    def __init__(self, client: Client | httpx.Client, event: Event) -> None:
        self.client = client
        self.page = str(uuid.uuid4())
        self.line = ""
        self.digests = {"presence": "", "queue": ""}
        self._event = event

    @classmethod
    def of(cls, user: User, event: Event) -> "Desk":
        """Open it as ``user``, in a browser of their own."""
        client = Client()
        client.force_login(user)
        return cls(client, event)

    @property
    def address(self) -> str:
        """Where it polls, with all that it has."""
        has = {"after": str(self._event.revision), "edition": self._event.edition, "page": self.page} | self.digests
        return f"{reverse('desk-changes', args=[self._event.slug])}?{urlencode(has)}"

    def poll(self) -> int:
        """Ask once, take in the parts beside the stream, and return the answer's status."""
        answer = self.client.get(self.address)
        html = answer.content.decode()
        for part in self.digests:
            if digest := re.search(rf'id="{part}"[^>]*data-digest="([0-9a-f]+)"', html):
                self.digests[part] = digest[1]
        if line := re.search(r'<p class="presence"[^>]*>(.*?)</p>', html):
            self.line = unescape(re.sub(r"</?bdi>", "", line[1]))
        return int(answer.status_code)

    def leave(self, client: Client | httpx.Client | None = None) -> int:
        """Send the beacon, without a session unless ``client`` has one."""
        address = reverse("desk-departure", args=[self._event.slug])
        return int((client or Client()).post(address, data={"page": self.page}).status_code)


@pytest.fixture
def bo(event: Event) -> User:
    """An editor."""
    user = make_user("bo", first_name="Bo")
    event.appoint(user=user, role=Role.EDITOR)
    return user


def age(seconds: float, **which: Any) -> None:
    """Let open pages have polled last so long ago."""
    Attendance.objects.filter(**which).update(seen_at=timezone.now() - timedelta(seconds=seconds))


# Coming and going.


def test_two_people_see_each_other_come_and_go(event: Event, author: User, bo: User) -> None:
    ada_s, bo_s, another = Desk.of(author, event), Desk.of(bo, event), Desk.of(bo, event)
    ada_s.poll()
    assert ada_s.line == "Nobody else is here · no readers"
    bo_s.poll()
    assert bo_s.line == "Also here: Ada Byron · no readers"
    another.poll()
    assert ada_s.poll() == 200
    assert ada_s.line == "Also here: Bo · no readers", "once, however many pages they have open"
    assert bo_s.leave() == 204
    assert ada_s.poll() == 204
    another.leave()
    assert ada_s.poll() == 200
    assert ada_s.line == "Nobody else is here · no readers"


def test_those_at_another_event_s_desk_are_not_here(event: Event, make_event: Callable[..., Event], bo: User) -> None:
    Desk.of(bo, make_event("Another", author=bo)).poll()
    here = Desk.of(bo, event)
    here.poll()
    assert here.line.startswith("Nobody else")
    assert Attendance.objects.count() == 2


def test_a_page_that_says_no_more_is_forgotten_after_ninety_seconds_and_comes_back(
    event: Event, author: User, bo: User
) -> None:
    ada_s, bo_s = Desk.of(author, event), Desk.of(bo, event)
    for seconds, line in ((60, "Also here: Bo · no readers"), (91, "Nobody else is here · no readers")):
        bo_s.poll()
        age(seconds, user=bo)
        ada_s.poll()
        assert ada_s.line == line
    bo_s.poll()
    ada_s.poll()
    assert ada_s.line == "Also here: Bo · no readers"
    assert Attendance.objects.filter(user=bo).count() == 1


@pytest.mark.parametrize("status", ["draft", "live", "ended"])
def test_every_role_is_at_the_desk_of_every_event_and_a_stranger_leaves_no_trace(
    status: str, make_event: Callable[..., Event], author: User
) -> None:
    event = make_event(status="live", author=author)
    guest = event.invite(name="Gil", made_by=author, expires_at=timezone.now() + timedelta(hours=1))[0].guest
    people = {"Staff": make_user("staff", is_staff=True, first_name="Staff"), "Gil": guest}
    for role in (Role.EDITOR, Role.CONTRIBUTOR):
        people[role.label] = make_user(role.value, first_name=role.label)
        event.appoint(user=people[role.label], role=role)
    if status != "live":
        event.make_draft() if status == "draft" else event.end()
    event.refresh_from_db()
    for user in people.values():
        assert Desk.of(user, event).poll() == 200
    assert Desk.of(make_user("stranger"), event).poll() == 404
    assert Desk(Client(), event).poll() == 302
    ada_s = Desk.of(author, event)
    ada_s.poll()
    readers = "" if status == "draft" else " · no readers"
    assert ada_s.line == f"Also here: Contributor, Editor, Gil, Staff{readers}"
    assert Attendance.objects.count() == len(people) + 1


# What is told.


def test_readers_of_all_processes_are_counted(event: Event, author: User) -> None:
    desk = Desk.of(author, event)
    for readers, line in ((1, "1 reader"), (1234, "1,234 readers"), (0, "no readers")):
        Audience.objects.all().delete()
        Audience.objects.create(event=event, process=uuid.uuid4(), readers=readers)
        assert desk.poll() == 200
        assert desk.line == f"Nobody else is here · {line}"
        assert desk.poll() == 204, "nothing is sent that the page shows already"


@pytest.mark.parametrize(
    ("names", "more", "readers", "text"),
    [
        ([], 0, None, "Nobody else is here"),
        ([], 0, 0, "Nobody else is here · no readers"),
        (["Bo"], 0, 1, "Also here: <bdi>Bo</bdi> · 1 reader"),
        (["Bo", "Cy"], 0, 1234, "Also here: <bdi>Bo</bdi>, <bdi>Cy</bdi> · 1,234 readers"),
        (["Bo", "Cy"], 7, 20, "Also here: <bdi>Bo</bdi>, <bdi>Cy</bdi> and 7 more · 20 readers"),
    ],
)
def test_the_line_reads_well(names: list[str], more: int, readers: int | None, text: str) -> None:
    presence = Presence(names, more, readers, None)
    html = render_to_string("liveblog/desk/presence.html", {"presence": presence})
    assert html.strip() == f'<p class="presence" id="presence" data-digest="{presence.digest}">{text}</p>'


def test_a_page_that_was_just_opened_or_kept_on_the_device_claims_nothing(event: Event, author: User, bo: User) -> None:
    desk = Desk.of(author, event)
    Desk.of(bo, event).poll()
    page = desk.client.get(reverse("desk", args=[event.slug])).content.decode()
    assert '<p class="presence" id="presence" data-digest=""></p>' in page


def test_names_are_escaped(event: Event, author: User) -> None:
    eve = make_user("eve", first_name="<img src=x onerror=alert(1)>", last_name='"O\'Hara" & co')
    event.appoint(user=eve, role=Role.CONTRIBUTOR)
    Desk.of(eve, event).poll()
    desk = Desk.of(author, event)
    html = desk.client.get(desk.address).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt; &quot;O&#x27;Hara&quot; &amp; co" in html
    assert "<img" not in html


def test_a_crowd_is_counted_rather_than_named(event: Event, author: User) -> None:
    for number in range(9):
        Attendance.objects.create(event=event, user=make_user(f"guest-{number}", first_name=f"Guest {number}"))
    desk = Desk.of(author, event)
    desk.poll()
    assert desk.line.startswith("Also here: Guest 0, Guest 1, Guest 2, Guest 3, Guest 4 and 4 more")


def test_a_page_of_the_former_release_names_no_key_and_is_answered_as_before(
    event: Event, author: User, bo: User
) -> None:
    Desk.of(bo, event).poll()
    desk = Desk.of(author, event)
    desk.poll()
    desk.leave()
    former = re.sub(r"page=[^&]*&presence=[^&]*&", "", desk.address)
    assert desk.client.get(former).status_code == 204
    assert "presence" not in desk.client.get(re.sub("queue=[^&]*", "queue=", former)).content.decode()
    assert not Attendance.objects.filter(user=author).exists()


# What it costs.


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Return what was asked of the table of open pages."""
    return [query["sql"].split()[0] for query in queries if "liveblog_attendance" in query["sql"]]


def test_a_poll_reads_once_and_writes_at_most_every_twenty_seconds(event: Event, author: User) -> None:
    desk = Desk.of(author, event)
    for seconds, asked in ((0, ["SELECT", "INSERT"]), (0, ["SELECT"]), (19, ["SELECT"]), (21, ["SELECT", "UPDATE"])):
        age(seconds)
        with CaptureQueriesContext(connection) as queries:
            desk.poll()
        assert statements(queries) == asked
    assert Attendance.objects.get().page == uuid.UUID(desk.page)
    assert timezone.now() - Attendance.objects.get().seen_at < timedelta(seconds=15)


def test_the_line_costs_two_queries_however_many_are_there_and_one_for_a_draft(
    event: Event, author: User, make_event: Callable[..., Event]
) -> None:
    for each, extra in ((event, 2), (make_event(status="draft", author=author), 1)):
        desk = Desk.of(author, each)
        desk.poll()
        for number in range(20):
            Attendance.objects.create(event=each, user=make_user(f"user-{number}"))
        with CaptureQueriesContext(connection) as without:
            desk.client.get(desk.address.replace("page=", "none="))
        with CaptureQueriesContext(connection) as queries:
            assert desk.poll() == 200
        assert len(queries) == len(without) + extra


def test_one_person_has_rows_for_so_many_pages_and_no_more(event: Event, author: User, bo: User) -> None:
    desks = [Desk.of(author, event)]
    for _ in range(PAGES_EACH + 5):
        desks.append(Desk(desks[0].client, event))
        assert desks[-1].poll() == 200
    assert Attendance.objects.count() == PAGES_EACH
    Desk.of(bo, event).poll()
    desks[-1].poll()
    assert desks[-1].line == "Also here: Bo · no readers", "a page without a row is told who is there all the same"
    age(91, user=author)
    desks[-1].poll()
    assert Attendance.objects.filter(page=desks[-1].page).exists()


# Never a precondition of the answer.


@in_process
def test_a_database_that_refuses_the_write_still_answers(
    event: Event, author: User, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk.of(author, event)

    def refuse(sql: str) -> None:
        if "liveblog_attendance" in sql and not sql.startswith("SELECT"):
            raise OperationalError("attempt to write a readonly database")

    with every_query(refuse):
        assert desk.poll() == 200
        assert desk.poll() == 204
    assert desk.line == "Nobody else is here · no readers"
    assert not Attendance.objects.exists()
    assert [record.getMessage() for record in caplog.records] == [
        "That a desk is open could not be written: attempt to write a readonly database"
    ] * 2
    desk.poll()
    assert Attendance.objects.exists()


def test_a_database_that_is_being_written_to_holds_up_no_answer(live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    with live_site.visitor() as visitor, closing(sqlite3.connect(live_site.data_dir / "liveblog.sqlite3")) as other:
        live_site.log_in(visitor)
        other.execute("BEGIN IMMEDIATE")
        began_at = time.monotonic()
        assert Desk(visitor, event).poll() == 200
        assert time.monotonic() - began_at < 15, "a write waits 20 s for the lock"
        assert not live_site.do(Attendance.objects.filter(event=event).exists)
        other.rollback()
        wait_for(live_site.do, Attendance.objects.filter(event=event).exists)


@in_process
def test_a_poll_that_its_page_gave_up_writes_nothing(event: Event, author: User) -> None:
    """It may come after the beacon, and would bring the page back for 90 seconds."""
    desk = Desk.of(author, event)
    assert isinstance(desk.client, Client)
    path, _, query = desk.address.partition("?")
    cookie = f"sessionid={desk.client.cookies['sessionid'].value}"
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path}
    scope |= {"query_string": query.encode(), "headers": [(b"host", b"testserver"), (b"cookie", cookie.encode())]}
    is_under_way, is_known = threading.Event(), threading.Event()
    sent: list[dict[str, Any]] = []

    def hold(sql: str) -> None:
        if "liveblog_attendance" in sql:
            is_under_way.set()
            assert is_known.wait(PATIENCE_SECONDS)

    async def tell() -> None:
        for _ in range(50):  # turns of the loop, in which Django hears of it
            await asyncio.sleep(0)
        is_known.set()

    async def main() -> None:
        messages = [{"type": "http.request"}]
        telling: list[asyncio.Task[None]] = []

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await in_thread(is_under_way.wait, PATIENCE_SECONDS)
            telling.append(asyncio.create_task(tell()))
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await application(scope, receive, send)
        assert telling

    with every_query(hold):
        run(main)
    assert [message for message in sent if message["type"] == "http.response.start"]  # carried out all the same
    assert not Attendance.objects.exists()
    assert desk.poll() == 200
    assert Attendance.objects.exists()


def test_a_row_that_has_left_while_it_was_renewed_is_not_made_again(event: Event, author: User) -> None:
    desk = Desk.of(author, event)
    desk.poll()
    read = Attendance.objects.get()
    desk.leave()
    read.touch()
    assert not Attendance.objects.exists()


# The beacon.


def test_the_page_s_key_is_all_that_its_beacon_needs(event: Event, author: User, bo: User) -> None:
    """Signing out ends the session before the page closes, and a beacon can carry no token in a header."""
    strict = Client(enforce_csrf_checks=True)
    for client in (strict, Client()):
        strict.force_login(bo)
        desk = Desk.of(author, event)
        desk.poll()
        assert desk.leave(client) == 204
        assert not Attendance.objects.exists()


def test_a_beacon_without_a_key_that_somebody_has_changes_nothing_and_writes_nothing(
    event: Event, author: User, make_event: Callable[..., Event]
) -> None:
    desk, elsewhere = Desk.of(author, event), Desk.of(author, make_event("Another"))
    desk.poll()
    elsewhere.page = desk.page
    stranger = Client()
    address = reverse("desk-departure", args=[event.slug])
    with CaptureQueriesContext(connection) as queries:
        assert elsewhere.leave() == 204
        assert Desk(stranger, event).leave() == 204, "it is not told which keys there are"
        for damaged in ("", "x", "' OR 1=1 --", "\0", "9" * 5000):
            assert stranger.post(address, {"page": damaged}).status_code == 400
        assert stranger.get(address, {"page": desk.page}).status_code == 405
    assert set(statements(queries)) == {"SELECT"}
    assert Attendance.objects.count() == 1


@pytest.mark.parametrize("page", ["", "x", "9" * 5000])
def test_a_key_that_is_none_is_a_400(page: str, event: Event, author: User) -> None:
    desk = Desk.of(author, event)
    desk.page = page
    assert desk.poll() == 400
    assert not Attendance.objects.exists()


# Pages that are still open from the former release.


@in_process
def test_their_socket_is_told_not_to_come_back(event: Event) -> None:
    async def main() -> None:
        async with connect(event, path=f"/desk/{event.slug}/presence/", query="") as socket:
            assert await socket.closed() == 4404
            assert socket.is_open, "a refused handshake would show them no code, and they would try again"

    run(main)


# Real servers.


def wait_for(condition: Callable[..., Any], *args: Any) -> Any:
    """Wait until that is true, and return what it is."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition(*args)):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    return found


def test_people_and_readers_are_seen_across_processes_and_desks_are_no_readers(server: Any) -> None:
    first = server()
    second = server(data_dir=first.data_dir)
    event = first.event(author=first.user("ada", first_name="Ada"))
    first.do(event.appoint, user=first.user("bo", first_name="Bo"), role=Role.OWNER)
    with first.visitor() as ada, second.visitor() as bo:
        first.log_in(ada, "ada")
        second.log_in(bo, "bo")
        desks = [Desk(ada, event), Desk(bo, event)]

        def lines() -> list[str]:
            for desk in desks:
                desk.poll()
            return [desk.line for desk in desks]

        def has(*expected: str) -> bool:
            return lines() == list(expected)

        wait_for(has, "Also here: Bo · no readers", "Also here: Ada · no readers")
        with ExitStack() as stack:
            addresses = [first.live(event), second.live(event), second.live(event)]
            readers = [stack.enter_context(dial(address)) for address in addresses]
            nudged = [stack.enter_context(dial(f"{address}&desk=1")) for address in addresses]
            wait_for(has, "Also here: Bo · 3 readers", "Also here: Ada · 3 readers")
            first.publish(event)
            for socket in (*readers, *nudged):
                while f'data-revision="{first.fresh(event).revision}"' not in socket.recv(PATIENCE_SECONDS):
                    pass
            readers[-1].close()
            wait_for(has, "Also here: Bo · 2 readers", "Also here: Ada · 2 readers")
        wait_for(has, "Also here: Bo · no readers", "Also here: Ada · no readers")
        assert desks[1].leave(ada) == 204, "whichever process has it"
        desks.pop()
        wait_for(has, "Nobody else is here · no readers")
