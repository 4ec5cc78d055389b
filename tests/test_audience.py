"""How many readers are connected: the same number by whichever process it is asked."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from websockets.asyncio.client import connect as dial

from config.asgi import application
from liveblog.feed import Feeds, audience
from liveblog.feed.audience import ReaderCounter, count_readers
from liveblog.models import Audience, Event
from tests.asgi import connect, every_query, in_thread, poll, run, thread_name, until
from tests.server import Site, publish

in_process = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be written but by the test."""
    monkeypatch.setattr(audience, "WRITE_SECONDS", 60.0)


def rows() -> dict[int, int]:
    return dict(Audience.objects.values_list("event_id", "readers"))


@in_process
def test_this_process_s_readers_are_counted_as_they_come_and_go(make_event: Callable[..., Event], held: None) -> None:
    event, other = make_event(), make_event("Another")

    async def count() -> tuple[int, int]:
        return await in_thread(count_readers, event), await in_thread(count_readers, other)

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        assert await count() == (0, 0)
        async with AsyncExitStack() as stack:
            for _ in range(30):
                await stack.enter_async_context(connect(event, event.revision))
            async with connect(other, other.revision):
                await until(lambda: len(Feeds.here().readers) == 31)
                assert await count() == (30, 1)
            assert await count() == (30, 0)
        assert await count() == (0, 0)

    run(main)


@in_process
def test_an_open_desk_is_told_what_readers_are_told_and_is_none_of_them(event: Event, held: None) -> None:
    async def main() -> None:
        query = f"after={event.revision}&edition={event.edition}&desk="
        async with connect(event, query=f"{query}1") as desk, connect(event, query=f"{query}x"):
            await until(lambda: len(Feeds.here().readers) == 2)
            assert await in_thread(count_readers, event) == 1
            update = await in_thread(publish, event)
            assert f'data-revision="{update.revision}"' in await desk.text()
        await until(lambda: not Feeds.here().readers)
        assert await in_thread(count_readers, event) == 0

    run(main)


@in_process
def test_the_readers_of_other_processes_count_as_long_as_their_rows_hold(event: Event, held: None) -> None:
    processes = [uuid.uuid4() for _ in range(3)]

    def count() -> int:
        for process, readers, seconds in zip(processes, (100, 20, 3), (0, 20, 41), strict=True):
            counted_at = timezone.now() - timedelta(seconds=seconds)
            row = {"readers": readers, "counted_at": counted_at}
            Audience.objects.update_or_create(event=event, process=process, defaults=row)
        return count_readers(event)

    async def main() -> None:
        async with connect(event, event.revision):
            await until(lambda: Feeds.here().readers)
            counter = ReaderCounter(Feeds.here())
            await in_thread(counter.write)
            assert await in_thread(count) == 121, "its own row is not counted beside its memory"
            await in_thread(counter.withdraw)

    run(main)
    assert count() == 120


@in_process
def test_a_command_counts_what_the_servers_have_written(event: Event) -> None:
    Audience.objects.create(event=event, process=uuid.uuid4(), readers=7)
    assert count_readers(event) == 7


@in_process
def test_a_process_writes_what_has_changed_in_one_statement_and_repeats_it_before_it_is_stale(
    make_event: Callable[..., Event], held: None
) -> None:
    event, other = make_event(), make_event("Another")
    asked: list[str] = []
    counters: list[ReaderCounter] = []

    async def written() -> list[str]:
        asked.clear()
        await in_thread(counters[0].write)
        return [sql.split()[0] for sql in asked if "audience" in sql]

    async def main() -> None:
        counters.append(ReaderCounter(Feeds.here()))
        assert (await poll(event, event.revision)).status == 204
        assert await written() == []
        async with connect(event, event.revision), connect(event, event.revision):
            async with connect(other, other.revision):
                await until(lambda: len(Feeds.here().readers) == 3)
                assert await written() == ["INSERT"]
                assert await in_thread(rows) == {event.pk: 2, other.pk: 1}
                assert await written() == []
                counters[0]._written[event.pk] = (2, time.monotonic() - 18)
                assert await written() == ["INSERT"], "said again"
            await until(lambda: len(Feeds.here().readers) == 2)
            assert await written() == ["DELETE"]
            assert await in_thread(rows) == {event.pk: 2}
        await until(lambda: not Feeds.here().readers)
        await written()
        assert await in_thread(rows) == {}

    with every_query(lambda sql: asked.append(sql) if thread_name() != "audience" else None):
        run(main)


@in_process
def test_a_process_that_leaves_takes_its_rows_along(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "WRITE_SECONDS", 0.05)
    Audience.objects.create(event=event, process=uuid.uuid4(), readers=7)

    async def main() -> None:
        async with connect(event, event.revision):
            while await in_thread(Audience.objects.count) < 2:
                await asyncio.sleep(0.02)
            await in_thread(application.stop)
            assert await in_thread(rows) == {event.pk: 7}

    run(main)


@in_process
def test_an_event_that_is_removed_hinders_no_other_s_count(make_event: Callable[..., Event], held: None) -> None:
    event, removed = make_event(), make_event("Gone")

    async def main() -> None:
        async with connect(event, event.revision), connect(removed, removed.revision) as socket:
            await until(lambda: len(Feeds.here().readers) == 2)
            await in_thread(removed.remove)
            assert await socket.closed() == 4404
            await in_thread(ReaderCounter(Feeds.here()).write)
            assert await in_thread(rows) == {event.pk: 1}

    run(main)


def test_two_servers_add_up_and_a_restart_counts_nobody_twice(server: Any) -> None:
    first = server()
    second = server(data_dir=first.data_dir)
    event = first.event()

    def total(site: Site) -> int:
        return site.do(Audience.total, event)

    async def counted(number: int) -> None:
        ends_at = time.monotonic() + 10 * audience.WRITE_SECONDS
        while (found := await asyncio.to_thread(total, first)) != number:
            assert time.monotonic() < ends_at, found
            await asyncio.sleep(0.1)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            for site, readers in ((first, 5), (second, 3)):
                for _ in range(readers):
                    await stack.enter_async_context(dial(site.live(event, event.revision)))
            await counted(8)
            await asyncio.to_thread(second.stop)
            assert await asyncio.to_thread(total, first) == 5, "at once: it took its own along"
        await counted(0)

    asyncio.run(main())
