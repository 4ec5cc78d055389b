"""The promise of docs/protocol.md: after any order of changes, cuts, late and cached answers an open page is right.

The page is a model in Python (tests/page.py). All else is real: the models, the feed's tail as each process
keeps it, the poll's answers and the reader's pages as they are sent.
"""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from liveblog import live, rendering, stream
from liveblog.feed import Fragment, Tail, Verdict
from liveblog.feed import tail as tail_module
from liveblog.models import Event, Update
from tests.page import Page
from tests.server import make_user

FIRST_DAY = datetime(2001, 2, 3, 22, tzinfo=UTC)
BODIES = ("One small step.", '*Two* men, "three" days', "# Four\n\n- five\n- six", "</article><b>7", "&lt;8>")
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
VIEWS = ("?sort=newest", "?sort=oldest", "?around=first", "?around=last", "", "?sort=oldest&around=last")


class Process:
    """One server process: its tail, as late as the bell and the check happen to leave it."""

    def __init__(self) -> None:
        self.tail: Tail | None = None

    def catch_up(self, event: Event) -> None:
        """Read what is new, as ``Feed`` does when it is rung."""
        if self.tail is None:
            self.tail = Tail.load(event.slug)
            return
        news = self.tail.read()
        if news is None or isinstance(news, Tail):
            self.tail = news
        else:
            self.tail.take(news)

    def since(self, event: Event, after: int, edition: str) -> tuple[Tail, Fragment | Verdict] | None:
        """Answer as the poll and the socket do: a page that is ahead waits for a check of the database."""
        if self.tail is None:
            self.catch_up(event)
        if self.tail is not None and self.tail.since(after, edition) is Verdict.AHEAD:
            self.catch_up(event)
        return None if self.tail is None else (self.tail, self.tail.since(after, edition))


class Socket:
    """A socket: what it was sent arrives in order, up to where it is cut."""

    def __init__(self, process: Process, page: Page) -> None:
        self.process = process
        self.after, self.edition = page.cursor, page.edition
        self.under_way: list[str] = []
        self.is_open = True

    def pump(self, event: Event) -> None:
        """Send what there is to send."""
        found = self.process.since(event, self.after, self.edition) if self.is_open else None
        if found is None:
            self.is_open = False
        elif isinstance(found[1], Fragment):
            self.under_way.append(found[1].text)
            self.after = found[1].revision
        elif found[1] is not Verdict.NOTHING:
            self.under_way.append(live.RELOAD)
            self.is_open = False


class Reader:
    """A page, the answers that are under way to it, and its socket."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.under_way: list[Callable[[], None]] = []
        self.socket: Socket | None = None


class Coverage:
    """Authors who change, processes that are late, caches, and readers whose pages must end up right.

    Each action is a method that is given three numbers to choose by.
    """

    def __init__(self) -> None:
        self.authors = [make_user(name) for name in ("ada", "bob", "cleo")]
        self.event = Event.objects.create(title="The landing", slug=f"convergence-{next(_serial)}")
        self.event.go_live()
        self.client = Client()
        self.processes = [Process(), Process()]
        self.polls_kept: dict[tuple[int, str], str | None] = {}
        self.pages_kept: dict[str, str] = {}
        for number in range(7):
            self.publish(number, number, number)
        self.readers = [Reader(Page.open(self.fetch(query))) for query in VIEWS[:2]]

    def rest(self, a: int, b: int, c: int) -> None:
        """Do nothing."""

    # What authors do.

    def publish(self, a: int, b: int, c: int) -> None:
        self.event.publish(
            author=self.authors[a % 3],
            body=BODIES[b % 5],
            headline=f"Headline {a}" if a % 2 else "",
            is_key=c % 4 == 1,
            published_at=FIRST_DAY + timedelta(minutes=b) if c % 3 == 0 else None,
        )

    def edit(self, a: int, b: int, c: int) -> None:
        if update := self.pick(a, is_withdrawn=False):
            update.edit(body=BODIES[b % 5], headline=f"Edited {c}" if c % 2 else None)

    def withdraw(self, a: int, b: int, c: int) -> None:
        if update := self.pick(a, is_withdrawn=False):
            update.withdraw()

    def restore(self, a: int, b: int, c: int) -> None:
        if update := self.pick(a, is_withdrawn=True):
            update.restore()

    def move(self, a: int, b: int, c: int) -> None:
        """Give an update another time, now and then the very time of another one."""
        update, other = self.pick(a, is_withdrawn=False), self.pick(b)
        if update and other:
            update.move(published_at=other.published_at if c % 2 else FIRST_DAY + timedelta(minutes=c))

    def pin(self, a: int, b: int, c: int) -> None:
        update = self.pick(a, is_withdrawn=False)
        if b % 3 and update:
            self.event.pin(update=update)
        else:
            self.event.unpin()

    def mark_key(self, a: int, b: int, c: int) -> None:
        if update := self.pick(a, is_withdrawn=False):
            update.mark_key(is_key=bool(b % 2))

    def revise(self, a: int, b: int, c: int) -> None:
        self.event.revise(title=f"The landing {a}", summary=BODIES[b % 5])

    def step(self, a: int, b: int, c: int) -> None:
        self.event.refresh_from_db()
        if self.event.status == "live":
            self.event.end()
        else:
            self.event.reopen()

    def change_all(self, a: int, b: int, c: int) -> None:
        """Change every card at once, seldom."""
        if a % 4 == 1:
            self.event.revise(time_zone=ZONES[b % 3])
        elif a % 8 == 2:
            Event.objects.filter(pk=self.event.pk).renew_editions()
            self.event.refresh_from_db()

    # What servers and caches do.

    def catch_up(self, a: int, b: int, c: int) -> None:
        self.processes[a % 2].catch_up(self.event)

    def restart(self, a: int, b: int, c: int) -> None:
        self.processes[a % 2] = Process()
        for reader in self.readers:
            reader.socket = None

    def forget(self, a: int, b: int, c: int) -> None:
        self.polls_kept.clear()
        if b % 2:
            self.pages_kept.clear()

    # What readers do.

    def poll(self, a: int, b: int, c: int) -> None:
        """Ask for what came after the page's cursor; the answer comes at once, late, or from a cache."""
        page = self.readers[a % 2].page
        self.bring(a, c, page.take, self.ask(page.cursor, page.edition, self.processes[b % 2], is_cached=c % 3 == 0))

    def poll_astray(self, a: int, b: int, c: int) -> None:
        """Let an answer arrive that was for another state of the page: one it has left, or not reached."""
        page = self.readers[a % 2].page
        self.event.refresh_from_db()
        after = page.cursor + 1 + b % 3 if b % 2 else b % (self.event.revision + 1)
        answer = self.ask(min(after, self.event.revision), page.edition, self.processes[b % 2])
        self.bring(a, c | 1 if b % 4 else c, page.take, answer)

    def load_more(self, a: int, b: int, c: int) -> None:
        """Load what is older or newer than the page, perhaps from a cache that has an old state of it."""
        page = self.readers[a % 2].page
        for name, place in (("before", page.oldest), ("after", page.newest))[:: 1 if b % 2 else -1]:
            if place:
                html = self.fetch(f"?{name}={place}&sort={page.order}", is_cached=c % 4 != 0)
                return self.bring(a, c, page.merge, html)
        return None

    def jump(self, a: int, b: int, c: int) -> None:
        """Go to another place in the stream."""
        page = self.readers[a % 2].page
        update = self.pick(b)
        queries = list(VIEWS)
        if update:
            queries += [f"?around={update.number}&sort={page.order}"] * 6
            queries += [f"?before={update.place}&sort={page.order}", f"?after={update.place}&sort={page.order}"]
        self.bring(a, c, page.jump, self.fetch(queries[b % len(queries)], is_cached=c % 3 != 0))

    def reload(self, a: int, b: int, c: int) -> None:
        page = self.readers[a % 2].page
        if page.is_stale or c % 16 == 0:
            page.load(self.fetch(f"?sort={page.order}&at={page.cursor}", is_cached=c % 3 == 0))

    def arrive(self, a: int, b: int, c: int) -> None:
        """Bring what is under way, in any order, now and then twice."""
        under_way = self.readers[a % 2].under_way
        if under_way:
            under_way[b % len(under_way)]()
            if c % 3:
                del under_way[b % len(under_way)]

    def connect(self, a: int, b: int, c: int) -> None:
        reader = self.readers[a % 2]
        reader.socket = Socket(self.processes[b % 2], reader.page)
        reader.socket.pump(self.event)

    def work(self, a: int, b: int, c: int) -> None:
        """Let a socket bring some of what it has, and cut it now and then."""
        reader = self.readers[a % 2]
        if reader.socket is None:
            return
        reader.socket.process.catch_up(self.event)
        reader.socket.pump(self.event)
        for _ in range(min(b % 4, len(reader.socket.under_way))):
            reader.page.take(reader.socket.under_way.pop(0))
        if c % 4 == 0:
            reader.socket = None

    # What must hold.

    def check_all(self) -> None:
        """When all is quiet every page is right; what still arrives then does no harm that lasts."""
        self.event.refresh_from_db()
        for reader in self.readers:
            self.settle(reader.page)
            self.check(reader.page)
            while reader.under_way:
                reader.under_way.pop()()
                self.settle(reader.page)
                self.check(reader.page)
        self.check_through_sockets()

    def settle(self, page: Page) -> None:
        """All is quiet: caches forget, every process has checked, the last answers come."""
        self.polls_kept.clear()
        for process in self.processes:
            process.catch_up(self.event)
        for _ in range(4):
            if page.is_stale:
                page.load(self.fetch(f"?sort={page.order}&at={page.cursor}"))
            answer = self.ask(page.cursor, page.edition, self.processes[0])
            if answer is None:
                return
            page.take(answer)
        raise AssertionError("a page does not come to rest")

    def check_through_sockets(self) -> None:
        """A page as it is first loaded is led on by a socket alone."""
        for reader in self.readers:
            reader.page.load(self.fetch(f"?sort={reader.page.order}"))
            reader.socket = None
        for number in range(2):
            self.publish(number, number, 1)
            self.withdraw(number * 5, 0, 0)
            self.move(number * 7, number * 11, number)
            for reader, process in zip(self.readers, self.processes, strict=True):
                if reader.socket is None:
                    reader.socket = Socket(process, reader.page)
                assert reader.socket is not None
                process.catch_up(self.event)
                reader.socket.pump(self.event)
                for text in reader.socket.under_way:
                    reader.page.take(text)
                reader.socket.under_way.clear()
                self.check(reader.page)

    def check(self, page: Page) -> None:
        """The page is what it should be."""
        event = Event.objects.get(pk=self.event.pk)
        expected = [update for update in event.updates.visible().oldest_first() if page.covers(update.place)]
        if page.order == "newest":
            expected.reverse()
        assert [card.text for card in page.cards] == [str(rendering.card(update)) for update in expected]
        masthead, pinned, keys = rendering.head(event)
        assert page.head == {"masthead": str(masthead), "pinned": str(pinned), "keys": str(keys)}
        assert (page.cursor, page.edition, page.status) == (event.revision, event.edition, event.status)

    # How it is done.

    def pick(self, which: int, *, is_withdrawn: bool | None = None) -> Update | None:
        updates = self.event.updates.order_by("number")
        if is_withdrawn is not None:
            updates = updates.filter(withdrawn_at__isnull=not is_withdrawn)
        found = list(updates)
        return found[which % len(found)] if found else None

    def bring(self, a: int, c: int, take: Callable[[str], None], text: str | None) -> None:
        """Let ``text`` arrive now, or later."""
        if text is None:
            return
        if c % 2:
            take(text)
        else:
            self.readers[a % 2].under_way.append(lambda: take(text))

    def fetch(self, query: str, *, is_cached: bool = False) -> str:
        """Return a page, or what a cache has kept of it."""
        if not (is_cached and query in self.pages_kept):
            response = self.client.get(f"/events/{self.event.slug}/{query}")
            assert response.status_code == 200, (query, response.status_code)
            self.pages_kept[query] = response.content.decode()
        return self.pages_kept[query]

    def ask(self, after: int, edition: str, process: Process, *, is_cached: bool = False) -> str | None:
        """Return a poll's answer, or what a cache has kept of it; ``None`` for nothing new."""
        if is_cached and (after, edition) in self.polls_kept:
            return self.polls_kept[after, edition]
        found = process.since(self.event, after, edition)
        assert found is not None
        answer = live.answer_with(*found)
        body = answer.body.decode() if answer.status == 200 else None
        if "no-store" not in answer.headers["Cache-Control"]:
            self.polls_kept[after, edition] = body
        return body


_serial = itertools.count()

CHANGES = ("publish", "publish", "edit", "edit", "withdraw", "restore", "move", "pin", "mark_key")
HEAD_CHANGES = ("revise", "step", "change_all")
READING = ("poll", "poll", "poll", "poll_astray", "load_more", "load_more", "jump", "arrive", "arrive", "reload")
BETWEEN = ("connect", "work", "work", "catch_up", "restart", "forget")
ACTIONS = ("rest", *CHANGES, *CHANGES, *HEAD_CHANGES, *READING, *READING, *BETWEEN)
actions = st.binary(min_size=4, max_size=4).map(lambda four: (ACTIONS[four[0] % len(ACTIONS)], *four[1:]))
"""Bytes, since Hypothesis draws them evenly: numbers it would draw small, and miss what needs a rare choice."""


@pytest.mark.django_db
def test_an_open_page_ends_up_right_whatever_happened(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    # Small, so that a page has ends and a tail has a floor.
    monkeypatch.setattr(stream, "PAGE_UPDATES", 4)
    settings.TAIL_UPDATES = 6
    monkeypatch.setattr(tail_module, "JOINS_KEPT", 2)

    # Few and long: half the time goes into the beginning and the end of each.
    @hypothesis_settings(max_examples=hypothesis_settings().max_examples // 5)
    @given(st.lists(actions, min_size=40, max_size=120))
    def whatever(happens: list[tuple[str, int, int, int]]) -> None:
        coverage = Coverage()
        for name, a, b, c in happens:
            getattr(coverage, name)(a, b, c)
        coverage.check_all()

    whatever()
