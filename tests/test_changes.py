"""The poll: each row of the table in docs/protocol.md, through ASGI and through Django's fallback alike."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.test import Client

from liveblog import live, rendering
from liveblog.feed import ticker
from liveblog.models import Event
from liveblog.release import digest
from tests.asgi import Answer, ask, every_query, in_thread, poll, run, thread_name, until
from tests.page import Fragment
from tests.server import publish

pytestmark = pytest.mark.django_db(transaction=True)

type Ask = Callable[..., Answer]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Poll-Seconds, Release, Retry-After",
}


def through_asgi(path: str, query: str = "", method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """Ask as daphne does."""
    pairs = tuple((name.lower().encode(), value.encode()) for name, value in (headers or {}).items())
    return run(lambda: ask(path, query, method=method, headers=pairs))


def through_django(path: str, query: str = "", method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """Ask as a test client does, and a server without ASGI."""
    response = Client(enforce_csrf_checks=True, headers=headers).generic(method, f"{path}?{query}" if query else path)
    return Answer(response.status_code, {k.title(): v for k, v in response.headers.items()}, response.content.decode())


@pytest.fixture(params=[through_asgi, through_django], ids=["asgi", "django"])
def asking(request: pytest.FixtureRequest) -> Ask:
    """Ask either way."""
    return request.param  # type: ignore[no-any-return]


def path_of(event: Event) -> str:
    return f"/events/{event.slug}/changes/"


def cached_for(seconds: int) -> str:
    return f"public, max-age=0, s-maxage={seconds}, stale-while-revalidate=0, stale-if-error=0"


# The table, from above.


def test_nothing_new_is_an_empty_204(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)
    answer = asking(path_of(event), f"after={event.revision}&edition={event.edition}")
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Cache-Control"] == cached_for(1)
    assert answer.headers["Poll-Seconds"] == "5"


def test_changes_come_each_update_once_in_its_present_state(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=4)
    cursor = event.revision
    one, two, three, _ = event.updates.oldest_first()
    one.edit(body="First edit")
    two.edit(body="Edited")
    one.edit(body="Second edit")
    three.withdraw()
    event.refresh_from_db()
    answer = asking(path_of(event), f"after={cursor}&edition={event.edition}")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == cached_for(1)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    fragment = Fragment(answer.body)
    assert fragment.section.attributes == {
        "data-after": str(cursor),
        "data-revision": str(event.revision),
        "data-edition": event.edition,
        "data-status": "live",
        "data-release": digest(),
    }
    assert [card.number for card in fragment.elements.cards] == [two.number, one.number, three.number]
    for card in fragment.elements.cards:
        assert card.text == rendering.card(event.updates.get(number=card.number))
    assert not fragment.elements.head, "the head has not changed"


def test_a_withdrawn_update_comes_as_a_tombstone_without_a_word_of_its_text(
    asking: Ask, event: Event, author: Any
) -> None:
    update = event.publish(author=author, body="Secret body", headline="Secret headline", is_key=True)
    update.withdraw()
    for after in (0, update.revision - 1):
        answer = asking(path_of(event), f"after={after}")
        (card,) = Fragment(answer.body).elements.cards
        assert card.text == (
            f'<article id="update-{update.number}" data-number="{update.number}" '
            f'data-revision="{update.revision}" data-gone></article>'
        )
        assert "Secret" not in answer.body


def test_the_head_comes_when_it_has_changed_with_ids_of_its_own(asking: Ask, event: Event, author: Any) -> None:
    cursor = event.publish(author=author, body="One").revision
    event.refresh_from_db()
    event.revise(title="A <new> title")
    answer = asking(path_of(event), f"after={cursor}")
    fragment = Fragment(answer.body)
    assert list(fragment.elements.head) == ["masthead", "pinned", "keys"]
    assert "".join(fragment.elements.head.values()) == str(rendering.head(Event.objects.get(pk=event.pk)))
    assert "A &lt;new&gt; title" in fragment.elements.head["masthead"]
    assert not fragment.elements.cards
    assert not any(one.attributes.get("id", "").startswith("update-") for one in fragment.elements.found)


def test_the_status_reaches_the_page(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    cursor = event.revision
    event.end()
    fragment = Fragment(asking(path_of(event), f"after={cursor}").body)
    assert fragment.section["data-status"] == "ended"
    assert "Coverage ended" in fragment.elements.head["masthead"]


def test_an_ended_event_asks_to_be_polled_once_a_minute(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(status="ended", updates=1)
    for after, status in ((event.revision, 204), (0, 200)):
        answer = asking(path_of(event), f"after={after}")
        assert (answer.status, answer.headers["Poll-Seconds"]) == (status, "60")
    event.reopen()
    assert asking(path_of(event), f"after={event.revision}").headers["Poll-Seconds"] == "5"


def test_a_page_that_the_database_itself_is_behind_is_told_to_reload(asking: Ask, event: Event) -> None:
    answer = asking(path_of(event), f"after={event.revision + 1}&edition={event.edition}")
    assert (answer.status, answer.body) == (200, live.RELOAD)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Poll-Seconds"] == "5"
    assert Fragment(answer.body).is_reload


def test_a_page_of_another_edition_is_told_to_reload_whatever_its_cursor(asking: Ask, event: Event) -> None:
    other = "00000000" if event.edition != "00000000" else "11111111"
    for after in (0, event.revision, event.revision + 5):
        answer = asking(path_of(event), f"after={after}&edition={other}")
        assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, live.RELOAD, "no-store")


def test_a_page_below_the_tail_reloads_and_one_at_its_floor_is_led_on(
    asking: Ask, make_event: Callable[..., Event], settings: Any
) -> None:
    settings.TAIL_UPDATES = 3
    event = make_event(updates=5)
    floor = event.updates.get(number=2).revision
    assert asking(path_of(event), f"after={floor - 1}").body == live.RELOAD
    fragment = Fragment(asking(path_of(event), f"after={floor}").body)
    assert [card.number for card in fragment.elements.cards] == [3, 4, 5]


def test_the_floor_of_a_tail_that_has_grown_is_the_last_change_that_it_has_dropped(
    make_event: Callable[..., Event], settings: Any
) -> None:
    settings.TAIL_UPDATES = 3
    event = make_event(updates=2)

    async def main() -> None:
        await poll(event, event.revision)  # from here on the feed grows
        updates = [await in_thread(publish, event, f"Update {number}") for number in range(4)]
        newest = updates[-1].revision
        floor = updates[0].revision
        while (answer := await poll(event, newest)).status != 204:
            await asyncio.sleep(0.01)
        for after in range(floor):
            assert (await poll(event, after)).body == live.RELOAD, after
        for after in range(floor, newest):
            answer = await poll(event, after)
            found = [card.revision for card in Fragment(answer.body).elements.cards]
            assert found == list(range(after + 1, newest + 1))

    run(main)


def test_the_tail_holds_the_last_500_changed_updates(settings: Any) -> None:
    assert settings.TAIL_UPDATES == 500


def test_a_page_below_a_change_of_every_card_reloads(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    before = event.revision
    event.revise(time_zone="Asia/Kathmandu")
    assert asking(path_of(event), f"after={before}").body == live.RELOAD
    assert asking(path_of(event), f"after={event.revision}").status == 204


def test_a_missing_or_empty_edition_is_not_checked(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for query in ("after=0", "after=0&edition="):
        assert asking(path_of(event), query).status == 200
    assert asking(path_of(event), f"edition={event.edition}&after=0").status == 200


BAD_QUERIES = [
    "",
    "after=",
    "after",
    "before=1",
    "after=-1",
    "after=+1",
    "after=%2B1",
    "after=01",
    "after=00",
    "after=1_000",
    "after=%205",
    "after=5%20",
    "after=5%0A",
    "after=5%00",
    "after=1.0",
    "after=1e3",
    "after=0x1",
    "after=%D9%A3",
    "after=\u0663",
    "after=%C2%B2",
    f"after={2**53}",
    f"after={10**15 * 9 + 10**15}",
    "after=" + "9" * 16,
    "after=" + "1" * 5000,
    "after=1&after=2",
    "after=1&after=1",
    "after=nan",
    "after=null",
    "after=%FF",
    "AFTER=1",
    "after=1&edition=xyz",
    "after=1&edition=0000000",
    "after=1&edition=000000000",
    "after=1&edition=ABCDEF01",
    "after=1&edition=0000000g",
    "after=1&edition=%D9%A3" + "0000000",
    "after=1&edition=00000000%0A",
    "after=1&edition=00000000&edition=00000000",
    "after=1&" + "&".join(f"x{n}=1" for n in range(30)),
    "%",
    "after=%",
    "&&&=&",
    "after=1;edition=2",
]


def test_a_cursor_that_no_page_of_ours_has_is_a_400_in_plain_text(event: Event) -> None:
    async def main() -> list[Answer]:
        return [await ask(path_of(event), query) for query in BAD_QUERIES]

    for query, asgi in zip(BAD_QUERIES, run(main), strict=True):
        django = through_django(path_of(event), query)
        for answer in (asgi, django):
            assert answer.status == 400, query
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Cache-Control"] == "no-store"
        assert asgi.body == django.body


def test_every_cursor_that_a_page_can_have_is_understood(asking: Ask, event: Event) -> None:
    for after in (0, 1, 10, 2**53 - 1):
        assert asking(path_of(event), f"after={after}").status in {200, 204}
    assert asking(path_of(event), f"after={2**53 - 1}").body == live.RELOAD
    assert asking(path_of(event), "after=%30").status == 200


def test_a_draft_an_unknown_and_a_deleted_event_get_the_same_answer(
    asking: Ask, make_event: Callable[..., Event]
) -> None:
    draft, deleted = make_event(status="draft", updates=1), make_event(updates=1)
    deleted.delete()
    answers = [asking(f"/events/{slug}/changes/", "after=0") for slug in (draft.slug, deleted.slug, "unknown")]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].status == 404
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[0].headers["Content-Type"] == "text/plain; charset=utf-8"
    bad = [asking(f"/events/{slug}/changes/", "after=x") for slug in (draft.slug, "unknown")]
    assert bad[0] == bad[1]
    assert bad[0].status == 400


def test_an_event_made_a_draft_is_gone_and_one_made_public_is_there(
    asking: Ask, make_event: Callable[..., Event]
) -> None:
    event = make_event(updates=1)
    assert asking(path_of(event), "after=0").status == 200
    event.make_draft()
    assert asking(path_of(event), "after=0").status == 404
    event.go_live()
    assert asking(path_of(event), "after=0").status == 200


# Methods and headers.


def test_only_reading_is_allowed(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        answer = asking(path_of(event), "after=0", method)
        assert answer.status == 405, method
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert answer.headers["Cache-Control"] == "no-store"


def test_options_says_what_is_allowed(asking: Ask, event: Event) -> None:
    answer = asking(path_of(event), method="OPTIONS", headers={"Origin": "https://example.org"})
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Cache-Control"] == "no-store"


def test_head_is_get_without_the_body(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for query in ("after=0", f"after={event.revision}", "after=x", "after=999"):
        whole = asking(path_of(event), query)
        head = asking(path_of(event), query, "HEAD")
        assert (head.status, head.body) == (whole.status, "")
        whole.headers.pop("Vary", None)
        head.headers.pop("Vary", None)
        assert head.headers == whole.headers


def test_every_answer_carries_its_headers_and_nothing_personal(asking: Ask, make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    questions = [("after=0", "GET"), (f"after={event.revision}", "GET"), ("after=x", "GET"), ("after=99", "GET")]
    questions += [("", "POST"), ("", "OPTIONS"), ("after=0", "HEAD")]
    answers = [asking(path_of(event), query, method) for query, method in questions]
    answers.append(asking("/events/unknown/changes/", "after=0"))
    assert [answer.status for answer in answers] == [200, 204, 400, 200, 405, 204, 200, 404]
    for answer in answers:
        assert answer.headers.items() >= HEADERS.items()
        assert answer.headers["Poll-Seconds"].isdigit()
        assert "Cache-Control" in answer.headers
        for name in ("Etag", "Set-Cookie", "Last-Modified", "Access-Control-Allow-Credentials"):
            assert name not in answer.headers
        assert "cookie" not in answer.headers.get("Vary", "").lower()


def test_the_answer_is_the_same_for_everyone(asking: Ask, make_event: Callable[..., Event], author: User) -> None:
    event = make_event(updates=2)
    client = Client()
    client.force_login(author)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    assert cookie
    plain = asking(path_of(event), "after=0")
    for headers in (
        {"Cookie": cookie},
        {"HX-Request": "true", "HX-Target": "feed"},
        {"If-None-Match": "*", "If-Modified-Since": "Sun, 22 Nov 2099 12:00:00 GMT"},
        {"Origin": "null"},
        {"Accept-Language": "de"},
        {"Accept": "application/json"},
    ):
        answer = asking(path_of(event), "after=0", headers=headers)
        assert (answer.status, answer.body) == (200, plain.body)
        assert answer.headers == plain.headers


def test_both_ways_give_the_same_bytes(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=3)
    event.pin(update=event.updates.first())
    event.updates.last().withdraw()
    event.refresh_from_db()
    for after in range(event.revision + 2):
        asgi, django = (asking(path_of(event), f"after={after}") for asking in (through_asgi, through_django))
        assert (asgi.status, asgi.body) == (django.status, django.body)
        for name in (*HEADERS, "Cache-Control", "Poll-Seconds", "Content-Type"):
            assert asgi.headers[name] == django.headers[name]


def test_the_django_way_leaves_its_headers_as_they_are(event: Event) -> None:
    answer = through_django(path_of(event), f"after={event.revision}")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert answer.headers["Cache-Control"] == cached_for(1)


def test_times_have_six_decimals_always(asking: Ask, event: Event, author: Any) -> None:
    event.publish(author=author, body="One", published_at=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC))
    (card,) = Fragment(asking(path_of(event), "after=0").body).elements.cards
    assert card["data-published"] == "2001-02-03T04:05:06.000000Z"


# What it costs.


def test_a_poll_with_nothing_new_asks_the_database_nothing(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=3)
    asked: list[tuple[str, str]] = []

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        asked.clear()
        for _ in range(20):
            assert (await poll(event, event.revision)).status == 204
            assert (await poll(event, 0)).status == 200
            assert (await poll(event, 1)).status == 200
        assert [query for query in asked if query[0] not in {"ticker", "schedule", "audience"}] == []

    with every_query(lambda sql: asked.append((thread_name(), sql))):
        run(main)


def test_the_check_is_one_query_a_second_for_all_events_together(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ticker.CHECK_SECONDS == 1
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)
    events = [make_event(updates=1) for _ in range(5)]
    asked: list[str] = []
    checks: list[tuple[int, int]] = []
    """Of each check, how many events it found and how many queries it made."""
    check = ticker.Ticker._check

    def seen(sql: str) -> None:
        if thread_name() == "ticker":
            asked.append(sql)

    def counted(self: ticker.Ticker) -> ticker.Revisions:
        before = len(asked)
        found = check(self)
        checks.append((len(found), len(asked) - before))
        return found

    monkeypatch.setattr(ticker.Ticker, "_check", counted)

    async def main() -> None:
        for event in events:
            assert (await poll(event, event.revision)).status == 204
        checks.clear()
        await until(lambda: len(checks) >= 3)
        assert set(checks[1:]) == {(5, 1)}

    with every_query(seen):
        run(main)


def test_the_loop_s_thread_never_queries(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        with pytest.raises(SynchronousOnlyOperation):
            event.refresh_from_db()
        assert (await poll(event, 0)).status == 200
        await in_thread(event.publish, author=await in_thread(lambda: event.authors.get()), body="Two")
        assert (await poll(event, event.revision)).status == 204

    run(main)
