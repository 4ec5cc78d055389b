"""Pages anyone may read, without a browser: the same bytes for everyone, cacheable, and never a 500."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liveblog import rendering, stream
from liveblog.models import Event, Place
from tests.page import Elements, Page, order_of
from tests.server import make_user, publish

pytestmark = pytest.mark.django_db

CACHED = "public, max-age=0, s-maxage=2, stale-while-revalidate=0, stale-if-error=0"
DAY = datetime(2001, 2, 3, tzinfo=UTC)


@pytest.fixture
def long_event(make_event: Callable[..., Event], author: Any, monkeypatch: pytest.MonkeyPatch) -> Event:
    """A live event of 24 updates, a minute apart, ten of which fill a page."""
    assert stream.PAGE_UPDATES == 50
    monkeypatch.setattr(stream, "PAGE_UPDATES", 10)
    event = make_event(author=author)
    for number in range(24):
        publish(event, f"This is update {number + 1}.", published_at=DAY + timedelta(minutes=number))
    return event


def get(client: Client, event: Event, query: str = "") -> str:
    response = client.get(f"/events/{event.slug}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def numbers(html: str) -> list[int]:
    return [card.number for card in Elements(html).cards]


def feed_of(html: str) -> dict[str, str]:
    return Elements(html).by_id("feed").attributes


def edges(html: str) -> dict[str, str]:
    """Return the addresses behind "older" and "newer"."""
    found = {}
    for one in Elements(html).found:
        if one.tag == "a" and one.attributes.get("class") == "more":
            assert one["href"] == one["hx-get"]
            found["older" if "older" in one.text else "newer"] = one["href"]
    return found


# The same for everyone, and how it may be kept.


def every_page(event: Event) -> list[str]:
    number = event.updates.visible().first().number
    place = event.updates.visible().last().place
    own = event.get_absolute_url()
    return [
        "/",
        own,
        f"{own}?sort=oldest",
        f"{own}?around={number}",
        f"{own}?before={place}",
        f"{own}updates/{number}/",
    ]


def test_pages_are_the_same_bytes_for_everyone(make_event: Callable[..., Event], author: Any) -> None:
    event = make_event(updates=3)
    known = Client()
    known.force_login(author)
    for path in every_page(event):
        plain = Client().get(path)
        assert plain.status_code == 200
        assert event.title in plain.content.decode()
        others = [
            known.get(path),
            Client().get(path, headers={"HX-Request": "true", "HX-Target": "feed", "HX-Boosted": "true"}),
            Client().get(
                path, headers={"Accept-Language": "de", "User-Agent": "curl", "Origin": "https://example.org"}
            ),
            Client().get(path, headers={"Host": "elsewhere.example", "X-Forwarded-Host": "evil.example"}),
            Client().get(path, headers={"If-None-Match": "*", "If-Modified-Since": "Sun, 22 Nov 2099 12:00:00 GMT"}),
        ]
        for other in others:
            assert other.content == plain.content
            assert other.headers.items() == plain.headers.items()


def test_pages_carry_no_cookie_no_token_and_no_nonce(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)
    reader = make_user("wyzzyx")  # a name that no edition or address can hold by chance
    event.authors.add(reader)
    known = Client()
    known.force_login(reader)
    for path in every_page(event):
        for client in (Client(), known):
            response = client.get(path)
            text = response.content.decode()
            assert not response.cookies
            assert "csrf" not in text.lower()
            assert "nonce" not in text
            assert reader.get_username() not in text
            vary = {name.strip().lower() for name in response.headers.get("Vary", "").split(",") if name.strip()}
            assert vary <= {"accept-encoding"}
            assert "nonce" not in response["Content-Security-Policy"]


def test_every_page_says_how_it_may_be_cached(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)
    event.updates.first().withdraw()
    client = Client()
    for path in every_page(event):
        response = client.get(path)
        assert response["Cache-Control"] == CACHED
        assert "ETag" not in response
        assert client.head(path).headers["Cache-Control"] == CACHED
        assert client.head(path).content == b""
    own = event.get_absolute_url()
    for path, status in {
        "/events/unknown/": 404,
        "/nowhere/": 404,
        f"{own}updates/99/": 404,
        f"{own}updates/1/": 410,
        f"{own}?sort=random": 400,
        f"{own}?around=99": 404,
    }.items():
        response = client.get(path)
        assert response.status_code == status
        assert response["Cache-Control"] == "no-store", path


def test_pages_are_protected_by_their_headers(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for path in [*every_page(event), "/events/unknown/"]:
        response = Client().get(path)
        policy = {
            name: rest for name, *rest in (part.split() for part in response["Content-Security-Policy"].split(";"))
        }
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"] == policy["style-src"] == ["'self'"]
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_pages_hold_no_inline_script_style_or_handler_and_name_no_other_site(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2, summary="*Two* men")
    event.pin(update=event.updates.first())
    for path in every_page(event):
        for one in Elements(Client().get(path).content.decode()).found:
            assert one.tag != "style"
            assert not [
                name for name in one.attributes if name.startswith(("on", "hx-on", "data-hx-on")) or name == "style"
            ]
            if one.tag == "script" and one.attributes.get("type") != "application/ld+json":  # data, which nothing runs
                assert one.text == one.text.split(">")[0] + "></script>"
            for name in ("src", "href", "hx-get"):
                if one.attributes.get("rel") in {"canonical", "alternate"}:
                    assert one["href"].startswith("http://testserver/")  # BASE_URL, for machines
                elif one.tag in {"script", "link", "img", "iframe"}:
                    assert not one.attributes.get(name, "/").startswith(("http", "//"))
            assert not one.attributes.get("hx-trigger", "").count("[")
            assert not one.attributes.get("hx-vals", "").startswith("js:")


# Wrong ways in.


def test_reading_is_all_that_is_allowed(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for client in (Client(enforce_csrf_checks=True), Client()):
        for path in every_page(event):
            for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
                response = client.generic(method, path)
                assert response.status_code == 405, (method, path)
                assert response["Allow"] == "GET, HEAD"
                assert response["Cache-Control"] == "no-store"


def test_drafts_get_the_very_answer_of_unknown_events(make_event: Callable[..., Event], author: Any) -> None:
    draft = make_event(status="draft", updates=1, title="Secret plan")
    known = Client()
    known.force_login(author)
    for rest in (
        "",
        "?sort=oldest",
        "?around=1",
        "?sort=random",
        "?before=x",
        "updates/1/",
        "updates/9/",
        "changes/?after=0",
    ):
        for client in (Client(), known):
            hidden, unknown = client.get(f"/events/{draft.slug}/{rest}"), client.get(f"/events/unknown/{rest}")
            assert hidden.status_code == unknown.status_code == 404
            assert hidden.content == unknown.content
            assert hidden.headers.items() == unknown.headers.items()
    assert "Secret plan" not in Client().get("/").content.decode()
    draft.announce()
    assert Client().get(f"/events/{draft.slug}/").status_code == 200
    assert "Secret plan" in Client().get("/").content.decode()


BAD_QUERIES = [
    "sort=random",
    "sort=newest%00",
    "sort=NEWEST",
    "before=",
    "after=",
    "around=",
    "before=1",
    "before=2001-02-03T00:00:00.000000Z",
    "before=2001-02-03T00:00:00.000000Z,",
    "before=2001-02-03T00:00:00.000000Z,-1",
    "before=2001-02-03T00:00:00.000000Z,01",
    "before=2001-02-03T00:00:00.000000Z,1_0",
    "before=2001-02-03T00:00:00.000000Z,%D9%A3",
    "before=2001-02-03T00:00:00.000000Z,1%0A",
    "before=2001-02-03T00:00:00.000000Z,99999999999999999999",
    "before=2001-02-03T00:00:00Z,1",
    "before=2001-02-03T00:00:00.000000,1",
    "before=2001-02-03T00:00:00.000000%2B00:00,1",
    "before=2001-02-30T00:00:00.000000Z,1",
    "before=2001-02-03T25:00:00.000000Z,1",
    "before=0000-01-01T00:00:00.000000Z,1",
    "before=20010-01-01T00:00:00.000000Z,1",
    "before=%D9%A2%D9%A0%D9%A0%D9%A1-02-03T00:00:00.000000Z,1",
    "after=now",
    "around=one",
    "around=-1",
    "around=1.0",
    "around=%D9%A3",
    "around=%C2%B2",
    "around=1_0",
    "around=%201",
    "around=99999999999999999999999",
    "around=" + "1" * 5_000,
    "before=2001-02-03T00:00:00.000000Z,1&after=2001-02-03T00:00:00.000000Z,1",
    "around=1&before=2001-02-03T00:00:00.000000Z,1",
    "around=%FF",
]


@pytest.mark.parametrize("query", BAD_QUERIES, ids=range(len(BAD_QUERIES)))
def test_a_place_that_no_page_of_ours_names_is_a_400(make_event: Callable[..., Event], query: str) -> None:
    event = make_event(updates=1)
    response = Client().get(f"/events/{event.slug}/?{query}")
    assert response.status_code == 400
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"].startswith("text/html")
    said = unescape(response.content.decode())
    assert re.search(r"A place is a time|around is an update’s number|Only one of before|sort is newest or", said)
    assert "<script>" not in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "before=0001-01-01T00:00:00.000000Z,1",
        "after=0001-01-01T00:00:00.000000Z,1",
        "before=9999-12-31T23:59:59.999999Z,999999999",
        "after=9999-12-31T23:59:59.999999Z,999999999",
        "before=2001-02-03T00:00:00.000000Z,1",
        "before=2001-02-03T00:00:00.000000Z,0",
        "after=2001-02-03T00:00:00.000000Z,0",
        "before=2001-02-03T00:00:00.000000Z,9999999999",
        "sort=",
        "at=5",
        "at=<script>",
        "unknown=1&sort=oldest",
        "sort=oldest&sort=newest",
        "around=001",
        "around=first",
        "around=last",
    ],
)
def test_every_place_that_a_page_can_name_is_shown_and_its_links_work(
    make_event: Callable[..., Event], author: Any, query: str
) -> None:
    event = make_event()
    for number in range(3):
        publish(event, f"Update {number}", published_at=DAY + timedelta(days=number))
    html = get(Client(), event, f"?{query}")
    assert "<script>" not in html
    for href in edges(html).values():
        assert Client().get(href).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/events/%00/",
        "/events/a%0D%0ASet-Cookie:%20b=c/",
        "/events/a%0AX:%20y/changes/?after=0",
        "/events/../admin/",
        "/events/%2e%2e/",
        "/events/%FF/",
        "/events/%C3%A4/",
        "/events/" + "a" * 5_000 + "/",
        "/events/a'%20OR%201=1/",
        "/events/<script>/",
        "/events//",
        "/events/a//",
        "/events/a/updates/one/",
        "/events/a/updates/-1/",
        "/events/a/updates/" + "9" * 30 + "/",
        "/events/a/updates/" + "9" * 5_000 + "/",
        "/events/a/live/",
        "/%0D%0ASet-Cookie:%20b=c",
        "/?x=%0D%0ASet-Cookie:%20b=c",
    ],
)
def test_absurd_addresses_are_not_found_and_smuggle_no_header(path: str) -> None:
    response = Client().get(path)
    assert response.status_code in {200, 400, 404} if path.startswith("/?") else response.status_code in {400, 404}
    assert not response.cookies
    assert "X" not in response.headers
    assert "<script>" not in response.content.decode().replace('<script src="', "")


def test_an_update_s_number_that_no_database_holds_is_not_found(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for number in (0, 2, 2**31, 2**63, 2**64, 10**40):
        assert Client().get(f"/events/{event.slug}/updates/{number}/").status_code == 404
    for number in (0, 2, 999_999_999):
        assert Client().get(f"/events/{event.slug}/?around={number}").status_code == 404


def test_an_address_without_its_last_slash_leads_to_the_one_with_it(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    response = Client().get(f"/events/{event.slug}?sort=oldest")
    assert response.status_code == 301
    assert response["Location"] == f"/events/{event.slug}/?sort=oldest"


# The stream and its windows.


def test_a_page_opens_with_the_newest_and_an_open_end(long_event: Event) -> None:
    html = get(Client(), long_event)
    assert numbers(html) == list(range(24, 14, -1))
    feed = feed_of(html)
    assert feed["data-order"] == "newest"
    assert feed["data-newest"] == ""
    assert feed["data-oldest"] == str(long_event.updates.get(number=15).place)
    assert feed["data-revision"] == str(long_event.revision)
    assert feed["data-edition"] == long_event.edition
    assert feed["data-status"] == "live"
    assert feed["data-last-number"] == "24"
    assert "data-before" not in feed
    assert "data-after-place" not in feed
    assert edges(html).keys() == {"older"}


def test_oldest_first_opens_with_the_first(long_event: Event) -> None:
    html = get(Client(), long_event, "?sort=oldest")
    assert numbers(html) == list(range(1, 11))
    feed = feed_of(html)
    assert (feed["data-order"], feed["data-oldest"]) == ("oldest", "")
    assert feed["data-newest"] == str(long_event.updates.get(number=10).place)
    assert edges(html).keys() == {"newer"}


def test_an_ended_event_opens_with_its_beginning(long_event: Event) -> None:
    long_event.end()
    assert numbers(get(Client(), long_event))[0] == 1
    long_event.revise(order="newest")
    assert numbers(get(Client(), long_event))[0] == 24


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_following_the_links_shows_every_update_once_in_order(long_event: Event, order: str) -> None:
    client = Client()
    direction = "older" if order == "newest" else "newer"
    html = get(client, long_event, f"?sort={order}")
    found = numbers(html)
    while direction in edges(html):
        href = edges(html)[direction]
        before = feed_of(html)
        response = client.get(href)
        html = response.content.decode()
        after = feed_of(html)
        assert after["data-order"] == order
        if direction == "older":
            assert after["data-before"] == before["data-oldest"]
        else:
            assert after["data-after-place"] == before["data-newest"]
        found += numbers(html)
    expected = list(range(1, 25))
    assert found == (expected if order == "oldest" else expected[::-1])
    assert feed_of(html)["data-oldest" if direction == "older" else "data-newest"] == ""


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_page_around_a_number_holds_it_and_its_neighbours(long_event: Event, order: str) -> None:
    html = get(Client(), long_event, f"?around=12&sort={order}")
    expected = list(range(8, 18))
    assert numbers(html) == (expected if order == "oldest" else expected[::-1])
    assert edges(html).keys() == {"older", "newer"}
    assert set(numbers(get(Client(), long_event, "?around=first"))) == set(range(1, 11))
    assert set(numbers(get(Client(), long_event, "?around=last&sort=oldest"))) == set(range(15, 25))
    assert 1 in numbers(get(Client(), long_event, "?around=1"))


def test_a_page_around_a_withdrawn_update_shows_where_it_stood(long_event: Event) -> None:
    long_event.updates.get(number=12).withdraw()
    found = numbers(get(Client(), long_event, "?around=12&sort=oldest"))
    assert 12 not in found
    assert found[0] < 12 < found[-1]


def test_updates_of_the_very_same_time_are_kept_apart_by_their_numbers(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAGE_UPDATES", 3)
    event = make_event()
    for number in range(12):
        publish(event, f"Update {number}", published_at=DAY)
    for order, direction in (("newest", "older"), ("oldest", "newer")):
        html = get(Client(), event, f"?sort={order}")
        found = numbers(html)
        while direction in edges(html):
            html = Client().get(edges(html)[direction]).content.decode()
            found += numbers(html)
        assert sorted(found) == list(range(1, 13))
        assert found == sorted(found, reverse=order == "newest")


def test_a_window_says_exactly_what_its_page_holds(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every question a page can ask: its cards are the visible updates of the window that it names."""
    monkeypatch.setattr(stream, "PAGE_UPDATES", 4)
    event = make_event()
    for number in range(9):
        publish(event, f"Update {number}", published_at=DAY + timedelta(minutes=number * 7 % 5))
    for number in (1, 4, 9):
        event.updates.get(number=number).withdraw()
    visible = list(event.updates.visible().oldest_first())
    questions = ["", "?sort=oldest", "?around=first", "?around=last"]
    questions += [f"?around={number}" for number in range(1, 10)]
    for update in event.updates.all():
        questions += [f"?before={update.place}&sort=oldest"]
        for place in (update.place, update.place.before, update.place.after):
            questions += [f"?before={place}", f"?after={place}"]
    for question in questions:
        page = Page.open(get(Client(), event, question))
        assert [card.number for card in sorted(page.cards, key=lambda card: order_of(card.place))] == [
            update.number for update in visible if page.covers(update.place)
        ], question
        assert len(page.cards) <= 4
        if page.oldest and not page.newest:
            beyond = [update for update in visible if update.place < Place.parse(page.oldest)]
            assert beyond, "an end is open when nothing lies beyond"


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_read_while_an_update_moves_shows_it_once(make_event: Callable[..., Event]) -> None:
    """``around`` reads what is older, then what is newer; a move between the two must not double the update."""
    event = make_event()
    for number in range(6):
        publish(event, f"Update {number}", published_at=DAY + timedelta(minutes=number))
    readings = 0

    def move() -> None:
        try:
            event.updates.get(number=1).move(published_at=DAY + timedelta(minutes=30))
        finally:
            connections.close_all()

    def while_reading(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal readings
        if 'FROM "liveblog_update"' in sql:
            readings += 1
            if readings == 3:
                thread = threading.Thread(target=move)
                thread.start()
                thread.join()
        return execute(sql, *rest)

    with connection.execute_wrapper(while_reading):
        html = get(Client(), event, "?around=3&sort=oldest")
    assert readings >= 3
    assert sorted(numbers(html)) == [1, 2, 3, 4, 5, 6]


def test_cards_on_the_page_are_the_bytes_that_the_poll_sends(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=3)
    event.updates.first().mark_key()
    event.pin(update=event.updates.last())
    event.refresh_from_db()
    elements = Elements(get(Client(), event))
    assert [card.text for card in elements.cards] == [
        str(rendering.card(update)) for update in event.updates.visible().newest_first()
    ]
    head = rendering.head(event)
    assert elements.head == {"masthead": head.masthead, "pinned": head.pinned, "keys": head.keys}
    single = Elements(Client().get(f"/events/{event.slug}/updates/2/").content.decode())
    assert single.cards[0].text == str(rendering.card(event.updates.get(number=2)))


def test_days_stand_between_the_cards_in_the_event_s_own_zone(make_event: Callable[..., Event]) -> None:
    event = make_event(time_zone="Asia/Kathmandu")
    for hour in (16, 18, 19):
        publish(event, f"At {hour} UTC", published_at=DAY.replace(hour=hour))
    html = get(Client(), event, "?sort=oldest")
    days = [re.sub("<[^>]*>", "", one.text) for one in Elements(html).found if one.attributes.get("class") == "day"]
    assert days == ["Saturday 3 February 2001", "Sunday 4 February 2001"]


def test_links_of_a_page_keep_its_order_and_lead_to_its_own_event(long_event: Event) -> None:
    for href in edges(get(Client(), long_event, "?around=12&sort=oldest&at=7")).values():
        parts = urlsplit(href)
        assert parts.path == long_event.get_absolute_url()
        query = parse_qs(parts.query)
        assert query["sort"] == ["oldest"]
        assert "around" not in query
        assert "at" not in query


# What it costs.


def test_a_page_asks_as_many_queries_whatever_the_size_of_its_event(
    long_event: Event, make_event: Callable[..., Event]
) -> None:
    small = make_event(updates=3)
    for event in (small, long_event):
        event.pin(update=event.updates.first())
        event.updates.last().mark_key()

    def count(event: Event, query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            get(Client(), event, query)
        return len(queries)

    for query in ("", "?sort=oldest"):
        assert count(small, query) == count(long_event, query) <= 5
    assert count(small, "?around=2") == count(long_event, "?around=2") <= 7
    with CaptureQueriesContext(connection) as queries:
        Client().get(f"/events/{long_event.slug}/updates/12/")
    assert len(queries) <= 3


def test_a_page_reads_its_event_first(long_event: Event) -> None:
    """So that the revision it names is never newer than what it shows."""
    with CaptureQueriesContext(connection) as queries:
        get(Client(), long_event)
    assert 'FROM "liveblog_event"' in queries[0]["sql"]
    assert not [query for query in queries[1:] if 'FROM "liveblog_event"' in query["sql"]]


# Single updates, the index, health.


def test_an_update_s_own_page_leads_to_its_place_in_the_stream(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)
    html = Client().get(f"/events/{event.slug}/updates/1/").content.decode()
    assert f'href="{event.get_absolute_url()}?around=1#update-1"' in html
    assert "This is update 1." in html
    assert "This is update 2." not in html


def test_a_withdrawn_update_s_own_page_says_that_it_is_gone_and_not_a_word_more(
    make_event: Callable[..., Event],
) -> None:
    event = make_event()
    update = publish(event, "Secret body", headline="Secret headline", is_key=True)
    event.pin(update=update)
    assert "Secret" in get(Client(), event)
    update.withdraw()
    response: HttpResponse = Client().get(update.get_absolute_url())
    assert response.status_code == 410
    for path in (update.get_absolute_url(), event.get_absolute_url(), "/", f"{event.get_absolute_url()}?around=1"):
        assert "Secret" not in Client().get(path).content.decode()


def test_the_index_lists_live_upcoming_and_past_events_with_the_latest_news(make_event: Callable[..., Event]) -> None:
    make_event(title="A live one", status="live", updates=2)
    make_event(title="An upcoming one", status="upcoming")
    make_event(title="A past one", status="ended", updates=1)
    make_event(title="A draft", status="draft")
    html = Client().get("/").content.decode()
    titles = ["A live one", "Headline 2", "An upcoming one", "A past one"]
    assert sorted(titles, key=html.index) == titles
    assert "A draft" not in html
    assert "Headline 1" not in html


def digest_of(path: str, name: str) -> str:
    return Elements(Client().get(path).content.decode()).by_id(name)["data-digest"]


def test_the_digest_of_the_list_changes_with_whatever_it_shows(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    seen = [digest_of("/", "events")]
    assert digest_of("/", "events") == seen[0]
    changes: list[Callable[[], object]] = [
        lambda: publish(event, "Latest"),
        lambda: event.revise(title="Another title"),
        lambda: event.pause(note="Half time"),
        event.end,
        event.make_draft,
        lambda: make_event(title="One more", status="upcoming"),
    ]
    for change in changes:
        change()
        seen.append(digest_of("/", "events"))
        assert digest_of("/", "events") == seen[-1]
    assert len(set(seen)) == len(seen)


def test_the_digest_of_an_update_s_page_changes_with_whatever_it_shows_and_with_nothing_else(
    make_event: Callable[..., Event],
) -> None:
    event = make_event(updates=1)
    update = event.updates.get()
    path = update.get_absolute_url()
    seen = [digest_of(path, "single")]
    publish(event, "Another update")
    event.revise(summary="Another summary")
    assert digest_of(path, "single") == seen[0]
    changes: list[Callable[[], object]] = [
        lambda: update.edit(body="Put right."),
        lambda: update.move(published_at=DAY),
        lambda: event.revise(title="Another title"),
        lambda: event.revise(time_zone="Asia/Tokyo"),
        update.withdraw,
        event.make_draft,
    ]
    for change in changes:
        change()
        event.refresh_from_db()
        seen.append(digest_of(path, "single"))
    assert len(set(seen)) == len(seen)


def test_only_what_is_said_of_an_update_itself_can_take_its_place_on_an_open_page(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page takes over what bears a digest under its id; an error of ours must pass by like one of anybody's."""
    event = make_event(updates=2)
    event.updates.first().withdraw()
    own = event.get_absolute_url()
    for path, status in ((f"{own}updates/2/", 200), (f"{own}updates/1/", 410), (f"{own}updates/9/", 404)):
        response = Client().get(path)
        assert response.status_code == status
        assert "data-digest" in Elements(response.content.decode()).by_id("single")

    def fail(*rest: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(rendering, "card", fail)
    response = Client(raise_request_exception=False).get(f"{own}updates/2/")
    assert response.status_code == 500
    assert "data-digest" not in response.content.decode()


def test_what_polls_stands_beside_what_it_swaps(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=2)
    event.updates.first().withdraw()
    own = event.get_absolute_url()
    for path in ("/", own, f"{own}embed/", f"{own}updates/1/", f"{own}updates/2/", f"{own}updates/2/embed/"):
        page = Elements(Client().get(path).content.decode())
        poll = page.by_id("poll")
        target = page.by_id(poll["hx-target"].removeprefix("#"))
        assert poll.text not in target.text
        assert "hx-select" not in poll
        for other in page.found:  # left to pages of the release before
            if "hx-trigger" in other and other is not poll:
                assert [one for one in page.found if "hx-disable" in one and other.text in one.text]


def test_the_index_costs_the_same_whatever_there_is_on_it(make_event: Callable[..., Event]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert Client().get("/").status_code == 200
        return len(captured)

    for status in ("live", "upcoming", "ended"):
        make_event(status=status, updates=2)
    few = queries()
    for status in ("live", "upcoming", "ended") * 4:
        make_event(status=status, updates=2)
    assert queries() == few


def test_the_index_shows_the_latest_of_each_event_that_is_not_withdrawn(make_event: Callable[..., Event]) -> None:
    events = [make_event(f"Event {number}", updates=3) for number in range(3)]
    events[1].updates.get(number=3).withdraw()
    for update in events[2].updates.all():
        update.withdraw()
    page = Client().get("/").content.decode()
    for event, latest in zip(events, (3, 2, None), strict=True):
        links = re.findall(rf'href="{event.get_absolute_url()}\?around=(\d+)#', page)
        assert links == ([str(latest)] if latest else [])
    assert page.count("The first update is on its way.") == 1


def test_an_empty_index_is_a_page_too() -> None:
    assert Client().get("/").status_code == 200


def test_what_people_wrote_is_escaped_wherever_it_stands(make_event: Callable[..., Event], author: Any) -> None:
    evil = '"><script>alert(1)</script><b id="update-9" data-reload>'
    event = make_event(title=evil, summary=evil, language="en")
    update = event.publish(author=author, headline=evil, body=evil, byline=evil, is_key=True)
    event.pin(update=update)
    for path in every_page(event):
        html = Client().get(path).content.decode()
        elements = Elements(html)
        assert "alert(1)" in html
        scripts = [one for one in elements.found if one.tag == "script" and "src" not in one]
        assert all(one["type"] == "application/ld+json" and one.text.count("<") == 2 for one in scripts)
        assert not [one for one in elements.found if (one.tag == "b" and one.attributes) or "data-reload" in one]


def test_addresses_of_its_own_come_from_the_settings_never_from_the_host(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    for path in every_page(event):
        assert "evil.example" not in Client().get(path, headers={"Host": "evil.example"}).content.decode()
