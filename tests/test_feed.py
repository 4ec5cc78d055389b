"""One process's view of its events: right whatever becomes of the bell, and silent when the database is."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers
from django.db import OperationalError, transaction

from liveblog import bell, live
from liveblog.feed import Feeds, Tail, registry, ticker
from liveblog.feed import tail as tail_module
from liveblog.models import Event
from tests.asgi import PATIENCE_SECONDS, connect, every_query, in_thread, poll, run, thread_name, until
from tests.conftest import use_layer
from tests.page import Fragment
from tests.server import publish

pytestmark = pytest.mark.django_db(transaction=True)

SILENT_SECONDS = registry.SILENT_SECONDS
"""As in service; in tests nobody loses patience with a busy machine's database."""


class DeafLayer(InMemoryChannelLayer):
    """A channel layer that loses every message."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Lose it."""


class BrokenLayer(InMemoryChannelLayer):
    """A channel layer that fails at everything."""

    async def new_channel(self, prefix: str = "specific") -> str:
        """Fail."""
        raise ConnectionError("no channel layer")

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Fail."""
        raise ConnectionError("no channel layer")


class HangingLayer(InMemoryChannelLayer):
    """A channel layer that does not come back."""

    SECONDS = 60

    async def new_channel(self, prefix: str = "specific") -> str:
        """Hang."""
        return await asyncio.Future()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Hang."""
        await asyncio.sleep(self.SECONDS)


@pytest.fixture
def ring_on(settings: Any) -> Callable[[str], None]:
    """Ring the bell on one of the layers above."""
    return lambda name: use_layer(settings, {"default": {"BACKEND": f"tests.test_feed.{name}"}})


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the check come only when it is hurried."""
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 60)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the check come ten times as often."""
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(registry, "ABSENT_SECONDS", 0.1)


def readings(asked: list[tuple[str, str]]) -> int:
    """Return how often a feed read its event."""
    return sum(thread != "ticker" and 'FROM "liveblog_event"' in sql for thread, sql in asked)


# First use.


def test_hundreds_of_arrivals_at_once_make_one_reading(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=3)
    asked: list[tuple[str, str]] = []

    async def main() -> None:
        answers = await asyncio.gather(*(poll(event, 0) for _ in range(300)))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1

    with every_query(lambda sql: asked.append((thread_name(), sql))):
        run(main)
    assert readings(asked) == 1


def test_an_arrival_that_leaves_does_not_stop_the_reading_for_the_others(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        polls = [asyncio.create_task(poll(event, 0)) for _ in range(3)]
        await asyncio.sleep(0)
        polls[0].cancel()
        assert (await polls[1]).status == (await polls[2]).status == 200

    run(main)


def test_an_event_that_becomes_public_is_found_at_once_though_it_was_asked_for_before(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a page opened in that second is told that the event is gone, and has no socket for as long as it lives."""
    monkeypatch.setattr(registry, "ABSENT_SECONDS", 1_000)
    event = make_event(status="draft")

    async def main() -> None:
        assert (await poll(event, 0)).status == 404
        await in_thread(event.announce)
        while (await poll(event, event.revision)).status == 404:
            await asyncio.sleep(0.01)
        async with connect(event, event.revision) as socket:
            await until(lambda: socket.is_open)
            assert socket.code is None

    run(main)


def test_unknown_events_are_read_once_and_remembered_for_a_moment(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(registry, "ABSENT_KEPT", 3)

    async def main() -> None:
        answers = await asyncio.gather(*(poll(event, 0, slug="unknown") for _ in range(100)))
        assert {answer.status for answer in answers} == {404}
        assert (await poll(event, 0, slug="unknown")).status == 404
        assert readings(asked) == 1
        for number in range(10):
            assert (await poll(event, 0, slug=f"unknown-{number}")).status == 404
        assert len(Feeds.here()._absent) <= 3, "who asks for many names must not fill the memory"
        monkeypatch.setattr(registry, "ABSENT_SECONDS", 0)
        await poll(event, 0, slug="another")
        before = readings(asked)
        await poll(event, 0, slug="another")
        assert readings(asked) == before + 1

    with every_query(lambda sql: asked.append((thread_name(), sql))):
        run(main)


def test_an_event_that_becomes_public_is_soon_there(make_event: Callable[..., Event], quick: None) -> None:
    event = make_event(status="draft")

    async def main() -> None:
        assert (await poll(event, 0)).status == 404
        await in_thread(event.go_live)

        async def found() -> None:
            while (await poll(event, 0)).status == 404:
                await asyncio.sleep(0.01)

        await asyncio.wait_for(found(), PATIENCE_SECONDS)

    run(main)


# Catching up.


def test_a_post_reaches_a_waiting_socket_by_the_bell_alone(event: Event, unchecked: None) -> None:
    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await until(lambda: channel_layers["default"].groups.get(bell.GROUP))
            for number in range(3):
                update = await in_thread(publish, event, f"Update {number}")
                fragment = Fragment(await socket.text())
                assert fragment.revision == update.revision
                assert [card.number for card in fragment.elements.cards] == [update.number]

    run(main)


def test_what_commits_between_the_feed_s_two_readings_is_not_lost(make_event: Callable[..., Event]) -> None:
    """The event's row is read, then a publish commits, then the updates are read."""
    event = make_event(updates=1)
    state = {"is_armed": False, "published": 0}

    def seen(sql: str) -> None:
        if state["is_armed"] and thread_name().startswith("feed") and 'FROM "liveblog_update"' in sql:
            state["is_armed"] = False
            thread = threading.Thread(target=_publish_in_thread, args=(event,))
            thread.start()
            thread.join()
            state["published"] += 1

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            cursor, numbers = event.revision, []
            for number in range(4):
                state["is_armed"] = True
                await in_thread(publish, event, f"First of two, {number}")
                while len(numbers) < 2 * (number + 1):
                    fragment = Fragment(await socket.text())
                    assert fragment.after == cursor
                    assert {card.revision for card in fragment.elements.cards} == set(
                        range(cursor + 1, fragment.revision + 1)
                    )
                    cursor = fragment.revision
                    numbers += [card.number for card in fragment.elements.cards]
            assert numbers == list(range(2, 10))
            assert state["published"] == 4

    with every_query(seen):
        run(main)


def test_what_commits_between_the_two_readings_of_a_first_use_is_not_lost(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    state = {"is_armed": True}

    def seen(sql: str) -> None:
        if state["is_armed"] and thread_name().startswith("feed") and 'FROM "liveblog_update"' in sql:
            state["is_armed"] = False
            thread = threading.Thread(target=_publish_in_thread, args=(event,))
            thread.start()
            thread.join()

    async def main() -> None:
        first = Fragment((await poll(event, 0)).body)
        assert not state["is_armed"]
        assert first.revision == event.revision
        assert [card.number for card in first.elements.cards] == [1]

        async def second() -> Fragment:
            while (answer := await poll(event, first.revision)).status == 204:
                await asyncio.sleep(0.01)
            return Fragment(answer.body)

        fragment = await asyncio.wait_for(second(), PATIENCE_SECONDS)
        assert [card.number for card in fragment.elements.cards] == [2]

    with every_query(seen):
        run(main)


def _publish_in_thread(event: Event) -> None:
    from django.db import connections

    try:
        Event.objects.get(pk=event.pk).publish(author=event.authors.get(), body="In between")
    finally:
        connections.close_all()


def test_a_rolled_back_transaction_reaches_nobody(event: Event, author: Any, quick: None) -> None:
    def roll_back() -> None:
        with transaction.atomic():
            event.publish(author=author, body="Never")
            transaction.set_rollback(True)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(roll_back)
            feed = Feeds.here()._by_slug[event.slug]
            right_at = feed.right_at
            await until(lambda: feed.right_at > right_at)
            assert not socket.received
            await in_thread(event.refresh_from_db)
            await in_thread(publish, event, "After all")
            assert "Never" not in await socket.text()

    run(main)


def test_fragments_for_the_same_cursor_are_the_same_bytes_and_few_are_kept(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=30)
    tail = Tail.load(event.slug)
    assert tail is not None
    assert tail.since(5, event.edition) is tail.since(5, None)
    for after in range(event.revision):
        tail.since(after, None)
    assert len(tail._joins) == tail_module.JOINS_KEPT == 16
    event.publish(author=event.authors.get(), body="New")
    before = tail.since(5, None)
    news = tail.read()
    assert isinstance(news, tail_module.Reading)
    tail.take(news)
    assert tail.since(5, None) != before, "what was joined before the news is not handed out after it"


def test_sockets_and_polls_hand_out_the_same_bytes(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)

    async def main() -> None:
        async with connect(event, 1) as one, connect(event, 1) as other:
            first, second = await one.text(), await other.text()
            assert first is second, "joined once, shared by all at one cursor"
            assert (await poll(event, 1)).body == first

    run(main)


def test_a_burst_of_posts_is_read_together(event: Event) -> None:
    """Twenty posts while the feed settles make few readings and no fragment without news."""
    asked: list[tuple[str, str]] = []

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            feed = next(iter(Feeds.here()._by_slug.values()))
            before = readings(asked)
            for _ in range(50):
                feed.ring()
            await until(lambda: feed._catching_up is None)
            assert readings(asked) == before + 1
            assert not socket.received

    with every_query(lambda sql: asked.append((thread_name(), sql))):
        run(main)


def test_a_ring_during_a_reading_makes_another_one_follow(event: Event, unchecked: None) -> None:
    asked: list[tuple[str, str]] = []
    during: list[Callable[[], None]] = []

    def seen(sql: str) -> None:
        asked.append((thread_name(), sql))
        if during and thread_name().startswith("feed"):
            during.pop()()

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        feed = next(iter(Feeds.here()._by_slug.values()))
        loop = asyncio.get_running_loop()

        async def ring() -> None:
            feed.ring()

        before = readings(asked)
        during.append(lambda: asyncio.run_coroutine_threadsafe(ring(), loop).result(60))
        feed.ring()
        await until(lambda: feed._catching_up is None)
        assert readings(asked) == before + 2

    with every_query(seen):
        run(main)


# Ahead, behind, another database.


def test_a_page_newer_than_the_feed_is_never_told_to_reload(
    event: Event, ring_on: Any, unchecked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read from the database before the bell had worked: it waits for a check that begins after it."""
    ring_on("DeafLayer")
    asked: list[str] = []
    all_wait = threading.Event()
    original = ticker.Ticker._check

    def seen(sql: str) -> None:
        if thread_name() == "ticker":
            asked.append(sql)

    def held(self: ticker.Ticker) -> ticker.Revisions:
        assert all_wait.wait(PATIENCE_SECONDS)
        return original(self)

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        monkeypatch.setattr(ticker.Ticker, "_check", held)
        for _ in range(5):
            update = await in_thread(publish, event)
            asked.clear()
            all_wait.clear()
            questions = [asyncio.create_task(poll(event, update.revision)) for _ in range(100)]
            await until(lambda: len(Feeds.here()._checks) == 100)
            all_wait.set()
            assert {answer.status for answer in await asyncio.gather(*questions)} == {204}
            # The one that the first question began, one after the last, one in vain; and the round before's, if late.
            assert len(asked) <= 4, "a check is shared by all who wait"

    with every_query(seen):
        run(main)


def test_a_socket_newer_than_the_feed_goes_on_from_where_its_page_is(event: Event, ring_on: Any, quick: None) -> None:
    ring_on("DeafLayer")

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        update = await in_thread(publish, event)
        async with connect(event, update.revision) as socket:
            second = await in_thread(publish, event)
            fragment = Fragment(await socket.text())
            assert (fragment.after, fragment.revision) == (update.revision, second.revision)

    run(main)


def test_only_a_check_that_began_after_the_question_may_answer_it(
    event: Event, ring_on: Any, unchecked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check is under way and has read the old revision when a page that is newer asks."""
    ring_on("DeafLayer")
    is_held, may_go = threading.Event(), threading.Event()
    original = ticker.Ticker._check

    def slow(self: ticker.Ticker) -> ticker.Revisions:
        found = original(self)
        if not is_held.is_set():
            is_held.set()
            assert may_go.wait(PATIENCE_SECONDS)
        return found

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        monkeypatch.setattr(ticker.Ticker, "_check", slow)
        Feeds.here()._ticker.hurry()
        await until(is_held.is_set)
        update = await in_thread(publish, event)
        question = asyncio.create_task(poll(event, update.revision))
        await until(lambda: Feeds.here()._checks)
        may_go.set()
        assert (await question).status == 204

    run(main)


def test_a_database_that_is_really_behind_makes_its_readers_reload(
    make_event: Callable[..., Event], quick: None
) -> None:
    event = make_event(updates=3)

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(_set_back, event, 2)
            assert await socket.text() == live.RELOAD
            assert await socket.closed() == live.COME_BACK
        assert (await poll(event, event.revision)).body == live.RELOAD
        assert (await poll(event, event.revision - 2)).status == 204
        update = await in_thread(lambda: publish(Event.objects.get(pk=event.pk)))
        answer = await poll(event, update.revision)
        assert answer.status == 204

    run(main)


def _set_back(event: Event, steps: int) -> None:
    """Put the database back to where it was so many updates ago."""
    event.updates.filter(revision__gt=event.revision - steps).delete()
    Event.objects.filter(pk=event.pk).update(revision=event.revision - steps, last_number=event.last_number - steps)


def test_a_new_edition_makes_its_readers_reload(make_event: Callable[..., Event], quick: None) -> None:
    event = make_event(updates=1)
    edition = event.edition

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(Event.objects.renew_editions)
            assert await socket.text() == live.RELOAD
            assert await socket.closed() == live.COME_BACK
        assert (await poll(event, event.revision, edition)).body == live.RELOAD
        await in_thread(event.refresh_from_db)
        assert event.edition != edition
        assert (await poll(event, event.revision)).status == 204

    run(main)


def test_a_change_of_every_card_makes_its_readers_reload(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(event.revise, time_zone="Asia/Kathmandu")
            assert await socket.text() == live.RELOAD
            assert await socket.closed() == live.COME_BACK
        update = await in_thread(publish, event)
        async with connect(event, event.revision - 1) as socket:
            text = await socket.text()
            assert Fragment(text).revision == update.revision
            assert "+0545" in text

    run(main)


def test_a_feed_that_is_rung_after_more_changes_than_it_keeps_has_a_floor(
    make_event: Callable[..., Event], settings: Any
) -> None:
    settings.TAIL_UPDATES = 5
    event = make_event(updates=2)
    tail = Tail.load(event.slug)
    assert tail is not None
    for number in range(7):
        publish(event, f"Update {number}")
    news = tail.read()
    assert isinstance(news, tail_module.Reading)
    tail.take(news)
    floor = event.revision - 5
    assert tail.since(floor - 1, None) is tail_module.Verdict.RELOAD
    fragment = tail.since(floor, None)
    assert isinstance(fragment, tail_module.Fragment)
    assert [card.number for card in Fragment(fragment.text).elements.cards] == [5, 6, 7, 8, 9]
    event.updates.first().edit(body="Long ago")
    news = tail.read()
    assert isinstance(news, tail_module.Reading)
    tail.take(news)
    assert tail.since(floor, None) is tail_module.Verdict.RELOAD
    assert isinstance(tail.since(floor + 1, None), tail_module.Fragment)
    assert len(tail._cards) == 5


# The bell, dead in every way.


@pytest.mark.parametrize("layer", ["DeafLayer", "BrokenLayer", "HangingLayer"])
def test_without_the_bell_publishing_waits_for_nothing_and_readers_have_it_by_the_check(
    event: Event, ring_on: Any, quick: None, monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    ring_on(layer)
    monkeypatch.setattr(bell, "RING_SECONDS", 3600)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(publish, event, "Warm")
            await socket.text()
            update = await in_thread(publish, event)
            fragment = Fragment(await socket.text())
            assert [card.number for card in fragment.elements.cards] == [update.number]

    run(main)


@pytest.mark.parametrize("layer", ["DeafLayer", "BrokenLayer", "HangingLayer"])
def test_in_a_command_a_dead_bell_costs_two_seconds_at_most(
    event: Event, ring_on: Any, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bell.RING_SECONDS == 2
    monkeypatch.setattr(bell, "RING_SECONDS", 0.1)
    ring_on(layer)
    began_at = time.monotonic()
    publish(event)
    assert time.monotonic() - began_at < HangingLayer.SECONDS
    assert event.updates.count() == 1


def test_a_bell_that_comes_back_is_heard_again(event: Event, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use_layer(settings, {"default": {"BACKEND": "tests.test_feed.BrokenLayer"}})
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 60)
    real_sleep = asyncio.sleep
    monkeypatch.setattr(registry.asyncio, "sleep", lambda seconds: real_sleep(min(seconds, 0.01)))

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            use_layer(settings, {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
            await until(lambda: channel_layers["default"].groups.get(bell.GROUP))
            await in_thread(publish, event)
            await socket.text()

    run(main)


def test_a_dead_bell_complains_once_a_minute(event: Event, ring_on: Any, caplog: pytest.LogCaptureFixture) -> None:
    ring_on("BrokenLayer")
    for _ in range(5):
        publish(event)
    assert len([record for record in caplog.records if record.name == "liveblog.bell"]) == 1


# The database, silent.


class Silence:
    """A database that fails when it is told to, for feeds and their check."""

    def __init__(self) -> None:
        self.is_down = False
        self.failures = 0

    def __call__(self, sql: str) -> None:
        if self.is_down and (thread_name() == "ticker" or thread_name().startswith("feed")):
            self.failures += 1
            raise OperationalError("the database is down")


def test_a_silent_database_is_said_to_be_silent_and_recovers(
    make_event: Callable[..., Event], quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event(updates=1)
    silence = Silence()

    async def main() -> None:
        feeds = Feeds.here()
        assert (await poll(event, event.revision)).status == 204
        silence.is_down = True
        await until(lambda: silence.failures)
        assert (await poll(event, event.revision)).status == 204, "not at once: a short gap is no news"
        monkeypatch.setattr(registry, "SILENT_SECONDS", 0.1)
        feed = feeds._by_slug[event.slug]
        await until(lambda: feed.is_silent)
        for answer in (
            await poll(event, event.revision),
            await poll(event, 0),
            await poll(event, event.revision + 1),
            await poll(event, 0, slug="unknown"),
        ):
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["Cache-Control"] == "no-store"
        async with connect(event, event.revision) as socket:
            assert await socket.closed() == live.POLL_INSTEAD
        silence.is_down = False
        await until(lambda: not feed.is_silent)
        monkeypatch.setattr(registry, "SILENT_SECONDS", SILENT_SECONDS)
        assert (await poll(event, event.revision)).status == 204
        assert (await poll(event, 0, slug="unknown")).status == 404

    with every_query(silence):
        run(main)


def test_silence_means_ten_seconds() -> None:
    assert SILENT_SECONDS == 10


def test_open_sockets_are_told_each_time_the_database_falls_silent_and_stay(
    make_event: Callable[..., Event], quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event(updates=1)
    silence = Silence()

    async def main() -> None:
        async with connect(event, event.revision) as socket, connect(event, event.revision) as other:
            await until(lambda: len(Feeds.here().readers) == 2)
            feed = Feeds.here()._by_slug[event.slug]
            for _ in range(2):
                silence.is_down = True
                monkeypatch.setattr(registry, "SILENT_SECONDS", 0.5)
                assert await socket.text() == await other.text() == live.UNSURE
                assert (await poll(event, event.revision)).status == 503, "what the page asks then"
                silence.is_down = False
                monkeypatch.setattr(registry, "SILENT_SECONDS", SILENT_SECONDS)
                await until(lambda: not feed._was_silent)
            update = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == update.revision
            assert Fragment(await other.text()).revision == update.revision
            assert socket.code is other.code is None
            assert not socket.received, "once each time"

    with every_query(silence):
        run(main)


def test_a_change_that_the_feed_could_not_read_comes_when_it_can(make_event: Callable[..., Event], quick: None) -> None:
    event = make_event(updates=1)
    state = {"failures": 3}

    def seen(sql: str) -> None:
        if state["failures"] and thread_name().startswith("feed") and state.get("is_armed"):
            state["failures"] -= 1
            raise OperationalError("not now")

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            state["is_armed"] = True
            update = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == update.revision
            assert state["failures"] == 0

    with every_query(seen):
        run(main)


def test_a_page_that_is_ahead_gets_a_503_when_the_check_fails(
    make_event: Callable[..., Event], unchecked: None
) -> None:
    event = make_event(updates=1)
    silence = Silence()

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        silence.is_down = True
        answer = await poll(event, event.revision + 1)
        assert answer.status == 503
        assert "Retry-After" in answer.headers

    with every_query(silence):
        run(main)


def test_a_socket_that_is_ahead_waits_while_the_check_fails(event: Event, ring_on: Any, quick: None) -> None:
    ring_on("DeafLayer")
    silence = Silence()

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        silence.is_down = True
        update = await in_thread(publish, event)
        async with connect(event, update.revision) as socket:
            await until(lambda: Feeds.here()._checks or silence.failures)
            failures = silence.failures
            await until(lambda: silence.failures > failures + 2)
            assert socket.code is None
            silence.is_down = False
            second = await in_thread(publish, event)
            fragment = Fragment(await socket.text())
            assert (fragment.after, fragment.revision) == (update.revision, second.revision)

    with every_query(silence):
        run(main)


def test_a_first_use_that_fails_is_tried_again_by_the_next(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    silence = Silence()
    silence.is_down = True

    async def main() -> None:
        answers = await asyncio.gather(*(poll(event, 0) for _ in range(10)))
        assert {answer.status for answer in answers} == {503}
        silence.is_down = False
        assert (await poll(event, 0)).status == 200

    with every_query(silence):
        run(main)


# Events that go.


@pytest.mark.parametrize("end", ["make_draft", "delete"])
def test_an_event_that_is_taken_away_closes_its_sockets_and_is_not_found(
    make_event: Callable[..., Event], end: str
) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            pk = event.pk
            await in_thread(getattr(event, end))
            event.pk = pk
            assert await socket.closed() == live.GONE
            assert not socket.received
        assert (await poll(event, event.revision)).status == 404
        async with connect(event, event.revision) as socket:
            assert await socket.closed() == live.GONE

    run(main)


def test_an_event_with_the_slug_of_a_deleted_one_is_another(make_event: Callable[..., Event], quick: None) -> None:
    event = make_event(updates=5, slug="landing")

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        await in_thread(event.delete)
        other = await in_thread(make_event, updates=1, slug="landing")

        async def found() -> None:
            while (await poll(other, other.revision)).status != 204:
                await asyncio.sleep(0.01)

        await asyncio.wait_for(found(), PATIENCE_SECONDS)
        assert (await poll(event, event.revision, event.edition)).body == live.RELOAD

    run(main)


# Care.


def test_a_feed_that_nobody_asks_leaves_after_a_minute_but_never_while_a_socket_follows_it(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    followed, left = make_event(updates=1), make_event(updates=1)
    assert registry.IDLE_SECONDS == 60
    monkeypatch.setattr(registry, "IDLE_SECONDS", 0.2)

    async def main() -> None:
        feeds = Feeds.here()
        async with connect(followed, followed.revision) as socket:
            assert (await poll(left, left.revision)).status == 204
            await until(lambda: set(feeds._by_slug) == {followed.slug, left.slug})
            await until(lambda: left.slug not in feeds._by_slug)
            feed = feeds._by_slug[followed.slug]
            used_at = feed.used_at
            await until(lambda: asyncio.get_running_loop().time() > used_at + 1.5)
            assert feeds._by_slug[followed.slug] is feed
            update = await in_thread(publish, followed)
            assert Fragment(await socket.text()).revision == update.revision
        await until(lambda: not feeds._by_slug)
        assert (await poll(left, left.revision)).status == 204

    run(main)


def test_feeds_belong_to_their_event_loop(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    seen: list[Feeds] = []

    async def main() -> None:
        seen.append(Feeds.here())
        assert Feeds.here() is seen[-1]
        assert (await poll(event, event.revision)).status == 204

    run(main)
    run(main)
    assert seen[0] is not seen[1]


def test_tasks_of_a_feed_inherit_nothing_from_the_request_that_starts_them(event: Event) -> None:
    import contextvars

    personal = contextvars.ContextVar("personal", default="nobody's")
    found: list[str] = []

    async def main() -> None:
        personal.set("somebody's")

        async def look() -> None:
            found.append(personal.get())

        await Feeds.here().start(look())

    run(main)
    assert found == ["nobody's"]


def test_an_overloaded_loop_asks_for_fewer_polls_and_recovers(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event(updates=1)
    assert registry.LATE_SECONDS == 0.5

    async def main() -> None:
        feeds = Feeds.here()
        assert (await poll(event, event.revision)).headers["Poll-Seconds"] == "5"
        monkeypatch.setattr(registry, "LATE_SECONDS", -1)  # every second is late
        await until(lambda: feeds.shedding >= 2)
        assert (await poll(event, event.revision)).headers["Poll-Seconds"] == "10"
        feeds.shedding = 12
        assert (await poll(event, event.revision)).headers["Poll-Seconds"] == "60"
        monkeypatch.setattr(registry, "LATE_SECONDS", 60)
        await until(lambda: feeds.shedding < 12)

    run(main)


def test_nothing_is_left_behind_by_readers_who_left(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        feeds = Feeds.here()
        async with AsyncExitStack() as stack:
            for _ in range(60):
                await stack.enter_async_context(connect(event, event.revision))
            feed = await until(lambda: feeds._by_slug.get(event.slug))
            await until(lambda: len(feed._waiting) == 60)
            assert feed.readers == len(feeds.readers) == 60
        await until(lambda: not feed._waiting)
        assert feed.readers == len(feeds.readers) == 0

    run(main)
