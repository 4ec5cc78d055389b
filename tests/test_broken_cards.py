"""What can't be drawn leaves an empty place, is logged once, and holds up nothing else."""

import asyncio
import copy
import json
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test import Client

from liveblog import live, log_throttle, rendering
from liveblog.archive import ArchiveError, export, freeze, import_event
from liveblog.feed import Feeds, registry, ticker
from liveblog.models import Attachment, Event, Photo, Update
from tests.asgi import connect, every_query, in_thread, poll, run, until
from tests.page import Element, Elements, Fragment
from tests.server import make_user, publish, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "This update can’t be shown right now."
PHOTO = {"name": "0123456789abcdef" * 2, "width": 800, "height": 600, "widths": [320, 800], "alt": "A crane"}

BROKEN: dict[int, dict[str, Any]] = {
    2: {"photos": [{name: PHOTO[name] for name in ("name", "width", "height", "alt")}]},
    3: {"photos": [PHOTO | {"width": "wide", "widths": "320"}]},
    4: {"photos": ["crane"]},
    5: {"photos": 7},
    6: {"photos": [PHOTO | {"alt": "\ud800"}]},  # which no page can be encoded with
    7: {"corrections": [{"at": "yesterday", "note": "It was nine.", "version": 1}]},
    8: {"corrections": 3},
}
"""What is wrong, by the number of the update; those before and after are whole."""
LAST = 9


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def application() -> None:
    """Load it before the test begins: it sets up logging anew, and the test would miss what is logged."""
    import config.asgi  # noqa: F401


@pytest.fixture
def damaged(make_event: Callable[..., Event]) -> Event:
    """A live event with an update for everything that can be wrong with one."""
    event = make_event(updates=LAST)
    for number, wrong in BROKEN.items():
        damage(event.updates.get(number=number), **wrong)
    return event


@pytest.fixture
def desk(author: Any) -> Client:
    return signed_in(author)


@pytest.fixture
def replace_template(settings: Any, tmp_path: Path) -> Callable[[str, Callable[[str], str]], None]:
    """Change one of our templates, as a faulty release would."""
    (ours,) = [Path(folder) for folder in settings.TEMPLATES[0]["DIRS"]]

    def replace(name: str, change: Callable[[str], str]) -> None:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change((ours / name).read_text()))
        templates = copy.deepcopy(settings.TEMPLATES)
        templates[0]["DIRS"] = [tmp_path / "templates", ours]
        settings.TEMPLATES = templates

    return replace


def damage(row: Update | Event, **fields: Any) -> None:
    """Write into a row what no method of its model would."""
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


def publish_damaged(event: Event, **fields: Any) -> Update:
    """Publish an update that nobody ever meets whole."""
    with transaction.atomic():
        update = publish(event, "Two")
        damage(update, **fields)
    return update


def get(path: str, client: Client | None = None) -> str:
    response = (client or Client()).get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def whole(event: Event) -> Fragment:
    """All of an event, as a poll brings it."""

    async def main() -> Fragment:
        return Fragment((await poll(event, 0)).body)

    return run(main)


def is_empty_place(card: Element, update: Update) -> bool:
    """Whether a card is the empty place of ``update`` as it is now, or else its text."""
    assert card.revision == update.revision
    assert card.place == str(update.place)
    assert "data-gone" not in card
    assert "<time" in card.text
    is_empty = WORDS in card.text
    assert is_empty != (update.body in card.text)
    return is_empty


def expect_only_the_broken_empty(event: Event, cards: list[Element]) -> None:
    cards = sorted(cards, key=lambda card: card.number)
    updates = list(event.updates.order_by("number"))
    empty = [card.number for card, update in zip(cards, updates, strict=True) if is_empty_place(card, update)]
    assert empty == list(BROKEN)


def make_photo(event: Event, author: Any) -> Photo:
    """A photo of the event, without files: only its row is asked for here."""
    return event.photos.create(uploader=author, name=uuid.uuid4().hex, width=800, height=600, widths=[320, 800])


def faults(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged with a traceback."""
    return [record for record in caplog.records if record.exc_info]


# Readers.


def test_a_poll_brings_all_that_is_whole_and_empty_places_for_the_rest(damaged: Event) -> None:
    fragment = whole(damaged)
    assert fragment.revision == damaged.revision
    expect_only_the_broken_empty(damaged, fragment.elements.cards)
    without_asgi = get(f"/events/{damaged.slug}/changes/?after=0&edition={damaged.edition}")
    expect_only_the_broken_empty(damaged, Fragment(without_asgi).elements.cards)


def test_what_is_posted_after_a_broken_one_arrives_through_the_socket(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            for wrong in BROKEN.values():
                two = await in_thread(publish_damaged, event, **wrong)
                (card,) = Fragment(await socket.text()).elements.cards
                assert is_empty_place(card, two)
                three = await in_thread(publish, event, "Three arrives.")
                fragment = Fragment(await socket.text())
                assert [card.number for card in fragment.elements.cards] == [three.number]
                assert "Three arrives." in fragment.elements.cards[0].text
                assert fragment.revision == three.revision
            assert (await poll(event, three.revision)).status == 204

    run(main)


@pytest.mark.parametrize("page", ["", "?sort=oldest", "?around=2", "embed/"])
def test_the_page_and_the_frame_go_on(damaged: Event, page: str) -> None:
    expect_only_the_broken_empty(damaged, Elements(get(f"/events/{damaged.slug}/{page}")).cards)


def test_the_pages_of_one_update_go_on(damaged: Event) -> None:
    for update in damaged.updates.all():
        for page in (f"updates/{update.number}/", f"updates/{update.number}/embed/"):
            (card,) = Elements(get(f"/events/{damaged.slug}/{page}")).cards
            assert is_empty_place(card, update) == (update.number in BROKEN)


def test_html_for_other_pages_goes_on(damaged: Event) -> None:
    articles = [one for one in Elements(get(f"/events/{damaged.slug}/fragment/")).found if one.tag == "article"]
    assert [one["id"] for one in articles] == [f"liveblog-{damaged.slug}-{number}" for number in range(LAST, 0, -1)]
    empty = [one["id"] for one in articles if WORDS in one.text]
    assert empty == [f"liveblog-{damaged.slug}-{number}" for number in reversed(BROKEN)]


def test_feeds_go_on_and_keep_every_entry(damaged: Event) -> None:
    for base in (f"/events/{damaged.slug}/", "/"):
        items = json.loads(get(f"{base}feed.json"))["items"]
        assert [item["title"] for item in items] == [f"Headline {number}" for number in range(LAST, 0, -1)]
        empty = [item["title"] for item in items if WORDS in item["content_html"]]
        assert empty == [f"Headline {number}" for number in reversed(BROKEN)]
        atom = get(f"{base}feed.atom")
        assert atom.count("<entry ") == LAST
        assert atom.count(WORDS) == len(BROKEN)


def test_search_engines_are_told_what_the_page_shows(damaged: Event) -> None:
    def told(path: str) -> Any:
        source = get(f"/events/{damaged.slug}/{path}")
        return json.loads(source.partition('<script type="application/ld+json">')[2].partition("</script>")[0])

    posts = told("")["liveBlogUpdate"]
    broken_photos = [number for number, wrong in BROKEN.items() if "photos" in wrong]
    named = [f"Headline {number}" for number in range(LAST, 0, -1) if number not in broken_photos]
    assert [post["headline"] for post in posts] == named
    assert told("updates/2/") == {}
    assert told("updates/1/")["headline"] == "Headline 1"


def test_what_only_names_a_broken_update_goes_on(damaged: Event) -> None:
    wordless = {"headline": "", "body": "", "body_text": "", "body_html": "", "is_key": True}
    for number in BROKEN:
        damage(damaged.updates.get(number=number), **wordless)
    damage(damaged.updates.get(number=LAST), withdrawn_at=damaged.changed_at)
    damage(damaged, pinned_number=2)
    parts = whole(damaged).elements.head
    assert "data-jump" in parts["pinned"]
    assert parts["keys"].count("data-jump") == len(BROKEN)
    oembed = f"/oembed/?url=http://testserver/events/{damaged.slug}/updates"
    admin = signed_in(make_user("root", is_staff=True, is_superuser=True))
    for path in (
        "/",
        f"/events/{damaged.slug}/",
        f"/events/{damaged.slug}/social-{damaged.head_revision}.jpg",
        *(f"{oembed}/{number}/" for number in BROKEN),
        "/sitemap-updates-1.xml",
        "/admin/liveblog/update/",
    ):
        assert admin.get(path).status_code == 200, path


def test_the_copy_and_the_export_go_on(damaged: Event, tmp_path: Path) -> None:
    freeze(damaged, tmp_path / "copy")
    for name in ("index", "newest-1", "oldest-1"):
        expect_only_the_broken_empty(damaged, Elements((tmp_path / "copy" / f"{name}.html").read_text()).cards)
    assert WORDS in (tmp_path / "copy" / "updates" / "2.html").read_text()
    export(damaged, tmp_path / "out")
    exported = json.loads((tmp_path / "out" / "event.json").read_bytes())["updates"]
    kept = list(damaged.updates.order_by("number").values("photos", "corrections"))
    assert [{name: update[name] for name in ("photos", "corrections")} for update in exported] == kept


def test_a_withdrawn_one_is_gone_however_broken_it_is(damaged: Event) -> None:
    damaged.updates.update(withdrawn_at=damaged.changed_at)
    for card in whole(damaged).elements.cards:
        assert "data-gone" in card
        assert WORDS not in card.text


# Authors.


def test_the_desk_goes_on_and_says_why(damaged: Event, desk: Client) -> None:
    damage(damaged.updates.get(number=1), withdrawn_at=damaged.changed_at)
    for path in ("", f"changes/?after=0&edition={damaged.edition}"):
        source = get(f"/desk/{damaged.slug}/{path}", desk)
        items = {number: Elements(source).by_id(f"item-{number}").text for number in range(1, LAST + 1)}
        assert [number for number, text in items.items() if "Readers see an empty place" in text] == list(BROKEN)
        for number, wrong in BROKEN.items():
            assert WORDS in items[number]
            (field,) = wrong
            assert field.removesuffix("s") in items[number].partition("Why: ")[2]
    assert "photo 1 lacks widths" in items[2]
    assert len(Elements(get(f"/desk/{damaged.slug}/preview/", desk)).cards) == LAST - 1


def test_the_desk_of_a_draft_goes_on(damaged: Event, desk: Client) -> None:
    damaged.make_draft()
    assert get(f"/desk/{damaged.slug}/", desk).count(WORDS) == len(BROKEN)


def test_everything_can_be_done_with_a_broken_update(damaged: Event, desk: Client) -> None:
    get(f"/desk/{damaged.slug}/archive/", desk)
    for number in BROKEN:
        update = damaged.updates.get(number=number)
        update.edit(body="Another text.")
        for page in ("", "versions/", "purge/"):
            get(f"/desk/{damaged.slug}/updates/{number}/{page}", desk)
        overtaken = {"body": "Mine.", "revision": update.revision - 1}
        assert desk.post(f"/desk/{damaged.slug}/updates/{number}/", overtaken).status_code == 409
        update.withdraw()
        assert "data-gone" in get(f"/desk/{damaged.slug}/", desk)
        update.restore()
        update.mark_key()
        damaged.pin(update=update)
        update.purge()


def test_what_waits_with_broken_photos_does_not_close_the_desk(event: Event, author: Any, desk: Client) -> None:
    event.submit(author=author, body="Waits for a word.", needs_approval=True)
    for photos in ([{"name": "x"}], 7, ["crane"]):
        event.waiting.update(photos=photos)
        assert "Waits for a word." in get(f"/desk/{event.slug}/", desk)
        assert "Waits for a word." in get(f"/desk/{event.slug}/waiting/{event.waiting.get().key}/", desk)


def test_an_edit_at_the_desk_mends_the_photos_and_keeps_them(event: Event, author: Any, desk: Client) -> None:
    photo = make_photo(event, author)
    update = publish(event, "With a photo.", photos=[Attachment(photo.key, "A crane")])
    damage(update, photos=[{"name": photo.name, "alt": "A crane"}])
    path = f"/desk/{event.slug}/updates/{update.number}/"
    form = get(path, desk)
    assert str(photo.key) in form
    assert 'value="A crane"' in form
    sent = {"headline": "", "body": "Put right.", "photo": ["", str(photo.key)], "alt": ["A crane"]}
    assert desk.post(path, sent | {"revision": update.revision}).status_code == 302
    update.refresh_from_db()
    assert update.photos == [photo.described("A crane")]
    assert "Put right." in rendering.card(update)


def test_a_note_on_top_of_corrections_that_can_not_be_read_is_refused_in_words(event: Event, desk: Client) -> None:
    update = publish(event, "It was nine.")
    damage(update, corrections=3, posted_at="2026-01-01T00:00:00Z")
    sent = {"body": "It was ten.", "correction": "Not nine.", "revision": update.revision}
    path = f"/desk/{event.slug}/updates/{update.number}/"
    response = desk.post(path, sent)
    assert response.status_code == 422
    assert "earlier corrections can’t be read" in response.content.decode()
    assert desk.post(path, sent | {"correction": ""}).status_code == 302
    update.refresh_from_db()
    assert update.body == "It was ten."


# What is logged, and how the mended one comes to open pages.


def test_it_is_logged_once_with_its_traceback_and_what_to_do(
    damaged: Event, desk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        whole(damaged)
    for page in ("", "updates/2/", "embed/", "fragment/", "feed.atom", "feed.json"):
        get(f"/events/{damaged.slug}/{page}")
    get(f"/desk/{damaged.slug}/", desk)
    lines = [record.getMessage() for record in faults(caplog)]
    assert sorted(lines) == sorted(set(lines))
    for number in BROKEN:
        (line,) = [line for line in lines if f"Update {number} of “{damaged.slug}”" in line]
        assert "reload_readers" in line
        assert "any edit of that update" in line
    assert len(lines) == len(BROKEN)
    damaged.updates.get(number=2).edit(body="Still broken.")
    for _ in range(2):
        get(f"/events/{damaged.slug}/")
    assert len(faults(caplog)) == len(BROKEN) + 1, "another revision may have another fault"


@pytest.mark.parametrize("way", ["command", "edit"])
def test_a_mended_card_comes_to_open_pages_by_the_command_and_by_an_edit(
    make_event: Callable[..., Event], way: str
) -> None:
    event = make_event(updates=1)

    async def main() -> None:
        assert (await poll(event, event.revision)).status == 204
        feed = Feeds.here()._by_slug[event.slug]
        two = await in_thread(publish_damaged, event, **BROKEN[2])
        await until(lambda: feed.tail.revision == two.revision)
        assert WORDS in (await poll(event, event.revision - 1)).body
        await in_thread(damage, two, photos=[])
        assert (await poll(event, two.revision)).status == 204, "the same revision is not taken again"
        if way == "command":
            await in_thread(call_command, "reload_readers")
            await until(lambda: feed.tail.revision == two.revision + 1)
            assert (await poll(event, two.revision)).body == live.RELOAD
        else:
            before = two.revision
            await in_thread(two.edit, is_key=True)
            await until(lambda: feed.tail.revision == two.revision)
            (card,) = Fragment((await poll(event, before)).body).elements.cards
            assert card.revision == two.revision
            assert not is_empty_place(card, two)

    run(main)
    assert WORDS not in get(f"/events/{event.slug}/")


# The parts of the head.


@pytest.mark.parametrize(
    "cover", [PHOTO | {"name": None}, {"alt": "no name"}, PHOTO | {"widths": []}, 7, ["x"]], ids=str
)
def test_a_broken_cover_is_left_out_and_logged(
    make_event: Callable[..., Event], cover: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    event = make_event(updates=1)
    damage(event, cover=cover)
    masthead = whole(event).elements.head["masthead"]
    assert event.title in masthead
    assert 'class="badge"' in masthead
    assert "<img" not in masthead
    assert "has-cover" not in masthead
    for path in ("/", f"/events/{event.slug}/", f"/events/{event.slug}/embed/"):
        assert event.title in get(path), path
    assert Client().get(f"/events/{event.slug}/social-{event.head_revision}.jpg").status_code == 200
    freeze(Event.objects.get(pk=event.pk), tmp_path / "copy")
    export(event, tmp_path / "out")
    (record,) = faults(caplog)
    assert f"The cover of “{event.slug}”" in record.getMessage()
    assert "reload_readers" in record.getMessage()


def test_a_broken_cover_can_be_replaced_at_the_desk(event: Event, author: Any, desk: Client) -> None:
    photo = make_photo(event, author)
    event.set_cover(attachment=Attachment(photo.key, "The bay"))
    for cover in ({"alt": "no name"}, 7, ["x"], {}):
        damage(event, cover=cover)
        source = get(f"/desk/{event.slug}/edit/", desk)
        assert "can’t be read" in source
        assert "Remove the picture" in source
    event.set_cover(attachment=Attachment(photo.key, "The bay"))
    assert "<img" in rendering.head(Event.objects.get(pk=event.pk)).masthead


def test_a_photo_whose_widths_can_not_be_read_is_not_there_and_holds_up_no_archive(
    event: Event, author: Any, desk: Client, tmp_path: Path
) -> None:
    photo = make_photo(event, author)
    publish(event, "With a photo.", photos=[Attachment(photo.key, "A crane")])
    event.photos.update(widths=7)
    assert Client().get(f"/events/{event.slug}/photos/{photo.name}-320.webp").status_code == 404
    assert desk.get(f"/desk/{event.slug}/photos/{photo.name}-320.webp").status_code == 404
    export(event, tmp_path / "out")
    freeze(event, tmp_path / "copy")


def test_a_summary_that_no_parser_of_python_s_takes_ends_nothing(
    make_event: Callable[..., Event], tmp_path: Path
) -> None:
    event = make_event(updates=1)
    damage(event, summary_html="<p>Wind</p><![foo[x]]> and water")
    for path in ("", "embed/", "feed.atom", "feed.json", "fragment/"):
        get(f"/events/{event.slug}/{path}")
    assert Event.objects.get(pk=event.pk).description == "Wind and water"
    assert event.title in get("/")
    freeze(Event.objects.get(pk=event.pk), tmp_path / "copy")


@pytest.mark.parametrize(
    ("part", "template", "before"),
    [
        ("masthead", "cover", "<img"),
        ("masthead", "head", "<h1"),
        ("pinned", "head", '<p class="pinned-label"'),
        ("keys", "head", "<ol"),
    ],
)
def test_a_part_of_the_head_whose_template_fails_leaves_an_empty_place_and_the_others_come(
    make_event: Callable[..., Event],
    replace_template: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    part: str,
    template: str,
    before: str,
) -> None:
    event = make_event(updates=2)
    event.updates.get(number=1).mark_key()
    event.pin(update=event.updates.get(number=2))
    damage(event, cover=PHOTO)
    event.refresh_from_db()
    right = whole(event).elements.head
    replace_template(f"liveblog/{template}.html", lambda text: text.replace(before, '{% url "nowhere" %}' + before))
    parts = whole(event).elements.head
    assert [name for name in right if parts[name] != right[name]] == [part]
    assert ("shown right now" in parts[part]) == (template == "head")
    assert event.title in parts["masthead"]
    elements = Elements(get(f"/events/{event.slug}/"))
    assert elements.head == parts
    assert [card.number for card in elements.cards] == [2, 1]
    (record,) = faults(caplog)
    assert event.slug in record.getMessage()
    assert "reload_readers" in record.getMessage()


def test_a_fault_in_a_template_empties_only_the_cards_that_meet_it(
    make_event: Callable[..., Event], replace_template: Callable[..., None]
) -> None:
    event = make_event(updates=3)
    damage(event.updates.get(number=2), photos=[PHOTO])
    damage(event.updates.get(number=3), withdrawn_at=event.changed_at)
    replace_template("liveblog/photos.html", lambda text: text.replace("<div", '{% url "nowhere" %}<div'))
    one, two, three = sorted(whole(event).elements.cards, key=lambda card: card.number)
    assert not is_empty_place(one, event.updates.get(number=1))
    assert is_empty_place(two, event.updates.get(number=2))
    assert "data-gone" in three


def test_a_card_s_template_that_can_not_even_be_read_leaves_tombstones_and_heads(
    make_event: Callable[..., Event], replace_template: Callable[..., None]
) -> None:
    event = make_event(updates=2)
    damage(event.updates.get(number=2), withdrawn_at=event.changed_at)
    replace_template("liveblog/update.html", lambda text: text.replace("{% partialdef card %}", "{% if %}"))
    fragment = whole(event)
    one, two = sorted(fragment.elements.cards, key=lambda card: card.number)
    assert is_empty_place(one, event.updates.get(number=1))
    assert "data-gone" in two
    assert event.title in fragment.elements.head["masthead"]


# The time zone.


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../../etc/passwd", ""])
def test_a_time_zone_that_is_not_known_here_shows_times_in_utc(
    make_event: Callable[..., Event], desk: Client, caplog: pytest.LogCaptureFixture, zone: str, tmp_path: Path
) -> None:
    zone = f"{zone}-{uuid.uuid4().hex[:8]}" if zone.startswith("Mars") else zone
    event = make_event(updates=2)
    event.updates.get(number=1).mark_key()
    damage(event, time_zone=zone)
    event.refresh_from_db()
    cards = whole(event).elements.cards
    assert [card.number for card in cards] == [2, 1]
    assert all(" UTC</time>" in card.text and WORDS not in card.text for card in cards)
    for path in ("", "embed/", "fragment/", "feed.atom", "feed.json", "updates/1/"):
        get(f"/events/{event.slug}/{path}")
    assert Elements(get(f"/events/{event.slug}/")).by_id("feed")["data-zone"] == "UTC"
    freeze(event, tmp_path / "copy")
    for path in ("", "updates/1/", "people/", "preview/"):
        source = get(f"/desk/{event.slug}/{path}", desk)
        assert not zone.startswith("Mars") or zone not in source, "browsers end at a zone that they don't know"
    settings = f"/desk/{event.slug}/edit/"
    get(settings, desk)
    kept = {"title": event.title, "starts_at": "2026-01-01T00:00", "time_zone": ""}
    assert desk.post(settings, kept).status_code == 302
    event.refresh_from_db()
    assert event.time_zone == "UTC"
    if zone.startswith("Mars"):
        (line,) = [record.getMessage() for record in caplog.records if zone in record.getMessage()]
        assert "UTC" in line
        assert "reload_readers" in line
    event.revise(time_zone="Asia/Tokyo")
    assert " JST</time>" in rendering.card(event.updates.get(number=1))


# A reading that fails as a whole.


def test_a_reading_that_fails_is_neither_silence_nor_live(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A time that no calendar has makes the query itself fail, with what is no error of the database."""
    event = make_event(updates=1)
    monkeypatch.setattr(ticker, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(log_throttle, "QUIET_SECONDS", 3600)

    async def main() -> None:
        async with connect(event, event.revision) as socket:
            await until(lambda: Feeds.here().readers)
            two = await in_thread(publish_unreadable, event)
            monkeypatch.setattr(registry, "SILENT_SECONDS", 0.5)
            assert await socket.text() == live.UNSURE
            for after in (two.revision - 1, two.revision):
                answer = await poll(event, after)
                assert answer.status == 503
                assert "Retry-After" in answer.headers
            async with connect(event, event.revision) as another:
                assert await another.closed() == live.POLL_INSTEAD
            feed = Feeds.here()._by_slug[event.slug]
            await in_thread(make_readable, two)
            await until(lambda: feed.tail.revision == two.revision)
            monkeypatch.setattr(registry, "SILENT_SECONDS", 60)
            assert not is_empty_place(Fragment(await socket.text()).elements.cards[0], two), "it has stayed open"
            (card,) = Fragment((await poll(event, two.revision - 1)).body).elements.cards
            assert not is_empty_place(card, two)

    run(main)
    (record,) = faults(caplog)
    assert record.name == "liveblog.feed.registry"
    assert record.exc_info
    assert record.exc_info[0] is ValueError


def test_a_first_reading_that_fails_is_a_503_for_all_who_ask_and_logged_once(
    make_event: Callable[..., Event], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert log_throttle.QUIET_SECONDS == 60
    monkeypatch.setattr(log_throttle, "QUIET_SECONDS", 3600)
    event = make_event(updates=1)
    two = publish_unreadable(event)
    readings: list[str] = []

    async def main() -> None:
        first = asyncio.create_task(poll(event, 0))
        await until(lambda: readings)
        for answer in await asyncio.gather(first, *(poll(event, 0) for _ in range(50))):
            assert answer.status == 503
            assert "Retry-After" in answer.headers
        assert len(readings) < 10, "who asks while it fails waits for the same answer"
        assert (await poll(event, 0)).status == 503
        await in_thread(make_readable, two)
        assert (await poll(event, 0)).status == 200

    with every_query(lambda sql: readings.append(sql) if 'FROM "liveblog_update"' in sql else None):
        run(main)
    assert len(faults(caplog)) == 1


def test_a_database_that_fails_while_a_card_is_drawn_leaves_no_empty_place(make_event: Callable[..., Event]) -> None:
    event = make_event(updates=1)
    update = event.updates.defer("headline").get(number=1)  # it is read when it is drawn

    def fail(*_: Any) -> Any:
        raise OperationalError("the database is down")

    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        rendering.card(update)


def publish_unreadable(event: Event) -> Update:
    if connection.vendor != "sqlite":
        pytest.skip("other databases keep no time that is none")
    with transaction.atomic():
        update = publish(event, "Two")
        set_time(update, "2026-13-45 00:00:00")
    return update


def make_readable(update: Update) -> None:
    set_time(update, f"{update.published_at:%Y-%m-%d %H:%M:%S.%f}")


def set_time(update: Update, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE liveblog_update SET published_at = %s WHERE id = %s", [text, update.pk])


# The import.


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("photos", BROKEN[2]["photos"], "photo 1 lacks widths"),
        ("photos", [PHOTO, PHOTO | {"width": "wide"}], "photo 2: width can’t be 'wide'"),
        ("photos", ["crane"], "photo 1 can’t be 'crane'"),
        ("photos", 7, "photos can’t be '7'"),
        ("photos", [PHOTO | {"name": "../x\n"}], r"photo 1: name can’t be '../x\n'"),
        ("photos", [PHOTO | {"secret": 1}], "photo 1 has a field that is not known here: secret"),
        ("corrections", BROKEN[7]["corrections"], "correction 1: at can’t be 'yesterday'"),
        ("corrections", 3, "corrections can’t be '3'"),
    ],
)
def test_an_import_refuses_what_could_not_be_drawn_and_names_the_field(
    make_event: Callable[..., Event], tmp_path: Path, field: str, value: Any, words: str
) -> None:
    event = make_event(updates=2)
    damage(event.updates.get(number=2), **{field: value})
    export(event, tmp_path / "out")
    event.remove()
    with pytest.raises(ArchiveError) as refused:
        import_event(tmp_path / "out")
    assert "updates 2" in str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("cover", "words"),
    [
        ({"alt": "x"}, "cover lacks name"),
        (7, "cover can’t be '7'"),
        (PHOTO | {"widths": [9, 1]}, "cover: widths can’t be '[9, 1]'"),
    ],
)
def test_an_import_refuses_a_broken_cover_and_names_the_field(
    make_event: Callable[..., Event], tmp_path: Path, cover: Any, words: str
) -> None:
    event = make_event()
    damage(event, cover=cover)
    export(event, tmp_path / "out")
    event.remove()
    with pytest.raises(ArchiveError) as refused:
        import_event(tmp_path / "out")
    assert f"event: {words}." in str(refused.value)
