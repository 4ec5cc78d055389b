"""Many authors at once, and a reader who polls meanwhile: no gap, no repeat, everything in order.

These run on the database of the settings; the last one runs the others once more on PostgreSQL.
"""

import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, connections
from django.utils import timezone

from liveblog.models import Event, KeyReused, Waiting, database
from liveblog.periodic import Schedule
from tests.asgi import connect, poll, run
from tests.page import Fragment, Page
from tests.server import make_user
from tests.test_schedule import wait_for
from tests.test_sockets import check_all

ROOT = Path(__file__).resolve().parent.parent
AUTHORS = 8
POSTS_EACH = 3


@pytest.fixture(autouse=True)
def every_thread_a_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads meet at the database alone, as processes do: inside one they take turns before they ask it."""
    if "in_one_process" not in request.fixturenames:
        monkeypatch.setattr("liveblog.models.event.turn", nullcontext)


@pytest.fixture
def in_one_process() -> None:
    """Let threads take turns."""


def at_once[T](works: list[Callable[[], T]]) -> list[T]:
    """Run each work in a thread of its own, all starting together; return what they return."""
    barrier = threading.Barrier(len(works))

    def start(work: Callable[[], T]) -> T:
        barrier.wait(60)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(works)) as threads:
        return list(threads.map(start, works))


def write_a_lot(event: Event, name: str, is_read: Callable[[int], bool]) -> None:
    """Publish and edit and withdraw, as one author among many who goes on when the readers have it."""
    author = make_user(name)
    mine = Event.objects.get(pk=event.pk)
    for number in range(POSTS_EACH):
        update = mine.publish(author=author, body=f"{name} posts {number}", is_key=number == 2)
        update.edit(body=f"{name} edits {number}")
        if number % 3 == 1:
            update.withdraw()
        wait_for(lambda revision=update.revision: is_read(revision))


@pytest.mark.django_db(transaction=True)
def test_eight_threads_write_while_a_reader_polls_without_gap_or_repeat(make_event: Callable[..., Event]) -> None:
    event = make_event()
    start = event.revision
    changes = AUTHORS * (POSTS_EACH * 2 + POSTS_EACH // 3)
    for number in range(AUTHORS):
        make_user(f"author-{number}")
    pages: list[Page] = []

    def is_read(revision: int) -> bool:
        return all(page.cursor >= revision for page in pages)

    works = [lambda name=f"author-{number}": write_a_lot(event, name, is_read) for number in range(AUTHORS)]

    async def read_by_poll(page: Page, seen: list[Fragment]) -> None:
        while page.cursor < start + changes:
            answer = await poll(event, page.cursor)
            assert answer.status in {200, 204}
            if answer.status == 200:
                fragment = Fragment(answer.body)
                assert fragment.after == page.cursor
                seen.append(fragment)
                page.take(answer.body)
            await asyncio.sleep(0.001)

    async def read_by_socket(page: Page, seen: list[Fragment]) -> None:
        async with connect(event, page.cursor) as socket:
            while page.cursor < start + changes:
                text = await socket.text()
                fragment = Fragment(text)
                assert fragment.after == page.cursor
                seen.append(fragment)
                page.take(text)

    async def main() -> None:
        from tests.asgi import ask, in_thread

        html = (await ask(f"/events/{event.slug}/")).body
        pages.extend([Page.open(html), Page.open(html)])
        seen: list[list[Fragment]] = [[], []]
        writing = asyncio.create_task(asyncio.to_thread(at_once, works))
        await asyncio.gather(read_by_poll(pages[0], seen[0]), read_by_socket(pages[1], seen[1]), writing)
        for fragments in seen:
            assert fragments[0].after == start
            assert fragments[-1].revision == start + changes
            assert len(fragments) >= POSTS_EACH, "the reader saw it happen"
            for one, other in pairwise(fragments):
                assert one.revision == other.after
        await in_thread(check_all, event, pages)

    run(main)
    stored = Event.objects.get(pk=event.pk)
    updates = list(stored.updates.order_by("number"))
    assert stored.revision == start + changes
    assert [update.number for update in updates] == list(range(1, AUTHORS * POSTS_EACH + 1))
    assert [update.published_at for update in updates] == sorted({update.published_at for update in updates})
    assert len({update.revision for update in updates}) == len(updates)


@pytest.mark.django_db(transaction=True)
def test_a_key_posted_eight_times_at_once_is_one_update(event: Event, author: Any) -> None:
    key, revision = uuid.uuid4(), event.revision

    def post() -> int:
        return Event.objects.get(pk=event.pk).publish(author=author, body="Only once", key=key).pk

    assert len(set(at_once([post] * 8))) == 1
    event.refresh_from_db()
    assert (event.updates.count(), event.revision, event.last_number) == (1, revision + 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_key_posted_at_once_with_different_contents_is_one_update_and_the_others_are_told(
    event: Event, author: Any
) -> None:
    key = uuid.uuid4()

    def post(number: int) -> str:
        try:
            return Event.objects.get(pk=event.pk).publish(author=author, body=f"Text {number % 2}", key=key).body
        except KeyReused as reused:
            return f"not {reused.update.body}"

    found = at_once([lambda number=number: post(number) for number in range(6)])
    text = event.updates.get().body
    assert sorted(found) == sorted([text] * 3 + [f"not {text}"] * 3)


@pytest.mark.django_db(transaction=True)
def test_a_step_made_by_many_at_once_is_made_once(make_event: Callable[..., Event], author: Any) -> None:
    event = make_event(updates=1)
    revision = event.revision

    def withdraw() -> None:
        event.updates.get().withdraw()

    at_once([withdraw] * 8)
    at_once([lambda: Event.objects.get(pk=event.pk).end()] * 8)
    event.refresh_from_db()
    assert event.revision == revision + 2
    assert event.status == "ended"


@pytest.mark.django_db(transaction=True)
def test_changes_of_different_parts_at_once_are_all_kept(make_event: Callable[..., Event], author: Any) -> None:
    event = make_event(updates=2)
    first, second = event.updates.order_by("number")
    revision = event.revision
    at_once(
        [
            lambda: Event.objects.get(pk=event.pk).revise(title="Another title"),
            lambda: Event.objects.get(pk=event.pk).revise(summary="Another summary"),
            lambda: Event.objects.get(pk=event.pk).pin(update=first),
            lambda: event.updates.get(pk=first.pk).edit(body="Another body"),
            lambda: event.updates.get(pk=first.pk).edit(headline="Another headline"),
            lambda: event.updates.get(pk=second.pk).mark_key(),
            lambda: Event.objects.get(pk=event.pk).publish(author=author, body="Three"),
        ]
    )
    event.refresh_from_db()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (event.title, event.summary, event.pinned_number) == ("Another title", "Another summary", 1)
    assert (first.body, first.headline, second.is_key) == ("Another body", "Another headline", True)
    assert event.revision == revision + 7
    assert event.updates.count() == 3


@pytest.mark.django_db(transaction=True)
def test_restoring_and_withdrawing_at_once_ends_in_one_of_the_two(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    def turn(number: int) -> None:
        update = event.updates.get()
        try:
            update.withdraw() if number % 2 else update.restore()
            update.edit(body=f"Edited {number}")
        except ValidationError:
            pass

    before = Event.objects.get(pk=event.pk).revision
    at_once([lambda number=number: turn(number) for number in range(8)])
    event.refresh_from_db()
    assert before <= event.revision <= before + 16
    assert event.updates.get().revision <= event.revision


@pytest.mark.django_db(transaction=True)
def test_what_is_due_is_published_once_by_five_who_do_it_at_once(make_event: Callable[..., Event], author: Any) -> None:
    event = make_event()
    revision, later = event.revision, timezone.now() + timedelta(hours=1)
    for number in range(10):
        event.submit(author=author, body=f"Later {number}", due_at=later)
    for number, waiting in enumerate(Waiting.objects.order_by("pk")):
        Waiting.objects.filter(pk=waiting.pk).update(due_at=later - timedelta(days=1, seconds=-number))

    def publish() -> list[Exception]:
        return Schedule().publish_due()

    def post(number: int) -> list[Exception]:
        Event.objects.get(pk=event.pk).publish(author=author, body=f"Now {number}")
        return []

    works: list[Callable[[], list[Exception]]] = [publish] * 5
    assert at_once([*works, *(lambda number=number: post(number) for number in range(4))]) == [[]] * 9
    event.refresh_from_db()
    updates = list(event.updates.order_by("number"))
    assert [update.body for update in updates if "Later" in update.body] == [f"Later {number}" for number in range(10)]
    assert (len(updates), event.revision, Waiting.objects.count()) == (14, revision + 14, 0)
    assert [update.published_at for update in updates] == sorted({update.published_at for update in updates})


@pytest.mark.django_db(transaction=True)
def test_what_is_slow_to_render_does_not_hold_the_lock(
    event: Event, author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liveblog import markup

    began, render = threading.Event(), markup.render
    may_go = threading.Event()

    def slowly(text: str, **options: Any) -> str:
        if text == "Slow":
            began.set()
            assert may_go.wait(60)
        return render(text, **options)

    monkeypatch.setattr(markup, "render", slowly)

    def slow() -> int:
        return Event.objects.get(pk=event.pk).publish(author=author, body="Slow").number

    def quick() -> int:
        assert began.wait(60)
        try:
            return Event.objects.get(pk=event.pk).publish(author=author, body="Quick").number
        finally:
            may_go.set()

    assert at_once([slow, quick]) == [2, 1]


@pytest.mark.django_db(transaction=True)
def test_these_run_on_the_database_that_they_were_told_to_use() -> None:
    assert connection.vendor == os.environ.get("EXPECTED_DATABASE", connection.vendor)


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_an_event_s_turn_holds_no_connection_and_not_for_ever(
    event: Event, author: Any, in_one_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held, may_end = threading.Event(), threading.Event()
    held: list[bool] = []

    def hold() -> None:
        with Event.objects.get(pk=event.pk).change():
            is_held.set()
            assert may_end.wait(60)

    def publish(body: str) -> str:
        mine = Event.objects.get(pk=event.pk)
        assert connection.connection is not None
        try:
            mine.publish(author=author, body=body)
        except OperationalError as error:
            held.append(connection.connection is not None)
            return str(error)
        return "published"

    with ThreadPoolExecutor(max_workers=3) as threads:
        first = threads.submit(hold)
        assert is_held.wait(60)
        monkeypatch.setattr(database, "TURN_SECONDS", 0.05)
        assert "held by another request" in threads.submit(publish, "Too late").result(60)
        assert held == [False]
        monkeypatch.setattr(database, "TURN_SECONDS", 60)
        third = threads.submit(publish, "In time")
        may_end.set()
        first.result(60)
        assert third.result(60) == "published"
        for _ in range(3):
            threads.submit(connections.close_all).result(60)
    assert [update.body for update in event.updates.all()] == ["In time"]


@pytest.mark.postgres
def test_all_this_holds_on_postgresql_too(postgres_url: str) -> None:
    """Models, rules, plans, concurrency and the feed once more, with DATABASE_URL set as in service."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--ds=config.settings"),
            *("-m", "not postgres and not redis and not browser"),
            *("tests/test_models.py", "tests/test_database.py", "tests/test_migrations.py", "tests/test_plans.py"),
            *("tests/test_concurrency.py", "tests/test_feed.py"),
            *(
                "-k",
                " or ".join(
                    "test_models test_database test_migrations test_plans test_concurrency between hundreds behind "
                    "edition taken_away lost".split()
                ),
            ),
        ],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url, "EXPECTED_DATABASE": "postgresql"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert "skipped" not in done.stdout, done.stdout
