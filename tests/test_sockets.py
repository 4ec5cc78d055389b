"""The socket: the same fragments as they come, every way to close it, and real ones through a real server."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.exceptions import ValidationError
from django.db import connection
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as websocket

from liveblog import bell, live, rendering
from liveblog.descriptors import RESERVED
from liveblog.feed import Feeds, registry, ticker
from liveblog.models import Event
from tests import asgi
from tests.asgi import PATIENCE_SECONDS, ask, connect, in_thread, poll, run, until
from tests.conftest import use_layer
from tests.page import Fragment, Page
from tests.server import ANSWER_SECONDS, ROOT, Site, make_user, publish, set_ended


def in_process[**P](test: Callable[P, None]) -> Callable[P, None]:
    """Run a test beside a server in its own process, which offers finished frames, and then one that does not."""
    for mark in (
        pytest.mark.django_db(transaction=True),
        pytest.mark.usefixtures("frames"),
        pytest.mark.parametrize("frames", [True, False], ids=["frames", "messages"], indirect=True),
    ):
        test = mark(test)
    return test


@pytest.fixture
def frames(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer finished frames or not."""
    monkeypatch.setattr(asgi, "OFFERS_FRAMES", request.param)


# What comes.


@in_process
def test_a_reader_who_is_behind_gets_what_is_lacking_at_once(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=3)

    async def main() -> None:
        async with connect(event, 2) as socket:
            fragment = Fragment(await socket.text())
            assert (fragment.after, fragment.revision) == (2, event.revision)
            assert [card.number for card in fragment.elements.cards] == [2, 3]

    run(main)


@in_process
def test_a_reader_who_is_up_to_date_gets_nothing_until_there_is_something(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            assert not socket.received
            update = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == update.revision

    run(main)


@in_process
def test_every_kind_of_change_arrives_in_order(event: Event, author: Any) -> None:
    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            update = await in_thread(publish, event, "One")
            changes: list[Callable[[], Any]] = [
                lambda: update.edit(body="Two"),
                update.mark_key,
                lambda: event.pin(update=update),
                update.withdraw,
                update.restore,
                event.unpin,
                lambda: event.revise(title="Another title"),
                event.end,
                event.reopen,
            ]
            cursor = Fragment(await socket.text()).revision
            for change in changes[:-2]:
                await in_thread(change)
                fragment = Fragment(await socket.text())
                assert (fragment.after, fragment.revision) == (cursor, cursor + 1)
                cursor = fragment.revision

    run(main)


@in_process
def test_nothing_that_a_client_says_is_listened_to(event: Event) -> None:
    async def main() -> None:
        async with connect(event, event.revision) as socket:
            for text in ("hello", json.dumps({"type": "changed", "event": event.pk}), "x" * 100_000):
                socket.to_server.put_nowait({"type": "websocket.receive", "text": text})
            socket.to_server.put_nowait({"type": "websocket.receive", "bytes": b"\x00"})
            await until(socket.to_server.empty)
            update = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == update.revision
            assert socket.code is None

    run(main)


@in_process
@pytest.mark.parametrize("origin", [b"null", b"https://elsewhere.example", b"", None])
def test_any_origin_is_served_and_a_sandboxed_one_too(make_event: Callable[..., Event], origin: bytes | None) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        headers = () if origin is None else ((b"origin", origin),)
        async with connect(event, 0, headers=headers) as socket:
            assert Fragment(await socket.text()).revision == event.revision

    run(main)


# How it ends.


@in_process
@pytest.mark.parametrize(
    "query",
    ["", "after=", "after=-1", "after=01", "after=1_000", f"after={2**53}", "after=1&after=2", "after=0&edition=x"],
)
def test_a_malformed_cursor_closes_it_with_4400(event: Event, query: str) -> None:
    async def main() -> None:
        async with connect(event, query=query) as socket:
            assert await socket.closed() == live.MALFORMED == 4400
            assert not socket.received

    run(main)


@in_process
def test_drafts_and_unknown_events_close_it_with_4404_and_other_addresses_refuse_it(
    make_event: Callable[..., Event],
) -> None:
    draft = make_event(status="draft", updates=1)

    async def main() -> None:
        for slug in (draft.slug, "unknown"):
            async with connect(draft, 0, slug=slug) as socket:
                assert await socket.closed() == live.GONE == 4404
                assert socket.is_open
        async with connect(draft, 0, slug="../../admin") as socket:
            assert await socket.closed() == 4404
            assert not socket.is_open

    run(main)


@in_process
def test_posts_and_corrections_after_the_end_come_through_the_same_socket(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(event.end)
            fragment = Fragment(await socket.text())
            assert fragment.section["data-status"] == "ended"
            assert "Coverage ended" in fragment.elements.head["masthead"]
            posted = await in_thread(publish, event, "One thing more")
            assert Fragment(await socket.text()).revision == posted.revision
            await in_thread(posted.edit, body="One thing more, put right")
            assert "put right" in await socket.text()
            assert socket.code is None

    run(main)


@in_process
def test_a_socket_waits_for_corrections_for_ten_minutes_and_is_then_closed_with_1000(
    make_event: Callable[..., Event], settings: Any
) -> None:
    assert (settings.ENDED_SOCKET_SECONDS, settings.ENDED_CLOSING_SECONDS) == (10 * 60, 2 * 60)
    event = make_event(updates=1)
    settings.ENDED_SOCKET_SECONDS, settings.ENDED_CLOSING_SECONDS = 0.2, 0.2

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(event.end)
            assert Fragment(await socket.text()).section["data-status"] == "ended"
            assert await socket.closed() == live.ENDED == 1000

    run(main)


@in_process
def test_a_new_socket_to_an_event_that_has_just_ended_stays_too(make_event: Callable[..., Event]) -> None:
    event = make_event(status="ended", updates=2)
    set_ended(event, minutes_ago=9)

    async def main() -> None:
        async with connect(event, 1) as socket:
            assert Fragment(await socket.text()).revision == event.revision
            posted = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == posted.revision
            assert socket.code is None

    run(main)


@in_process
def test_the_sockets_of_an_ended_event_are_closed_one_by_one_over_two_minutes(
    make_event: Callable[..., Event],
) -> None:
    """Half a minute after the ten, about one in four has gone, and the others still get what comes."""
    event = make_event(status="ended", updates=1)
    set_ended(event, minutes_ago=10.5)

    async def main() -> None:
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(connect(event, event.revision)) for _ in range(60)]
            await until(lambda: any(socket.code == live.ENDED for socket in sockets))
            posted = await in_thread(publish, event)
            await until(lambda: all(socket.code or socket.received for socket in sockets))
            texts = [socket.received[0] for socket in sockets if socket.received]
            assert texts
            assert {Fragment(text).revision for text in texts} == {posted.revision}
            assert {socket.code for socket in sockets} <= {None, live.ENDED}

    run(main)


@in_process
def test_a_socket_to_an_event_that_ended_long_ago_gets_what_it_lacks_and_then_1000(
    make_event: Callable[..., Event],
) -> None:
    event = make_event(status="ended", updates=2)
    set_ended(event, minutes_ago=12)

    async def main() -> None:
        async with connect(event, 1) as socket:
            assert Fragment(await socket.text()).revision == event.revision
            assert await socket.closed() == live.ENDED
        async with connect(event, event.revision) as socket:
            assert await socket.closed() == live.ENDED
            assert not socket.received
        await in_thread(event.reopen)
        await until(lambda: next(iter(Feeds.here()._by_slug.values())).tail.status == "live")
        async with connect(event, event.revision) as socket:
            update = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == update.revision

    run(main)


@in_process
def test_an_end_that_is_taken_back_lets_its_sockets_stay(make_event: Callable[..., Event], settings: Any) -> None:
    event = make_event(updates=1)
    settings.ENDED_CLOSING_SECONDS = 0

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            await in_thread(event.end)
            await socket.text()
            await in_thread(event.reopen)
            assert Fragment(await socket.text()).section["data-status"] == "live"
            settings.ENDED_SOCKET_SECONDS = 0  # for the end that was taken back, if anything still waits for it
            posted = await in_thread(publish, event)
            assert Fragment(await socket.text()).revision == posted.revision
            await in_thread(event.end)
            assert Fragment(await socket.text()).section["data-status"] == "ended"
            assert await socket.closed() == live.ENDED

    run(main)


@in_process
def test_what_needs_a_reload_says_so_and_lets_the_page_come_back(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        for after, edition in ((event.revision + 1, event.edition), (0, "00000000")):
            async with connect(event, after, edition=edition) as socket:
                assert await socket.text() == live.RELOAD
                assert await socket.closed() == live.COME_BACK == 4000

    run(main)


@in_process
def test_a_full_process_refuses_more_sockets_and_serves_their_polls(
    make_event: Callable[..., Event], settings: Any
) -> None:
    event = make_event(updates=1)
    settings.SOCKETS_PER_PROCESS = 2

    async def main() -> None:
        async with connect(event, 0) as one, connect(event, 0) as two:
            await one.text()
            await two.text()
            async with connect(event, 0) as three:
                assert await three.closed() == live.POLL_INSTEAD == 4503
                assert not three.received
            assert (await poll(event, 0)).status == 200
            await one.cut()
            async with connect(event, 0) as four:
                await four.text()

    run(main)


@in_process
def test_an_old_socket_is_closed_so_that_its_page_comes_back(event: Event, settings: Any) -> None:
    assert settings.SOCKET_SECONDS == 15 * 60
    settings.SOCKET_SECONDS = 0.1

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            assert await socket.closed() == live.COME_BACK
        assert not Feeds.here().readers

    run(main)


@in_process
def test_sockets_that_came_together_do_not_all_leave_together(event: Event) -> None:
    async def main() -> None:
        sockets = [connect(event, event.revision) for _ in range(20)]
        for socket in sockets:
            await socket.__aenter__()
        readers: set[Any] = await until(lambda: len(Feeds.here().readers) == 20 and Feeds.here().readers)
        ends = sorted(reader.closes_at for reader in readers)
        assert ends[-1] - ends[0] > 30
        for socket in sockets:
            await socket.__aexit__(None, None, None)

    run(main)


# Slow and broken readers.


@in_process
def test_a_stuck_reader_holds_up_nobody_and_is_let_go(event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.STUCK_SECONDS == 20
    monkeypatch.setattr(registry, "STUCK_SECONDS", 0.1)
    is_stuck = asyncio.Event()

    async def never(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            is_stuck.set()
            await asyncio.Future()

    async def main() -> None:
        async with connect(event, event.revision, send=never) as stuck, connect(event, event.revision) as well:
            feeds = Feeds.here()
            await until(lambda: len(feeds.readers) == 2)
            for number in range(3):
                update = await in_thread(publish, event, f"Update {number}")
                assert Fragment(await well.text()).revision == update.revision
            await is_stuck.wait()
            await until(lambda: len(feeds.readers) == 1)
            await asyncio.wait_for(stuck.task, PATIENCE_SECONDS)

    run(main)


@in_process
def test_a_slow_reader_gets_more_at_once_when_it_is_ready(event: Event) -> None:
    may_go = asyncio.Event()

    async def slow(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await may_go.wait()

    async def main() -> None:
        async with connect(event, event.revision, send=slow) as socket:
            await until(lambda: Feeds.here().readers)
            cursor = event.revision
            updates = [await in_thread(publish, event, f"Update {number}") for number in range(10)]
            feed = next(iter(Feeds.here()._by_slug.values()))
            await until(lambda: feed.tail.revision == updates[-1].revision)
            may_go.set()
            numbers: list[int] = []
            fragments = 0
            while cursor < updates[-1].revision:
                fragment = Fragment(await socket.text())
                assert fragment.after == cursor
                cursor = fragment.revision
                numbers += [card.number for card in fragment.elements.cards]
                fragments += 1
            assert numbers == [update.number for update in updates]
            assert fragments < len(updates)

    run(main)


@in_process
def test_a_reader_whose_connection_breaks_while_it_is_sent_to_disturbs_nobody(event: Event) -> None:
    async def broken(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise ConnectionResetError

    async def main() -> None:
        async with connect(event, event.revision, send=broken), connect(event, event.revision) as well:
            await until(lambda: len(Feeds.here().readers) == 2)
            for number in range(2):
                update = await in_thread(publish, event, f"Update {number}")
                assert Fragment(await well.text()).revision == update.revision
        assert not Feeds.here().readers

    run(main)


@in_process
def test_a_reader_who_leaves_before_it_is_served_leaves_nothing_behind(event: Event) -> None:
    async def main() -> None:
        for _ in range(20):
            async with connect(event, event.revision):
                pass
        feeds = Feeds.here()
        assert not feeds.readers
        assert all(feed.readers == 0 for feed in feeds._by_slug.values())

    run(main)


# All at once, and through real servers.


@in_process
def test_pages_led_by_sockets_that_are_cut_and_by_polls_end_up_right_under_several_authors(
    make_event: Callable[..., Event],
) -> None:
    """The promise once more, with real feeds, threads and timing: eight pages, three authors, random cuts."""
    event = make_event(updates=6)
    dice = random.Random(20)
    is_over = asyncio.Event()

    def change(number: int) -> None:
        fresh = Event.objects.get(pk=event.pk)
        updates = list(fresh.updates.all())
        update = dice.choice(updates)
        match dice.randrange(8):
            case 0 | 1 | 2:
                publish(fresh, f"Update {number}", is_key=dice.random() < 0.2)
            case 3 if not update.withdrawn_at:
                update.edit(body=f"Edited {number}")
            case 4:
                update.restore() if update.withdrawn_at else update.withdraw()
            case 5 if not update.withdrawn_at:
                update.move(published_at=dice.choice(updates).published_at)
            case 6 if not update.withdrawn_at:
                fresh.pin(update=update)
            case 7:
                fresh.revise(title=f"Title {number}")

    def try_to_change(number: int) -> None:
        with suppress(ValidationError):  # another author has withdrawn it meanwhile
            change(number)

    async def author(first: int) -> None:
        for number in range(first, 75, 3):
            await in_thread(try_to_change, number)

    async def fetch(page_order: str) -> str:
        answer = await ask(f"/events/{event.slug}/", f"sort={page_order}")
        assert answer.status == 200
        return answer.body

    async def read_by_socket(page: Page) -> None:
        while not is_over.is_set():
            async with connect(event, page.cursor, edition=page.edition) as socket:
                try:
                    for _ in range(dice.randrange(1, 6)):
                        page.take(await socket.text(0.3))
                except TimeoutError:
                    pass

    async def read_by_poll(page: Page) -> None:
        while not is_over.is_set():
            answer = await poll(event, page.cursor, page.edition)
            if answer.status == 200:
                page.take(answer.body)
            await asyncio.sleep(dice.random() / 20)

    async def main() -> None:
        pages = [Page.open(await fetch(order)) for order in ("newest", "oldest") * 4]
        reading = [
            asyncio.create_task((read_by_socket if number < 4 else read_by_poll)(page))
            for number, page in enumerate(pages)
        ]
        await asyncio.gather(*(author(first) for first in range(3)))
        fresh = await in_thread(Event.objects.get, pk=event.pk)
        await until(lambda: all(page.cursor == fresh.revision for page in pages))
        is_over.set()
        await asyncio.gather(*reading)
        await in_thread(check_all, event, pages)

    run(main)


async def received(socket: ClientConnection) -> str:
    """Return what a real socket brings next."""
    return str(await asyncio.wait_for(socket.recv(), PATIENCE_SECONDS))


def check_all(event: Event, pages: list[Page]) -> None:
    """Every page holds the visible updates of its window, in present state and order."""
    fresh = Event.objects.get(pk=event.pk)
    head = rendering.head(fresh)
    for page in pages:
        cards = [
            str(rendering.card(update))
            for update in fresh.updates.visible().oldest_first()
            if page.covers(update.place)
        ]
        assert [card.text for card in page.cards] == (cards if page.order == "oldest" else cards[::-1])
        assert page.head == dict(zip(("masthead", "pinned", "keys"), map(str, head), strict=True))
        assert (page.cursor, page.edition, page.status) == (fresh.revision, fresh.edition, fresh.status)


def test_a_post_from_another_process_reaches_open_sockets_by_the_check(live_site: Any) -> None:
    assert ticker.CHECK_SECONDS == 1
    event = live_site.event(updates=2)

    async def main() -> None:
        async with (
            dial(live_site.live(event, event.revision), origin="null") as one,
            dial(live_site.live(event, 1)) as two,
        ):
            assert Fragment(await two.recv()).revision == event.revision
            assert "<" in await asyncio.to_thread(lambda: live_site.get(live_site.page(event)).text)
            posted = await asyncio.to_thread(live_site.manage, "post", event.slug, stdin="From *elsewhere*")
            assert f"/events/{event.slug}/updates/3/" in posted
            for socket in (one, two):
                fragment = Fragment(await received(socket))
                assert fragment.after == event.revision
                assert "<p>From <em>elsewhere</em></p>" in fragment.elements.cards[0].text

    asyncio.run(main())


def test_real_sockets_are_closed_with_the_codes_that_pages_know(live_site: Any) -> None:
    event, ended, draft = live_site.event(updates=1), live_site.event(status="ended"), live_site.event(status="draft")
    live_site.do(set_ended, ended, minutes_ago=12)

    async def code_of(url: str) -> int | None:
        async with dial(url) as socket:
            try:
                while True:
                    await received(socket)
            except ConnectionClosed:
                return socket.close_code

    async def main() -> None:
        assert await code_of(live_site.live(event).replace("after=0", "after=x")) == 4400
        assert await code_of(live_site.live(draft)) == 4404
        assert await code_of(live_site.live(event).replace(event.slug, "unknown")) == 4404
        assert await code_of(live_site.live(ended)) == 1000
        assert await code_of(live_site.live(event, 99)) == 4000
        open_one = asyncio.create_task(code_of(live_site.live(event)))
        await asyncio.to_thread(live_site.publish, event)
        await asyncio.to_thread(live_site.do, event.make_draft)
        assert await open_one == 4404

    asyncio.run(main())


def test_pages_are_right_again_after_their_server_was_killed_and_came_back(server: Any) -> None:
    site = server()
    event = site.event(updates=3)

    async def main() -> None:
        page = Page.open(await asyncio.to_thread(lambda: site.get(site.page(event)).text))
        async with dial(site.live(event, page.cursor)) as socket:
            await asyncio.to_thread(site.kill)
            with pytest.raises(ConnectionClosed):
                await received(socket)
        await asyncio.to_thread(site.publish, event, "Meanwhile")
        await asyncio.to_thread(lambda: site.do(event.updates.first).pk)
        await asyncio.to_thread(site.start)
        async with dial(site.live(event, page.cursor)) as socket:
            page.take(await received(socket))
            await asyncio.to_thread(site.publish, event, "And again")
            page.take(await received(socket))
        await asyncio.to_thread(site.do, check_all, event, [page])

    asyncio.run(main())


def test_a_restarted_server_knows_how_long_ago_an_event_ended(server: Any) -> None:
    site = server()
    just, long_ago = site.event(status="ended", updates=1), site.event(status="ended", updates=1)
    site.do(set_ended, long_ago, minutes_ago=12)
    site.restart()

    async def main() -> None:
        async with dial(site.live(long_ago, long_ago.revision)) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 20)
            assert socket.close_code == 1000
        async with dial(site.live(just, just.revision)) as socket:
            update = await asyncio.to_thread(site.publish, just)
            assert Fragment(await asyncio.wait_for(socket.recv(), 20)).revision == update.revision

    asyncio.run(main())


def test_a_server_with_open_sockets_stops_when_it_is_told_to(server: Any) -> None:
    site = server()
    event = site.event(updates=1)

    async def main() -> None:
        async with dial(site.live(event)) as socket:
            await socket.recv()
            await asyncio.to_thread(site.stop)
            with pytest.raises(ConnectionClosed):
                await received(socket)

    asyncio.run(main())


@pytest.mark.redis
@in_process
def test_with_redis_a_post_in_one_process_reaches_the_sockets_of_others_by_the_bell(
    event: Event, redis_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The check does not come, so that nothing but the bell of the other process can bring it."""
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 3_600)
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    use_layer(settings, {"default": {"BACKEND": layer, "CONFIG": {"hosts": [redis_url], "prefix": "liveblog"}}})
    database = connection.settings_dict
    environ = os.environ | {
        "REDIS_URL": redis_url,
        "DATABASE_URL": f"sqlite:///{database['NAME']}",
        "DATA_DIR": str(tmp_path),
    }

    def post() -> str:
        command = [sys.executable, "manage.py", "post", event.slug]
        done = subprocess.run(command, cwd=ROOT, env=environ, input="From elsewhere", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def subscribers() -> int:
        channel = f"liveblog__group__{bell.GROUP}"
        with redis.Redis.from_url(redis_url) as client:
            return int(client.pubsub_numsub(channel)[0][1])

    before = subscribers()

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers and subscribers() > before)
            await in_thread(post)
            assert "From elsewhere" in await socket.text()

    run(main)


def test_with_a_dead_redis_readers_have_a_post_by_the_check(server: Any) -> None:
    site = server(REDIS_URL="redis://127.0.0.1:1/0")
    event = site.event()

    async def main() -> None:
        async with dial(site.live(event, event.revision)) as socket:
            for number in range(2):
                update = await asyncio.to_thread(site.publish, event, f"Update {number}")
                assert Fragment(await received(socket)).revision == update.revision
            await asyncio.to_thread(site.manage, "post", event.slug, stdin="By a command")
            assert "By a command" in await received(socket)
        assert site.log.count("Traceback") == 0, site.log

    asyncio.run(main())


def test_a_user_of_the_site_can_log_in(live_site: Any) -> None:
    """For tests that use the desk: the password that ``site.user`` sets is one the server accepts."""
    from tests.server import PASSWORD

    user = live_site.user("grace")
    assert live_site.do(user.check_password, PASSWORD)
    assert live_site.do(make_user, "grace").pk == user.pk


@pytest.mark.parametrize("environ", [{}, {"SERVER": "uvicorn"}], ids=["daphne", "uvicorn"])
def test_sockets_leave_room_for_pages_where_few_files_may_be_open(
    server: Callable[..., Site], environ: dict[str, str]
) -> None:
    site = server(open_files=RESERVED + 40, **environ)
    event = site.event(updates=1)
    with ExitStack() as stack:
        sockets = [stack.enter_context(websocket(site.live(event), proxy=None)) for _ in range(60)]
        codes = []
        for socket in sockets:
            try:
                assert "update-1" in str(socket.recv(ANSWER_SECONDS))
            except ConnectionClosed as closed:
                codes.append(closed.rcvd.code if closed.rcvd else None)
        assert codes == [live.POLL_INSTEAD] * 20
        assert site.get(site.page(event)).status_code == 200
        assert site.get(site.changes(event)).status_code == 200
    assert f"Up to 40 sockets in this process, which may open {RESERVED + 40} files" in site.log
    assert "Traceback" not in site.log
