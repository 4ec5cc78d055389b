"""What is to be published later comes when it is due, once, and whatever becomes of those who do it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from config.asgi import application
from liveblog import bell, periodic, photo_files
from liveblog.feed import Feeds, ticker
from liveblog.models import Attendance, Audience, Event, Photo, Update, Waiting
from tests.asgi import connect, in_thread, poll, run, until
from tests.server import ANSWER_SECONDS, ROOT, Site, copy_data_dir, find_free_port
from tests.test_start import serving

PATIENCE_SECONDS = 30.0
"""For a machine that others use too."""

in_process = pytest.mark.django_db(transaction=True)


def plan(event: Event, body: str = "Later.", *, in_seconds: float = 0.0, **rest: Any) -> Waiting:
    """Schedule an update that becomes due in so many seconds; long ago if they are negative."""
    due_at = timezone.now() + timedelta(seconds=in_seconds)
    author = event.authors.order_by("pk")[0]
    waiting = event.submit(author=author, body=body, due_at=timezone.now() + timedelta(days=1), **rest)
    assert isinstance(waiting, Waiting)
    Waiting.objects.filter(pk=waiting.pk).update(due_at=due_at)
    waiting.due_at = due_at  # read anew it might be gone: a server may run
    return waiting


def plan_many(event: Event, count: int, *, in_seconds: float) -> list[uuid.UUID]:
    """Schedule so many at once, a microsecond apart, and return their keys in the order in which they are due."""
    first, due_at = plan(event, in_seconds=86_400), timezone.now() + timedelta(seconds=in_seconds)
    rows = [Waiting.objects.get(pk=first.pk) for _ in range(count)]
    for number, row in enumerate(rows):
        row.pk, row.key = None, uuid.uuid4()
        row.due_at = due_at + timedelta(microseconds=number)
    first.delete()
    Waiting.objects.bulk_create(rows)
    return [row.key for row in rows]


def wait_for(condition: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what ``condition`` does as soon as it is true."""
    ends_at = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends_at, f"waited {seconds} s in vain"
        time.sleep(0.02)
    return found


# A round.


@in_process
def test_what_is_due_is_published_and_what_is_not_waits(event: Event) -> None:
    due, early = plan(event, "Now."), plan(event, "Tomorrow.", in_seconds=86_400)
    unapproved = plan(event, "If they let me.", needs_approval=True)
    rejected = plan(event, "They did not.")
    rejected.reject(reason="No.")
    revision = Event.objects.get(pk=event.pk).revision
    assert periodic.Schedule().publish_due() == []
    update = event.updates.get()
    assert (update.body, update.key, update.revision) == ("Now.", due.key, revision + 1)
    assert set(Waiting.objects.all()) == {early, unapproved, rejected}
    assert periodic.Schedule().publish_due() == []
    assert event.updates.count() == 1


@in_process
def test_one_that_is_late_gets_the_time_it_came_and_the_order_stays_that_of_the_clock(event: Event) -> None:
    """An hour without a server: what was due in it comes now, in its order, after what is there."""
    event.publish(author=event.authors.get(), body="One.")
    last, first = plan(event, "Three.", in_seconds=-10), plan(event, "Two.", in_seconds=-3_600)
    before = timezone.now()
    periodic.Schedule().publish_due()
    event.publish(author=event.authors.get(), body="Four.")
    updates = list(event.updates.order_by("number"))
    assert [update.body for update in updates] == ["One.", "Two.", "Three.", "Four."]
    times = [update.published_at for update in updates]
    assert times == sorted(set(times))
    assert times[1] > before > last.due_at > first.due_at  # type: ignore[operator]


@in_process
def test_a_clock_that_was_set_back_keeps_the_order(event: Event) -> None:
    ahead = timezone.now() + timedelta(minutes=1)
    Event.objects.filter(pk=event.pk).update(latest_clock=ahead)
    plan(event)
    periodic.Schedule().publish_due()
    assert event.updates.get().published_at == ahead + timedelta(microseconds=1)


@in_process
@pytest.mark.parametrize("status", ["draft", "upcoming", "ended"])
def test_it_comes_whatever_the_event_s_status_as_any_post_would(make_event: Callable[..., Event], status: str) -> None:
    """A draft's stays among its authors; a coverage that has ended can still be added to."""
    event = make_event(status=status)
    plan(event)
    assert periodic.Schedule().publish_due() == []
    event.refresh_from_db()
    assert (event.updates.get().body, event.status) == ("Later.", status)


@in_process
def test_what_was_put_off_rejected_or_deleted_at_the_last_moment_is_not_published(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of what is due was read before; under the lock it is asked once more."""
    put_off, rejected, deleted = (plan(event, body) for body in ("One", "Two", "Three"))
    original = Waiting.publish_if_due

    def after_a_change(waiting: Waiting) -> Update | None:
        match waiting.pk:
            case put_off.pk:
                put_off.edit(headline="", body="One", due_at=timezone.now() + timedelta(hours=1))
            case rejected.pk:
                rejected.reject()
            case deleted.pk:
                deleted.delete()
        return original(waiting)

    monkeypatch.setattr(Waiting, "publish_if_due", after_a_change)
    assert periodic.Schedule().publish_due() == []
    assert not event.updates.exists()


@in_process
def test_one_that_can_t_be_published_holds_up_no_other_and_is_tried_again(
    event: Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = plan(event, "Bad", in_seconds=-100)
    rounds, tried = periodic.Schedule(), []
    original = Waiting.publish_if_due

    def fail(waiting: Waiting) -> Update | None:
        tried.append(waiting.pk)
        if waiting.pk == bad.pk:
            raise OperationalError("not today")
        return original(waiting)

    monkeypatch.setattr(Waiting, "publish_if_due", fail)
    assert [str(failure) for failure in rounds.publish_due()] == ["not today"]
    good = plan(event, "Good")
    assert rounds.publish_due() == [], "it is left alone for a moment"
    assert tried == [bad.pk, good.pk]
    assert event.updates.get().body == "Good"
    rounds._failed[bad.pk] = (0.0, 4.0)
    another = plan(event, "Another")
    assert len(rounds.publish_due()) == 1
    assert tried[2:] == [another.pk, bad.pk], "and comes last"
    assert rounds._failed[bad.pk][1] == 8.0
    monkeypatch.setattr(Waiting, "publish_if_due", original)
    rounds._failed[bad.pk] = (0.0, 4.0)
    assert rounds.publish_due() == []
    assert event.updates.count() == 3
    rounds.publish_due()
    assert rounds._failed == {}


@in_process
def test_a_publication_that_breaks_off_in_the_middle_leaves_everything_as_it_was(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put and delete are one transaction: whoever is killed between them has done neither."""
    plan(event)
    before = Event.objects.values().get(pk=event.pk)

    def die(waiting: Waiting) -> None:
        assert waiting.event.updates.count() == 1, "it has been put"
        raise KeyboardInterrupt

    monkeypatch.setattr(Waiting, "delete", die)
    with pytest.raises(KeyboardInterrupt):
        periodic.Schedule().publish_due()
    monkeypatch.undo()
    assert Event.objects.values().get(pk=event.pk) == before
    assert (event.updates.count(), event.waiting.count()) == (0, 1)
    periodic.Schedule().publish_due()
    assert (event.updates.count(), event.waiting.count()) == (1, 0)


@in_process
def test_looking_for_what_is_due_is_one_query_on_an_index(
    event: Event, django_assert_num_queries: Callable[[int], Any]
) -> None:
    plan(event, in_seconds=3_600)
    with django_assert_num_queries(1):
        periodic.Schedule().publish_due()
    if connection.vendor == "sqlite":
        plan_of_it = Waiting.objects.due().order_by("due_at", "pk").explain()
        assert "USING INDEX waiting_due" in plan_of_it, plan_of_it


# The thread.


@in_process
def test_the_first_request_of_any_kind_starts_it_and_the_end_of_the_loop_ends_it(event: Event) -> None:
    plan(event)
    threads: list[threading.Thread] = []
    before = set(threading.enumerate())

    async def main() -> None:
        await poll(event, event.revision, slug="unknown")
        threads.extend(set(threading.enumerate()) - before)
        await in_thread(wait_for, event.updates.exists)

    try:
        asyncio.run(main())
        by_name = {thread.name: thread for thread in threads}
        assert {"schedule", "audience", "tidying", "ticker"} <= by_name.keys()
        for name in ("schedule", "ticker"):
            by_name[name].join(PATIENCE_SECONDS)
            assert not by_name[name].is_alive(), "it has seen that its loop is closed"
    finally:
        application.stop()
    assert not [thread for thread in threads if thread.is_alive()]


@in_process
def test_a_reader_s_page_has_it_by_the_bell(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 3_600)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers and channel_layers["default"].groups.get(bell.GROUP))
            await in_thread(plan, event, "Right on time.", in_seconds=0.3)
            assert "Right on time." in await socket.text()

    run(main)


@in_process
def test_failures_are_logged_once_a_minute_for_each_kind_and_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = [OperationalError("one"), OperationalError("two"), ValidationError("three")] * 5
    done = []

    def work() -> list[Exception] | None:
        if not errors:
            done.append(True)
            return None
        error = errors.pop(0)
        if len(errors) % 2:
            return [error]
        raise error

    thread = periodic.Job("test", work, every_seconds=0.001, is_over=lambda: bool(done))
    with caplog.at_level("WARNING"):
        thread.start()
        thread.join(PATIENCE_SECONDS)
    assert done
    assert not thread.is_alive()
    assert len([record for record in caplog.records if "periodic job 'test' failed" in record.message]) == 2


def test_nobody_else_publishes(prepared_data_dir: Path, tmp_path: Path) -> None:
    """Neither importing the application nor any other command starts a thread."""
    script = (
        "import os, threading\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\n"
        "import config.asgi\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0); call_command('check')\n"
        "print([thread.name for thread in threading.enumerate()])\n"
    )
    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environ | {"DATA_DIR": str(copy_data_dir(prepared_data_dir, tmp_path / "data"))},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "['MainThread']", done.stdout


# Tidying.


@in_process
def test_once_an_hour_what_is_stale_is_cleared_away_and_nothing_else(event: Event, author: Any, settings: Any) -> None:
    def photo(**fields: Any) -> Photo:
        name = uuid.uuid4().hex
        return Photo.objects.create(event=event, uploader=author, name=name, width=1, height=1, widths=[1], **fields)

    old, now = timezone.now() - timedelta(days=8), timezone.now()
    unused, fresh, cover = photo(arrived_at=old), photo(arrived_at=now), photo(arrived_at=old, is_cover=True)
    for each in (unused, cover):
        photo_files.put(each.name, 1, b"x")
    Attendance.objects.create(event=event, user=author, seen_at=old)
    here = Attendance.objects.create(event=event, user=author)
    Audience.objects.create(event=event, process=uuid.uuid4(), readers=1, counted_at=old)
    counted = Audience.objects.create(event=event, process=uuid.uuid4(), readers=1)
    for key, expires_at in (("expired", old), ("valid", now + timedelta(days=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires_at)
    assert periodic.tidy() == []
    assert set(Photo.objects.all()) == {fresh, cover}
    with pytest.raises(FileNotFoundError):
        unused.read(1)
    assert cover.read(1) == b"x"
    assert list(Attendance.objects.all()) == [here]
    assert list(Audience.objects.all()) == [counted]
    assert [session.session_key for session in Session.objects.all()] == ["valid"]


# Real servers.


@pytest.fixture
def resting_site(prepared_data_dir: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Site]:
    """A site whose server the test starts itself."""
    site = Site(copy_data_dir(prepared_data_dir, tmp_path / "data"), django_db_blocker.unblock)
    yield site
    site.close()


def published(site: Site, event: Event) -> Update | None:
    return site.do(lambda: Update.objects.filter(event_id=event.pk).first())


def test_it_looks_for_what_is_due_once_a_second() -> None:
    assert periodic.DUE_SECONDS == 1.0


@pytest.mark.parametrize("redis", ["", "redis://127.0.0.1:1/0"], ids=["without Redis", "with a dead Redis"])
def test_a_server_that_nobody_asks_anything_publishes_what_is_due_by_itself(resting_site: Site, redis: str) -> None:
    event = resting_site.event()
    with serving(resting_site.data_dir, DEMO="0", REDIS_URL=redis):
        for _ in range(2):
            waiting = resting_site.do(plan, event, in_seconds=0.4)
            mine = event.updates.filter(key=waiting.key)
            update = wait_for(lambda mine=mine: resting_site.do(mine.first))
            assert update.published_at >= waiting.due_at


def test_two_servers_publish_each_once(server: Any) -> None:
    first = server()
    sites = [first, server(data_dir=first.data_dir)]
    event = first.event()
    keys = first.do(plan_many, event, 30, in_seconds=0.5)
    wait_for(lambda: first.do(lambda: not Waiting.objects.exists()))
    updates = first.updates(first.fresh(event))
    assert [update.key for update in updates] == keys
    assert len(updates) == first.fresh(event).last_number == 30
    assert not any("failed" in site.log for site in sites), first.log


def test_what_was_due_while_no_server_ran_comes_at_the_start_with_the_time_it_came(server: Any) -> None:
    site = server()
    event = site.event()
    site.kill()
    site.do(plan, event, in_seconds=-3_600)
    started_at = timezone.now()
    site.start()
    update = wait_for(lambda: published(site, event))
    assert update.published_at > started_at


def test_servers_killed_at_any_moment_neither_lose_nor_double_one(resting_site: Site) -> None:
    """Each is killed as soon as it has published one of what is due; what it leaves is whole at every moment."""
    site, event = resting_site, resting_site.event()
    keys: list[uuid.UUID] = []

    def stored() -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        with transaction.atomic():
            public = list(event.updates.order_by("number").values_list("key", flat=True))
            return public, list(Waiting.objects.values_list("key", flat=True))

    for _ in range(2):
        before = len(site.do(stored)[0])
        keys += site.do(plan_many, event, 40, in_seconds=-3_600)
        site.start()
        wait_for(lambda before=before: site.do(event.updates.count) > before)
        site.kill()
        public, waiting = site.do(stored)
        assert sorted(public + waiting) == sorted(keys)
    site.start()
    wait_for(lambda: site.do(lambda: not Waiting.objects.exists()))
    updates = site.updates(site.fresh(event))
    assert sorted(update.key for update in updates) == sorted(keys)
    assert [update.number for update in updates] == list(range(1, len(keys) + 1))


@pytest.mark.parametrize("asked", ["never", "once"])
def test_uvicorn_publishes_too_from_its_start_and_stops_without_a_word(
    resting_site: Site, tmp_path: Path, asked: str
) -> None:
    site, event = resting_site, resting_site.event()
    port = find_free_port()
    with (tmp_path / "uvicorn.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)]
            + ([] if asked == "never" else ["--lifespan", "off"]),
            cwd=ROOT,
            env=site.environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        text = (tmp_path / "uvicorn.log").read_text
        wait_for(lambda: "Uvicorn running" in text())
        if asked == "once":
            import httpx

            assert (
                httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=ANSWER_SECONDS).status_code
                == 200
            )
        waiting = site.do(plan, event, in_seconds=0.3)
        update = wait_for(lambda: published(site, event))
        assert update.published_at >= waiting.due_at
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in text(), text()
    assert "ERROR" not in text(), text()
    if asked == "never":
        assert "Application shutdown complete" in text()
