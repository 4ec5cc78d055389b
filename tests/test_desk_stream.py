"""The desk's stream: what its poll brings, who may change what, edits that collide, versions, erasing."""

import io
import re
import sqlite3
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from liveblog import rendering
from liveblog.desk.versions import COMPARE_SECONDS, compare
from liveblog.models import Attachment, Event, Photo, Role, Update
from tests.server import Site, text_of

HTMX = {"HX-Request": "true"}
WORDS = "unmistakable-heron-words"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bo(db: None) -> User:
    return User.objects.create_user("bo", first_name="Bo")


@pytest.fixture
def bridge(ada: User, bo: User) -> Event:
    event = Event.objects.create(
        title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin", contributors_wait=False
    )
    event.authors.add(ada)
    event.appoint(user=bo, role=Role.EDITOR)
    event.go_live()
    event.publish(author=ada, headline="Good evening", body="They take their seats.")
    return event


def of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk(ada: User, bridge: Event) -> Client:
    return of(ada)


def poll(client: Client, event: Event, after: int | str = 0, **more: str) -> Any:
    sent = {"after": str(after), "edition": event.edition} | more
    return client.get(reverse("desk-changes", args=[event.slug]), sent)


def queue_of(client: Client) -> str:
    """Return what an open desk says of the queue it shows."""
    found = re.search(r'id="queue"[^>]*data-digest="([^"]*)"', text_of(client.get(reverse("desk", args=["bridge"]))))
    assert found
    return found[1]


def numbers(response: Any) -> list[int]:
    return [int(number) for number in re.findall(r'id="item-(\d+)"', text_of(response))]


def at(name: str, number: int = 1, query: str = "") -> str:
    return reverse(name, args=["bridge", number]) + query


def photo_of(event: Event, uploader: User) -> Photo:
    return event.photos.create(
        uploader=uploader, name=uuid.uuid4().hex, width=400, height=300, widths=[200, 400], key=uuid.uuid4()
    )


# The poll.


def test_a_desk_that_has_everything_is_told_so_in_no_words(desk: Client, bridge: Event) -> None:
    response = poll(desk, bridge, bridge.revision, queue=queue_of(desk))
    assert response.status_code == 204
    assert response.content == b""
    assert "no-store" in response["Cache-Control"]


def test_it_brings_what_changed_after_a_revision_withdrawn_ones_too(desk: Client, bridge: Event, bo: User) -> None:
    since = bridge.revision
    second, third = (bridge.publish(author=bo, body=f"No. {number}") for number in (2, 3))
    second.withdraw()
    bridge.refresh_from_db()
    response = poll(desk, bridge, since)
    assert numbers(response) == [3, 2], "in the order of the revisions"
    page = text_of(response)
    assert f'data-after="{since}" data-revision="{bridge.revision}" data-edition="{bridge.edition}"' in page
    assert str(rendering.card(third)) in response.content.decode()
    assert "is-withdrawn" in page
    assert numbers(poll(desk, bridge, bridge.revision - 1)) == [2]


def test_each_item_names_what_a_page_compares(desk: Client, bridge: Event) -> None:
    update = bridge.updates.get()
    page = text_of(poll(desk, bridge))
    for name, value in (
        ("number", 1),
        ("revision", update.revision),
        ("published", update.published_text),
        ("by", "Ada Byron"),
    ):
        assert f'data-{name}="{value}"' in page


def test_moving_the_pin_brings_both_items_and_the_status(desk: Client, bridge: Event, bo: User) -> None:
    second = bridge.publish(author=bo, body="No. 2")
    bridge.pin(update=bridge.updates.get(number=1))
    since = bridge.revision
    bridge.pin(update=second)
    response = poll(desk, bridge, since, pinned="1")
    assert sorted(numbers(response)) == [1, 2]
    assert 'id="status"' in text_of(response)
    assert poll(desk, bridge, bridge.revision, pinned="2", queue=queue_of(desk)).status_code == 204
    assert numbers(poll(desk, bridge, bridge.revision, pinned="1")) == [1, 2], "whatever else it has"
    bridge.unpin()
    assert numbers(poll(desk, bridge, since, pinned="2")) == [2]


def test_the_status_comes_only_when_the_head_changed(desk: Client, bridge: Event, bo: User) -> None:
    since = bridge.revision
    bridge.publish(author=bo, body="No. 2")
    assert 'id="status"' not in text_of(poll(desk, bridge, since))
    bridge.end()
    assert 'id="status"' in text_of(poll(desk, bridge, since))


def test_a_desk_too_far_behind_or_of_another_edition_fetches_anew(desk: Client, bridge: Event, bo: User) -> None:
    for asked in (poll(desk, bridge, 0, edition="00000000"), poll(desk, bridge, bridge.revision + 1)):
        assert "data-reload" in text_of(asked)
        assert numbers(asked) == []
    since = bridge.revision
    for number in range(201):
        bridge.publish(author=bo, body=f"No. {number}")
    assert "data-reload" in text_of(poll(desk, bridge, since))
    assert len(numbers(poll(desk, bridge, since + 1))) == 200
    bridge.reload_readers()
    assert "data-reload" in text_of(poll(desk, bridge, bridge.revision - 1))


def head_of(response: Any) -> dict[str, str]:
    """Return what a page or a poll's answer says of the event beside its updates, by the id of each part."""
    page = text_of(response)
    title = re.search(r'<h1 id="desk-title"[^>]*>(.*?)</h1>', page)
    status = re.search(r'id="status".*?<strong class="badge">(.*?)</strong>', page, re.DOTALL)
    links = re.search(r'id="desk-links".*?<a [^>]*>(.*?)</a>', page, re.DOTALL)
    assert title
    assert status
    assert links
    return {"title": title[1], "status": status[1], "links": links[1]}


def test_a_desk_learns_the_whole_head_of_a_renamed_event(desk: Client, bridge: Event) -> None:
    since = bridge.revision
    bridge.revise(title="Harbour bridge, reopened")
    bridge.pause(note="Back at 20:00.")
    for answer in (poll(desk, bridge, since), desk.get(reverse("desk", args=["bridge"]))):
        head = {"title": "Harbour bridge, reopened", "status": "Paused", "links": "Readers’ page"}
        assert head_of(answer) == head


def test_a_reload_leads_to_a_page_whose_head_is_as_new_as_its_revision(desk: Client, bridge: Event) -> None:
    since = bridge.revision
    bridge.revise(title="Harbour bridge, moved", time_zone="Asia/Tokyo")
    bridge.end()
    assert text_of(poll(desk, bridge, since)).strip() == '<section class="news" data-reload></section>'
    page = desk.get(reverse("desk", args=["bridge"]), {"before": "2030-01-01T00:00:00.000000Z,1"})
    assert f'data-revision="{bridge.revision}" data-edition="{bridge.edition}"' in text_of(page)
    assert head_of(page) == {"title": "Harbour bridge, moved", "status": "Ended", "links": "Readers’ page"}
    assert re.search(r'<main [^>]*id="desk"[^>]*data-zone="Asia/Tokyo"', text_of(page))
    assert "<title>Harbour bridge, moved – desk</title>" in text_of(page)
    assert poll(desk, bridge, bridge.revision, queue=queue_of(desk)).status_code == 204, "nothing of it comes later"


@pytest.mark.parametrize("after", ["", "-1", "1_0", " 1", "٣", "9" * 20, "x"])
def test_an_absurd_question_is_a_400(after: str, desk: Client, bridge: Event) -> None:
    assert poll(desk, bridge, after).status_code == 400


@pytest.mark.parametrize("more", [{"edition": "x"}, {"pinned": "x"}, {"pinned": "1,,2"}, {"pinned": "9" * 12}])
def test_so_is_an_absurd_part_of_one(more: dict[str, str], desk: Client, bridge: Event) -> None:
    assert poll(desk, bridge, **more).status_code == 400


def test_only_its_authors_can_ask_and_who_is_signed_out_is_told(bridge: Event, ada: User, bo: User) -> None:
    assert poll(of(bo), bridge).status_code == 200
    assert poll(of(User.objects.create_user("mallory")), bridge).status_code == 404
    address = reverse("desk-changes", args=["bridge"])
    named = {"Liveblog-Author": str(ada.pk)}
    assert Client().get(address, {"after": 0}, headers=named).status_code == 401
    assert of(bo).get(address, {"after": 0}, headers=named).status_code == 401
    assert of(ada).get(address, {"after": 0}, headers=named).status_code == 200
    assert of(ada).post(address).status_code == 405


def test_a_poll_costs_few_queries_however_much_it_brings(
    desk: Client, bridge: Event, bo: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(30):
        bridge.publish(author=bo, body=f"No. {number}")
    with django_assert_max_num_queries(10):
        assert len(numbers(poll(desk, bridge))) == 31


# Who may change what.

CONTROLS = {"desk-update": "edit", "desk-withdrawal": "withdraw", "desk-pin": "pin", "desk-key": "key"}


def controls(client: Client, number: int) -> set[str]:
    page = text_of(client.get(reverse("desk", args=["bridge"])))
    return {name for name in (*CONTROLS.values(), "purge") if f'id="{name}-{number}"' in page}


def test_an_editor_has_every_control_but_erasing_and_an_owner_that_too(ada: User, bo: User, bridge: Event) -> None:
    assert controls(of(bo), 1) == {"edit", "withdraw", "pin", "key"}
    assert controls(of(ada), 1) == {"edit", "withdraw", "pin", "key", "purge"}


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("is_own", [False, True])
def test_a_contributor_changes_what_is_their_own_where_posts_need_no_approval(
    waits: bool, is_own: bool, bridge: Event, ada: User
) -> None:
    cy = User.objects.create_user("cy")
    bridge.appoint(user=cy, role=Role.CONTRIBUTOR)
    update = bridge.publish(author=cy if is_own else ada, body="Mine or not")
    bridge.revise(contributors_wait=waits)
    may = is_own and not waits
    client = of(cy)
    assert controls(client, update.number) == ({"edit", "withdraw"} if may else {"edit"} if is_own else set())
    page = text_of(client.get(reverse("desk", args=["bridge"])))
    assert f'id="copy-{update.number}"' in page
    assert f'id="see-{update.number}"' in page
    for headers in ({}, HTMX):
        answers = {
            name: client.post(at(name, update.number), {"on": "1", "body": "Changed"}, headers=headers).status_code
            for name in ("desk-pin", "desk-key", "desk-update", "desk-withdrawal", "desk-restoration", "desk-purge")
        }
        done = 200 if headers else 302
        own = done if may else 403
        assert answers == {
            "desk-pin": 403, "desk-key": 403, "desk-purge": 403,
            "desk-update": done if is_own else 403, "desk-withdrawal": own, "desk-restoration": own,
        }  # fmt: skip
    assert client.get(at("desk-update", update.number)).status_code == (200 if is_own else 403)
    assert client.get(at("desk-versions", update.number)).status_code == 200
    update.refresh_from_db()
    assert update.body == ("Changed" if may else "Mine or not")


# Editing.


def form_of(client: Client, number: int = 1, **headers: str) -> dict[str, Any]:
    """Return what a browser would send of the edit form as it was served."""
    page = client.get(at("desk-update", number), headers=headers).content.decode()
    fields: dict[str, Any] = {"photo": [], "alt": []}
    for tag in re.findall(r"<input[^>]*>", page):
        found = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        name, value = found.get("name"), unescape(found.get("value", ""))
        if name in fields and isinstance(fields[name], list):
            fields[name].append(value)
        elif name and name != "csrfmiddlewaretoken":
            fields[name] = value
    body = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert body
    return fields | {"body": unescape(body[1])}


def test_saving_a_form_unchanged_changes_nothing(desk: Client, bridge: Event, ada: User) -> None:
    photo = photo_of(bridge, ada)
    bridge.publish(author=ada, body="Shown", photos=[Attachment(photo.key, "A crane")])
    revision = bridge.revision
    for number in (1, 2):
        assert desk.post(at("desk-update", number), form_of(desk, number)).status_code == 302
    bridge.refresh_from_db()
    assert bridge.revision == revision


@pytest.mark.parametrize("htmx", [False, True])
def test_an_edit_that_would_overwrite_anothers_shows_both_and_can_be_sent_again(
    htmx: bool, desk: Client, bridge: Event, bo: User
) -> None:
    headers = HTMX if htmx else {}
    mine = form_of(desk) | {"body": "Mine, <b>typed</b>"}
    theirs = form_of(of(bo)) | {"body": "Theirs, <i>typed</i>"}
    assert of(bo).post(at("desk-update"), theirs).status_code == 302
    response = desk.post(at("desk-update"), mine, headers=headers)
    assert response.status_code == 409
    page = text_of(response)
    for words in ("Mine, <b>typed</b>", "Theirs, <i>typed</i>", "Bo has changed", "Save mine instead", "Keep theirs"):
        assert words in page
    assert "<i>typed" not in response.content.decode()
    update = bridge.updates.get()
    assert update.body == "Theirs, <i>typed</i>"
    assert f'name="revision" value="{update.revision}"' in page
    again = mine | {"revision": str(update.revision)}
    assert desk.post(at("desk-update"), again, headers=headers).status_code == (200 if htmx else 302)
    update.refresh_from_db()
    assert update.body == "Mine, <b>typed</b>"
    assert [version.body for version in update.versions.all()] == ["They take their seats.", "Theirs, <i>typed</i>"]


def test_the_same_edit_sent_again_after_a_lost_answer_is_no_conflict(desk: Client, bridge: Event) -> None:
    Update.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    sent = form_of(desk) | {"body": "Put right", "correction": "It said otherwise."}
    desk.post(at("desk-update"), sent)
    revision = bridge.updates.get().revision
    assert desk.post(at("desk-update"), sent).status_code == 302
    update = bridge.updates.get()
    assert update.revision == revision
    assert len(update.corrections) == 1


def test_a_pin_or_a_key_flag_in_between_is_no_conflict(desk: Client, bridge: Event) -> None:
    sent = form_of(desk) | {"body": "Put right"}
    bridge.updates.get().mark_key()
    assert desk.post(at("desk-update"), sent).status_code == 302
    assert bridge.updates.get().is_key


def test_an_update_can_be_moved_to_another_time_in_the_events_zone(desk: Client, bridge: Event) -> None:
    sent = form_of(desk) | {"at": "2026-07-01T20:00"}
    questioned = text_of(desk.post(at("desk-update"), sent))
    assert "far from this event" in questioned
    assert 'name="far_time" value="2026-07-01T20:00"' in questioned
    sent["far_time"] = sent["at"]
    assert desk.post(at("desk-update"), sent).status_code == 302
    assert bridge.updates.get().published_at == datetime(2026, 7, 1, 18, tzinfo=UTC)
    later = wall = (timezone.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    response = desk.post(at("desk-update"), form_of(desk) | {"at": later, "body": "Kept"})
    assert response.status_code == 422
    assert "future" in text_of(response)
    assert wall in text_of(response)
    assert "Kept" in text_of(response)
    for absurd in ("yesterday", "2026-03-29T02:30", "99999-01-01T00:00"):
        assert desk.post(at("desk-update"), form_of(desk) | {"at": absurd}).status_code == 422


def test_photos_are_described_reordered_and_removed(desk: Client, bridge: Event, ada: User) -> None:
    first, second = photo_of(bridge, ada), photo_of(bridge, ada)
    bridge.publish(author=ada, body="Shown", photos=[Attachment(first.key, "A crane"), Attachment(second.key)])
    form = form_of(desk, 2)
    assert form["photo"] == ["", str(first.key), str(second.key)]
    assert form["alt"] == ["A crane", ""]
    changed = form | {"photo": ["", str(second.key), str(first.key)], "alt": ["A ship", "A crane at night"]}
    desk.post(at("desk-update", 2), changed)
    photos = bridge.updates.get(number=2).photos
    assert [(photo["name"], photo["alt"]) for photo in photos] == [
        (second.name, "A ship"),
        (first.name, "A crane at night"),
    ]
    desk.post(at("desk-update", 2), form_of(desk, 2) | {"photo": [""], "alt": []})
    assert bridge.updates.get(number=2).photos == []
    without_the_fields = form_of(desk) | {"body": "Only text"}
    del without_the_fields["photo"], without_the_fields["alt"]
    assert desk.post(at("desk-update"), without_the_fields).status_code == 302


def test_without_javascript_photos_move_by_plain_buttons_and_nothing_is_saved_yet(
    desk: Client, bridge: Event, ada: User
) -> None:
    first, second = photo_of(bridge, ada), photo_of(bridge, ada)
    bridge.publish(author=ada, body="Shown", photos=[Attachment(first.key, "A crane"), Attachment(second.key)])
    form = form_of(desk, 2) | {"body": "Typed already"}
    for step, left in (
        (f"later {first.key}", [second.key, first.key]),
        (f"earlier {second.key}", [second.key, first.key]),
        (f"remove {first.key}", [second.key]),
        ("remove nothing", [first.key, second.key]),
    ):
        page = text_of(desk.post(at("desk-update", 2), form | {"step": step}))
        assert re.findall(r'name="photo" value="([^"]+)"', page) == [str(key) for key in left]
        assert "Typed already" in page
    assert bridge.updates.get(number=2).body == "Shown"


@pytest.mark.parametrize(
    "fields",
    [
        {"photo": ["", "no-key"], "alt": [""]},
        {"photo": ["", str(uuid.uuid4())], "alt": ["x"]},
        {"photo": ["", str(uuid.uuid4())], "alt": []},
        {"revision": "x"},
        {"revision": "-1"},
        {"revision": "9" * 30},
        {"correction": "x" * 501},
        {"step": "later", "photo": ["", "x"]},
    ],
)
def test_damaged_fields_are_refused_in_words(fields: dict[str, Any], desk: Client, bridge: Event) -> None:
    Update.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    response = desk.post(at("desk-update"), {"body": "Kept"} | fields)
    assert response.status_code == (200 if "step" in fields else 422)
    assert "Kept" in text_of(response)
    assert bridge.updates.get().body == "They take their seats."


def test_a_correction_note_is_mended_and_removed(desk: Client, bridge: Event) -> None:
    Update.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    update = bridge.updates.get()
    update.edit(body="They stand.", correction="They stodd.")
    update.edit(body="They sit.", correction="They do not.")
    page = text_of(desk.get(at("desk-update")))
    first, second = re.findall(r'name="noted" value="([^"]+)"', page)
    sent = form_of(desk) | {"noted": [first, second], "note": ["They stood.", "They do not."]}
    desk.post(at("desk-update"), sent)
    update.refresh_from_db()
    assert [one.note for one in update.readable_corrections] == ["They stood.", "They do not."]
    assert (update.version, update.content_revision) == (3, update.revision), "open pages and forms hear of it"
    before = update.revision
    desk.post(at("desk-update"), form_of(desk) | {"noted": [first, second], "note": ["They stood.", "They do not."]})
    update.refresh_from_db()
    assert update.revision == before
    refused = desk.post(at("desk-update"), form_of(desk) | {"noted": [first], "note": ["x" * 501]})
    assert refused.status_code == 422
    assert "x" * 501 in text_of(refused)
    desk.post(at("desk-update"), form_of(desk) | {"noted": ["2020-01-01", second], "note": ["Never said", " "]})
    update.refresh_from_db()
    assert [one.note for one in update.readable_corrections] == ["They stood."]
    assert "They stood." in text_of(Client().get("/events/bridge/"))


def test_a_correction_is_offered_after_five_minutes_and_readers_see_it(desk: Client, bridge: Event) -> None:
    assert 'name="correction"' not in text_of(desk.get(at("desk-update")))
    Update.objects.update(posted_at=timezone.now() - timedelta(minutes=6))
    assert 'name="correction"' in text_of(desk.get(at("desk-update")))
    sent = form_of(desk) | {"body": "They stand.", "correction": "They did not sit: <they> stood."}
    desk.post(at("desk-update"), sent)
    page = Client().get("/events/bridge/").content.decode()
    assert re.search(
        r'<ul class="corrections" lang="en"><li>Corrected <time[^>]*>\d\d:\d\d CES?T</time>: '
        r'<span lang="en" dir="auto">They did not sit: &lt;they&gt; stood.</span>',
        page,
    )


# Withdrawing.


def test_who_withdraws_under_htmx_gets_the_item_that_offers_an_undo(desk: Client, bridge: Event) -> None:
    page = text_of(desk.post(at("desk-withdrawal"), headers=HTMX))
    assert "is-fresh" in page
    assert 'id="restore-1"' in page
    assert "is-fresh" not in text_of(poll(desk, bridge))


def test_the_way_to_what_readers_see_leads_to_the_preview_of_a_draft(desk: Client, bridge: Event) -> None:
    assert 'href="/events/bridge/?around=1#update-1"' in text_of(poll(desk, bridge))
    bridge.make_draft()
    page = text_of(poll(desk, bridge))
    assert 'href="/desk/bridge/preview/?around=1#update-1"' in page
    assert "They take their seats." in text_of(desk.get("/desk/bridge/preview/?around=1"))


# Versions.


def test_versions_are_listed_and_any_two_compared(desk: Client, bridge: Event, ada: User, bo: User) -> None:
    update = bridge.updates.get()
    assert "Versions (" not in text_of(poll(desk, bridge))
    update.edit(body="They take their <seats> slowly.", editor=bo)
    Update.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    update.refresh_from_db()
    update.edit(body="They leave.", correction="They left.", editor=ada)
    assert "Versions (3)" in text_of(poll(desk, bridge))
    page = desk.get(at("desk-versions")).content.decode()
    assert page.index("Version 3") < page.index("Version 1")
    for words in ("Ada Byron", "Bo", "They left."):
        assert words in page
    first = desk.get(at("desk-versions", query="?from=1&to=2")).content.decode()
    assert "They take their <ins>&lt;</ins>seats<ins>&gt; slowly</ins>." in first
    assert "They take their <ins>&lt;</ins>" in desk.get(at("desk-versions", query="?from=2&to=1")).content.decode()
    assert "Choose two" in text_of(desk.get(at("desk-versions", query="?from=2&to=2")))
    assert desk.get(at("desk-versions", query="?from=x&to=99")).status_code == 200


def test_a_version_is_put_back_with_its_photos_and_nothing_is_lost(
    desk: Client, bridge: Event, ada: User, bo: User
) -> None:
    crane, ship = photo_of(bridge, ada), photo_of(bridge, ada)
    update = bridge.publish(author=ada, headline="Up", body="As it *was*.", photos=[Attachment(crane.key, "A crane")])
    update.edit(headline="", body="As it is.", photos=[Attachment(ship.key, "A ship")], editor=bo)
    page = text_of(desk.get(at("desk-versions", 2)))
    assert page.count(">Put this version back<") == 1
    sent = {"version": "1", "revision": str(update.revision)}
    assert desk.post(at("desk-versions", 2), sent).status_code == 302
    update.refresh_from_db()
    assert (update.headline, update.body, update.version, update.version_by) == ("Up", "As it *was*.", 3, ada)
    assert [(photo.name, photo.alt) for photo in update.readable_photos] == [(crane.name, "A crane")]
    assert "<em>was</em>" in update.body_html
    assert [one.body for one in update.versions.all()] == ["As it *was*.", "As it is."]


@pytest.mark.parametrize(
    ("version", "is_stale", "words"),
    [("9", False, "no such version"), ("1", True, "changed meanwhile"), ("x", False, "whole number"), ("", False, "")],
)
def test_what_can_not_be_put_back_is_refused_in_words(
    version: str, is_stale: bool, words: str, desk: Client, bridge: Event, bo: User
) -> None:
    update = bridge.updates.get()
    before = update.revision
    update.edit(body="Theirs.", editor=bo)
    sent = {"version": version, "revision": str(before if is_stale else update.revision)}
    answer = desk.post(at("desk-versions"), sent)
    assert answer.status_code == (409 if words in {"no such version", "changed meanwhile"} else 422)
    assert words in text_of(answer)
    update.refresh_from_db()
    assert update.body == "Theirs."


def test_only_who_may_change_an_update_puts_a_version_back(desk: Client, bridge: Event, ada: User) -> None:
    update = bridge.updates.get()
    update.edit(body="Now.", editor=ada)
    other = User.objects.create_user("cy")
    bridge.appoint(user=other, role=Role.CONTRIBUTOR)
    client, sent = of(other), {"version": "1", "revision": str(update.revision)}
    assert "Put this version back" not in text_of(client.get(at("desk-versions")))
    assert client.post(at("desk-versions"), sent).status_code == 403
    update.withdraw()
    assert "Put this version back" not in text_of(desk.get(at("desk-versions")))
    update.refresh_from_db()
    assert update.body == "Now."


def test_versions_compare_photos_too(desk: Client, bridge: Event, ada: User) -> None:
    first, second = photo_of(bridge, ada), photo_of(bridge, ada)
    update = bridge.publish(author=ada, body="Shown", photos=[Attachment(first.key, "A crane")])
    update.edit(photos=[Attachment(second.key, "A ship")])
    update.edit(photos=[Attachment(second.key, "A tall ship"), Attachment(first.key, "A crane")])
    page = text_of(desk.get(at("desk-versions", 2, "?from=1&to=2")))
    assert re.search(r"Removed</strong>: A crane", page)
    assert re.search(r"Added</strong>: A ship", page)
    assert "Described anew</strong>: A tall ship" in text_of(desk.get(at("desk-versions", 2, "?from=2&to=3")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The gate is shut until six.\nThen it opens.", "The gate is open until six.\nThen it shuts."),
        ("a " * 10_000, "b a " * 5_000),
        (" ".join(f"w{n * 7919 % 150}" for n in range(5_000)), " ".join(f"w{n * 104729 % 150}" for n in range(5_000))),
        ("\n".join(f"line {n % 90}" for n in range(2_000)), "\n".join(f"line {n % 70}" for n in range(2_000))),
        ("", "All new"),
        ("All gone", ""),
        ("Same", "Same"),
        ("🦢 naïve é", "🦢 naive e\u0301"),
    ],
)
def test_a_comparison_holds_both_texts_and_ends_in_time(old: str, new: str) -> None:
    old, new = old[:20_000], new[:20_000]
    began_at = time.monotonic()
    pieces = compare(old, new)
    assert time.monotonic() - began_at < 10 * COMPARE_SECONDS
    assert "".join(piece.text for piece in pieces if piece.kind != "ins") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "del") == new


def test_a_comparison_is_by_words() -> None:
    pieces = compare("The gate is shut.\nIt rains.", "The gate is open.\nIt rains.")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "The gate is "), ("del", "shut"), ("ins", "open"), ("same", ".\nIt rains."),
    ]  # fmt: skip


# Erasing.


def test_erasing_says_what_goes_and_what_is_out_of_reach_and_asks_for_the_number(desk: Client, bridge: Event) -> None:
    page = text_of(desk.get(at("desk-purge")))
    for words in ("text", "headline", "every width", "versions", "queue", "admin", "backups", "copied", "devices"):
        assert words in page
    for typed in ("", "2", "one", "1; 2"):
        response = desk.post(at("desk-purge"), {"number": typed})
        assert response.status_code == 422
        assert bridge.updates.get().body
    assert desk.post(at("desk-purge"), {"number": " 1 "})["Location"] == "/desk/bridge/#item-1"
    update = bridge.updates.get()
    assert (update.headline, update.body, update.body_html, update.body_text) == ("", "", "", "")
    page = text_of(poll(desk, bridge))
    assert "erased" in page
    assert 'id="restore-1"' not in page
    for name in ("desk-purge", "desk-versions"):
        assert "erased" in text_of(desk.get(at(name)))
    assert desk.post(at("desk-purge"), {"number": "1"}).status_code == 302, "again is no fault"
    assert desk.post(at("desk-restoration")).status_code == 409
    assert desk.get(at("desk-update")).status_code == 409


def test_only_an_owner_can_erase(bridge: Event, bo: User) -> None:
    assert of(bo).get(at("desk-purge")).status_code == 403
    assert of(bo).post(at("desk-purge"), {"number": "1"}).status_code == 403
    assert bridge.updates.get().body


def test_what_was_erased_is_in_no_table_no_file_and_no_memory(live_site: Site) -> None:
    """All of it happens over http: the server overwrites what it deletes, the tests' own connection does not."""
    event = live_site.event(author=live_site.user("ada"))
    base = f"{live_site.url}/desk/{event.slug}/"
    picture = io.BytesIO()
    Image.effect_noise((900, 600), 60).convert("RGB").save(picture, "JPEG")
    with live_site.visitor() as client:
        live_site.log_in(client)
        client.get(base)
        token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}

        def send(address: str, **fields: Any) -> httpx.Response:
            files = fields.pop("files", None)
            answer = client.post(base + address, data=token | fields, files=files)
            assert answer.status_code in {200, 302}, answer.text
            return answer

        shot = str(uuid.uuid4())
        photo = send("photos/", key=shot, files={"photo": ("a.jpg", picture.getvalue(), "image/jpeg")}).json()
        body = f"{WORDS} " * 700
        key = str(uuid.uuid4())
        send("updates/", key=key, headline=f"Headline {WORDS}", body=body, photo=shot, alt=f"Alt {WORDS}", is_key="on")
        send("updates/1/pin/", on="1")
        send("updates/1/", body=f"Second {body}", headline=f"Again {WORDS}")
        live_site.do(lambda: Update.objects.filter(event=event).update(posted_at=timezone.now() - timedelta(hours=1)))
        send("updates/1/", body=f"Third {body}", correction=f"Note {WORDS}")
        send("updates/", key=str(uuid.uuid4()), body="What stays.")

        reader = live_site.changes(event)
        assert WORDS in live_site.get(reader).text, "the feed is in memory"
        assert WORDS in client.get(base).text
        assert list((live_site.data_dir / "media").rglob(f"{photo['name']}*"))
        assert _rows_with(live_site, WORDS)

        send("updates/1/purge/", number="1")
        deadline = time.monotonic() + 20
        while WORDS in live_site.get(reader).text and time.monotonic() < deadline:
            time.sleep(0.1)
        for after in (0, 1, 2, 3, 4):
            assert WORDS not in live_site.get(live_site.changes(event, after)).text
        assert "What stays." in live_site.get(reader).text
        for address in (
            base,
            f"{base}changes/?after=0",
            f"{base}updates/1/versions/",
            f"{live_site.url}/",
            live_site.page(event),
        ):
            assert WORDS not in client.get(address).text
        assert client.get(f"{live_site.page(event)}updates/1/").status_code == 410
    assert _rows_with(live_site, WORDS) == []
    assert list((live_site.data_dir / "media").rglob(f"{photo['name']}*")) == []
    with sqlite3.connect(live_site.data_dir / "liveblog.sqlite3") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("liveblog.sqlite3", "liveblog.sqlite3-wal"):
        file = live_site.data_dir / name
        assert not file.exists() or WORDS.encode() not in file.read_bytes()
    assert WORDS not in live_site.log


def _rows_with(site: Site, words: str) -> list[str]:
    """Return every column of every table that has ``words`` in it."""
    found = []
    with sqlite3.connect(site.data_dir / "liveblog.sqlite3") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for column in [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]:
                query = f'SELECT count(*) FROM "{table}" WHERE instr(CAST("{column}" AS TEXT), ?)'
                if database.execute(query, [words]).fetchone()[0]:
                    found.append(f"{table}.{column}")
    return found
