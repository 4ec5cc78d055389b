"""The desk: who may use it, what it accepts, and that nothing an author wrote is lost or doubled."""

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from liveblog import rendering
from liveblog.desk import page as desk_page
from liveblog.models import Event, Role, Update
from tests.server import signed_in, text_of

HTMX = {"HX-Request": "true"}

READ = [
    "desks",
    "desk-new",
    "desk",
    "desk-settings",
    "desk-preview",
    "desk-update",
    "desk-deletion",
    "desk-versions",
    "desk-purge",
    "desk-archive",
]
WRITE = {
    "desk-new": {"title": "Another"},
    "desk-settings": {"title": "Harbour bridge, the vote"},
    "desk-updates": {"body": "Sent", "key": "0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d01"},
    "desk-update": {"headline": "", "body": "Edited"},
    "desk-withdrawal": {},
    "desk-restoration": {},
    "desk-pin": {"on": "1"},
    "desk-key": {"on": "1"},
    "desk-purge": {"number": "1"},
    "desk-status": {"status": "ended"},
    "desk-pause": {"note": "We will be back at 20:00"},
    "desk-deletion": {"slug": "bridge"},
}
ELSEWHERE = {"desk-changes", "desk-departure", "desk-photo", "desk-photos", "desk-render"}
ELSEWHERE |= {"desk-people", "desk-person", "desk-invitations", "desk-revocation", "desk-colleagues", "desk-let-in"}
ELSEWHERE |= {"desk-frozen", "desk-export"}
ELSEWHERE |= {"desk-waiting", "desk-publication", "desk-rejection"}
"""Addresses with files of tests of their own."""
WRITE_ONLY = sorted(WRITE.keys() - set(READ))
OF_AN_UPDATE = {
    "desk-update", "desk-versions", "desk-purge", "desk-withdrawal", "desk-restoration", "desk-pin", "desk-key",
}  # fmt: skip
OF_AN_EVENT = sorted((set(READ) | WRITE.keys()) - {"desks", "desk-new"})


def user(name: str, **more: Any) -> User:
    return User.objects.create_user(name, **more)


@pytest.fixture
def ada(db: None) -> User:
    return user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin")
    event.authors.add(ada)
    event.publish(author=ada, headline="Good evening", body="They take their seats.")
    event.go_live()
    return event


@pytest.fixture
def desk(ada: User, bridge: Event) -> Client:
    return signed_in(ada)


def address(name: str, slug: str = "bridge", number: int = 1) -> str:
    if name in {"desks", "desk-new"}:
        return reverse(name)
    if name == "desk-rejection":
        return reverse(name, args=[slug, uuid.UUID(int=number)])
    return reverse(name, args=[slug, number] if name in OF_AN_UPDATE else [slug])


def post(client: Client, *, key: uuid.UUID | str | None = None, htmx: bool = False, **fields: Any) -> Any:
    fields = {"key": str(key or uuid.uuid4()), "body": "Something happened."} | fields
    return client.post(address("desk-updates"), fields, headers=HTMX if htmx else {})


def value_of(response: Any, name: str) -> str:
    """Return what a hidden or a text field of the answer holds."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', response.content.decode())
    return unescape(found[1]) if found else ""


# Every address is asked the same questions.


def test_the_lists_here_name_every_address_of_the_desk() -> None:
    assert {name for name in get_resolver().reverse_dict if str(name).startswith("desk")} == (
        set(READ) | WRITE.keys() | ELSEWHERE
    )


@pytest.mark.parametrize("name", READ)
def test_an_author_and_staff_can_open_it_and_caches_keep_nothing(name: str, desk: Client) -> None:
    for client in (desk, signed_in(user("chief", is_staff=True))):
        response = client.get(address(name))
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("name", sorted(WRITE))
def test_an_author_can_post_to_it(name: str, desk: Client) -> None:
    response = desk.post(address(name), WRITE[name])
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    assert desk.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("name", sorted(WRITE))
def test_staff_can_post_to_it(name: str, bridge: Event) -> None:
    assert signed_in(user("chief", is_staff=True)).post(address(name), WRITE[name]).status_code == 302


@pytest.mark.parametrize("name", sorted(WRITE))
def test_under_htmx_it_answers_with_what_changed_instead_of_a_redirect(name: str, desk: Client) -> None:
    response = desk.post(address(name), WRITE[name], headers=HTMX)
    assert response.status_code == (
        204 if name in {"desk-new", "desk-settings", "desk-deletion", "desk-purge"} else 200
    )
    assert "Location" not in response
    assert b"<html" not in response.content


@pytest.mark.parametrize("name", WRITE_ONLY)
def test_what_is_only_posted_to_says_so(name: str, desk: Client) -> None:
    response = desk.get(address(name))
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("name", READ)
def test_other_methods_are_refused(name: str, desk: Client) -> None:
    assert desk.put(address(name)).status_code == 405
    assert desk.delete(address(name)).status_code == 405
    assert desk.head(address(name)).status_code == 200


@pytest.mark.parametrize("status", ["draft", "live"])
def test_to_somebody_else_it_does_not_exist(status: str, desk: Client, bridge: Event) -> None:
    if status == "draft":
        bridge.make_draft()
    revision = bridge.revision
    stranger = signed_in(user("mallory"))
    for name in OF_AN_EVENT:
        if name in READ:
            assert desk.get(address(name)).status_code == 200, name
            assert stranger.get(address(name)).status_code == 404, name
        if name in WRITE:
            assert stranger.post(address(name), WRITE[name]).status_code == 404, name
            assert stranger.post(address(name), WRITE[name], headers=HTMX).status_code == 404, name
    bridge.refresh_from_db()
    assert bridge.revision == revision
    assert "Harbour bridge" not in text_of(stranger.get(address("desks")))


@pytest.mark.parametrize("name", sorted(set(READ) | WRITE.keys()))
def test_who_is_not_signed_in_is_asked_to_sign_in(name: str, bridge: Event) -> None:
    revision = bridge.revision
    stranger = Client()
    if name in READ:
        response = stranger.get(address(name))
        assert response.status_code == 302
        assert response["Location"] == f"/accounts/login/?next={address(name)}"
    if name in WRITE:
        response = stranger.post(address(name), {"on": "1"})
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=/desk/")
        next_address = response["Location"].partition("next=")[2]
        assert next_address.count("/") <= 3, "an address that can be opened after signing in"
        has_text = {"title", "body", "note"} & WRITE[name].keys()
        assert stranger.post(address(name), WRITE[name]).status_code == (401 if has_text else 302)
        assert stranger.post(address(name), WRITE[name], headers=HTMX).status_code == 401
    bridge.refresh_from_db()
    assert bridge.revision == revision


@pytest.mark.parametrize("name", OF_AN_EVENT)
def test_what_is_not_there_is_not_found(name: str, desk: Client) -> None:
    for missing in (address(name, slug="other"), address(name, number=99), address(name, number=10**30)):
        if missing != address(name):
            ask = desk.get if name in READ else desk.post
            assert ask(missing).status_code == 404


@pytest.mark.parametrize("name", sorted(WRITE))
def test_a_request_without_the_csrf_token_changes_nothing(name: str, ada: User, bridge: Event) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    revision = bridge.revision
    response = client.post(address(name), WRITE[name] | {"body": "Kept <b>for</b> copying"})
    assert response.status_code == 403
    assert "Kept <b>for</b> copying" in text_of(response)
    bridge.refresh_from_db()
    assert bridge.revision == revision


@pytest.mark.parametrize("slug", ["bridge%0d%0aX-Bad:%201", "bridge%00", "%C3%A9v%C3%A9nement", "..", "a" * 3000])
def test_an_absurd_slug_is_a_404_and_nothing_worse(slug: str, desk: Client) -> None:
    for name in OF_AN_EVENT:
        url = address(name).replace("bridge", slug)
        for response in (desk.get(url), desk.post(url)):
            assert response.status_code in {404, 405}, name
            assert "X-Bad" not in response, name


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("desk-new", "title"),
        ("desk-settings", "title"),
        ("desk-updates", "body"),
        ("desk-update", "body"),
        ("desk-purge", "number"),
        ("desk-pin", "on"),
        ("desk-key", "on"),
        ("desk-status", "status"),
        ("desk-pause", "note"),
        ("desk-deletion", "slug"),
    ],
)
def test_absurd_values_are_refused_in_words(name: str, field: str, desk: Client) -> None:
    for value in ("", "2", "null\x00", "١", "on\r\nX-Bad: 1", "x" * 100_000):
        for headers in ({}, HTMX):
            response = desk.post(address(name), {field: value, "key": str(uuid.uuid4())}, headers=headers)
            assert response.status_code in {200, 204, 302, 422}, value
            assert "X-Bad" not in response, value


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("desk-updates", {"headline": "The vote", "body": "It <passed>."}),
        ("desk-update", {"headline": "The vote", "body": "It <passed>."}),
        ("desk-status", {"status": "ended", "note": "It <passed>."}),
        ("desk-pause", {"note": "It <passed>."}),
        ("desk-settings", {"title": "The vote", "summary": "It <passed>."}),
        ("desk-update", {"correction": "It <passed>."}),
        ("desk-rejection", {"reason": "It <passed>."}),
        ("desk-invitations", {"name": "It <passed>."}),
        ("desk-colleagues", {"who": "It <passed>."}),
    ],
)
def test_what_was_written_is_on_the_page_that_refuses_it(
    name: str, fields: dict[str, str], ada: User, bridge: Event
) -> None:
    sent = fields | {"key": str(uuid.uuid4())}

    def refused(client: Client) -> int:
        response = client.post(address(name), sent)
        assert "It <passed>.</textarea>" in text_of(response)
        assert "<passed>" not in response.content.decode()
        return int(response.status_code)

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert refused(strict) == 403
    bo = user("bo")
    bridge.appoint(user=bo, role=Role.CONTRIBUTOR)
    if name not in {"desk-updates", "desk-rejection"}:
        assert refused(signed_in(bo)) == 403
    bridge.memberships.filter(user=bo).delete()
    assert refused(signed_in(bo)) == 404
    assert refused(Client()) == 401
    client = signed_in(ada)
    bridge.remove()
    assert refused(client) == 404


def test_what_strangers_send_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture, bridge: Event) -> None:
    many = "&".join(f"field{number}=1" for number in range(1_500))
    assert Client().get(f"/events/bridge/?{many}").status_code == 400
    assert Client().post("/accounts/login/", {"username": "x" * 3_000_000}).status_code == 413
    assert Client().get("/oembed/?format=xml&url=http://testserver/events/bridge/").status_code == 501
    assert Client(headers={"host": "elsewhere.example"}).get("/nothing/here/").status_code == 404
    odd = "application/x-www-form-urlencoded; charset=utf-16"
    assert Client().generic("POST", "/accounts/login/", b"a=b", content_type=odd).status_code == 400
    assert not caplog.records


def test_a_request_that_is_far_too_big_is_refused(desk: Client) -> None:
    response = post(desk, body="x" * 3_000_000)
    assert response.status_code == 413
    assert "no-store" in response["Cache-Control"]


# Posting.


def test_a_post_is_published_and_the_author_is_back_at_an_empty_composer(desk: Client, bridge: Event) -> None:
    response = post(desk, headline="The vote", body="It **passed**.", is_key="on")
    assert response["Location"] == "/desk/bridge/"
    update = bridge.updates.get(number=2)
    assert (update.headline, update.body, update.is_key, update.byline) == (
        "The vote",
        "It **passed**.",
        True,
        "Ada Byron",
    )
    page = desk.get(response["Location"])
    assert "Posted." in text_of(page)
    assert str(rendering.card(update)) in page.content.decode()


def test_the_answer_to_an_outbox_carries_the_readers_card(desk: Client, ada: User, bridge: Event) -> None:
    fields = {"key": str(uuid.uuid4()), "body": "Just in."}
    response = desk.post(address("desk-updates"), fields, headers={"Liveblog-Author": str(ada.pk)})
    assert response.status_code == 200
    assert response["Liveblog-Number"] == "2"
    assert str(rendering.card(bridge.updates.get(number=2))) in response.content.decode()


def test_every_page_makes_a_key_of_its_own(desk: Client) -> None:
    keys = {value_of(desk.get(address("desk")), "key") for _ in range(3)}
    assert len({uuid.UUID(key) for key in keys}) == 3


@pytest.mark.parametrize("status", Event.Status.values)
def test_an_author_can_post_in_every_status(status: str, desk: Client, bridge: Event) -> None:
    Event.objects.update(status=status, ended_at=timezone.now() if status == "ended" else None)
    assert post(desk).status_code == 302
    assert bridge.updates.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_key_posted_by_eight_in_parallel_is_one_update(ada: User, bridge: Event) -> None:
    clients = [signed_in(ada) for _ in range(8)]
    key = uuid.uuid4()

    def send(number: int) -> int:
        try:
            return int(post(clients[number], key=key, body="Once", htmx=bool(number % 2)).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert set(answers) == {200, 302}
    assert bridge.updates.filter(body="Once").count() == 1
    revision = bridge.revision
    bridge.refresh_from_db()
    assert bridge.revision == revision + 1


def test_the_same_key_again_is_the_first_update_whatever_happened_to_it(desk: Client, bridge: Event) -> None:
    key = uuid.uuid4()
    post(desk, key=key, body="One\nand two")
    update = bridge.updates.get(number=2)
    for happening in (lambda: None, lambda: update.edit(body="Put right"), update.withdraw):
        happening()
        bridge.refresh_from_db()
        revision = bridge.revision
        assert post(desk, key=key, body="One\r\nand two\r\n").status_code == 302
        answer = post(desk, key=key, body="One\nand two", htmx=True)
        assert answer.status_code == 200
        assert 'id="item-2"' in text_of(answer)
        bridge.refresh_from_db()
        assert bridge.revision == revision
    assert bridge.updates.count() == 2


@pytest.mark.parametrize("htmx", [False, True])
def test_a_used_key_with_another_text_shows_both_and_can_be_posted_as_new(
    htmx: bool, desk: Client, bridge: Event
) -> None:
    key = uuid.uuid4()
    post(desk, key=key, headline="First headline", body="The first <text>")
    response = post(desk, key=key, headline="Second headline", body="The second <text>", is_key="on", htmx=htmx)
    assert response.status_code == 409
    for words in ("First headline", "The first <text>", "Second headline", "The second <text>", "update 2"):
        assert words in text_of(response)
    assert "<text>" not in response.content.decode()
    assert bridge.updates.count() == 2

    fresh = value_of(response, "key")
    assert fresh != str(key)
    assert post(desk, key=fresh, headline="Second headline", body="The second <text>", is_key="on").status_code == 302
    assert bridge.updates.get(number=3).is_key


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": "long " * 4001}, "at most 20,000"),
        ({"headline": "h" * 201}, "at most 200"),
        ({"headline": "two\nlines"}, "one line"),
        ({"headline": "", "body": " \r\n "}, "Write something"),
        ({"body": "a null\x00 character"}, "null"),
        ({"headline": "", "body": "***"}, "see nothing"),
        ({"key": "no-key-at-all", "body": "Do not lose me"}, "damaged"),
        ({"key": "", "body": "Do not lose me"}, "key"),
    ],
)
def test_what_is_refused_stays_in_the_form_with_the_reason(
    fields: dict[str, str], words: str, desk: Client, bridge: Event
) -> None:
    for headers in ({}, HTMX):
        response = desk.post(
            address("desk-updates"),
            {"key": str(uuid.uuid4()), "headline": "Kept", "body": "Kept", "is_key": "on"} | fields,
            headers=headers,
        )
        assert response.status_code == 422
        page = text_of(response)
        assert 'role="alert"' in page
        assert words.lower() in page.lower()
        assert fields.get("body", "Kept").strip() in page
        assert fields.get("headline", "Kept") in page
        assert re.search(r'name="is_key"[^>]* checked', page)
        assert uuid.UUID(value_of(response, "key"))
    assert bridge.updates.count() == 1


def test_line_ends_count_once_however_the_browser_sends_them(desk: Client, bridge: Event) -> None:
    line = "members " * 12 + "sit"
    full = "\r\n".join([line] * 199 + [line + "!"])
    assert len(full) > 20_000
    assert post(desk, body=full + "\r\n").status_code == 302
    assert len(bridge.updates.get(number=2).body) == 20_000
    assert post(desk, body=full + "!").status_code == 422


def test_hostile_markdown_reaches_no_page_of_the_desk(desk: Client) -> None:
    post(desk, headline="<script>alert(1)</script>", body="<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    for name in ("desk", "desk-preview", "desk-update"):
        page = desk.get(address(name, number=2)).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page


# What can be done to an update.


def test_an_edit_changes_what_was_sent_and_only_that(desk: Client, bridge: Event) -> None:
    assert b"They take their seats." in desk.get(address("desk-update")).content
    response = desk.post(address("desk-update"), {"body": "They sit."})
    assert response["Location"] == "/desk/bridge/#item-1"
    update = bridge.updates.get(number=1)
    assert (update.headline, update.body) == ("Good evening", "They sit.")


@pytest.mark.parametrize("body", ["long " * 4001, "***", " ", "null\x00"])
def test_a_refused_edit_keeps_the_text_and_changes_nothing(body: str, desk: Client, bridge: Event) -> None:
    for headers in ({}, HTMX):
        response = desk.post(address("desk-update"), {"headline": "", "body": body}, headers=headers)
        assert response.status_code == 422
        assert body.strip() in text_of(response)
        assert 'role="alert"' in text_of(response)
    assert bridge.updates.get(number=1).body == "They take their seats."


def test_an_edit_from_before_a_backup_was_restored_overwrites_nothing_unseen(desk: Client, bridge: Event) -> None:
    ahead = bridge.updates.get().revision + 1
    response = desk.post(address("desk-update"), {"body": "Mine.", "revision": ahead})
    assert response.status_code == 409
    assert "They take their seats." in text_of(response)
    assert bridge.updates.get().body == "They take their seats."
    assert value_of(response, "revision") == str(bridge.updates.get().revision)
    assert "Mine.</textarea>" in text_of(response)


def test_an_edit_of_what_was_withdrawn_meanwhile_is_refused_with_the_text_kept(desk: Client, bridge: Event) -> None:
    bridge.updates.get(number=1).withdraw()
    response = desk.post(address("desk-update"), {"body": "Too late"})
    assert response.status_code == 422
    assert "Too late" in text_of(response)
    assert "Restore it" in text_of(response)


def test_a_withdrawn_update_is_shown_as_such_and_can_be_restored(desk: Client, bridge: Event) -> None:
    desk.post(address("desk-withdrawal"))
    assert bridge.updates.get(number=1).withdrawn_at
    assert desk.get("/events/bridge/updates/1/").status_code == 410
    page = text_of(desk.get(address("desk")))
    assert "Good evening" in page
    assert "They take their seats." not in page
    assert address("desk-restoration") in page
    assert address("desk-withdrawal") not in page
    desk.post(address("desk-restoration"))
    assert bridge.updates.get(number=1).withdrawn_at is None


def test_withdrawing_twice_takes_one_revision(desk: Client, bridge: Event) -> None:
    revision = bridge.revision
    desk.post(address("desk-withdrawal"))
    desk.post(address("desk-withdrawal"))
    bridge.refresh_from_db()
    assert bridge.revision == revision + 1


def test_moving_the_pin_redraws_both_updates(desk: Client, bridge: Event) -> None:
    post(desk)
    desk.post(address("desk-pin"), {"on": "1"})
    response = desk.post(address("desk-pin", number=2), {"on": "1"}, headers=HTMX)
    assert 'id="item-2"' in text_of(response)
    assert 'id="item-1"' in text_of(response)
    bridge.refresh_from_db()
    assert bridge.pinned_number == 2
    desk.post(address("desk-pin"), {"on": "0"})
    bridge.refresh_from_db()
    assert bridge.pinned_number == 2, "taking down what is not up leaves the other"
    desk.post(address("desk-pin", number=2), {"on": "0"})
    bridge.refresh_from_db()
    assert bridge.pinned_number is None


@pytest.mark.parametrize("name", ["desk-pin", "desk-key"])
def test_what_a_withdrawn_update_can_not_become_is_said(name: str, desk: Client, bridge: Event) -> None:
    bridge.updates.get(number=1).withdraw()
    response = desk.post(address(name), {"on": "1"})
    assert response.status_code == 409
    assert "Restore it" in text_of(response)
    response = desk.post(address(name), {"on": "1"}, headers=HTMX)
    assert response.status_code == 409
    assert response["Content-Type"].startswith("text/plain")


def test_a_key_moment_can_be_marked_and_unmarked(desk: Client, bridge: Event) -> None:
    for on in ("1", "0"):
        desk.post(address("desk-key"), {"on": on})
        assert bridge.updates.get(number=1).is_key == (on == "1")


def test_the_controls_stand_around_the_card_and_never_in_it(desk: Client, bridge: Event) -> None:
    page = desk.get(address("desk")).content.decode()
    card = str(rendering.card(bridge.updates.get(number=1)))
    assert card in page
    assert "/desk/" not in card
    assert address("desk-pin") in page.replace(card, "")


def test_older_updates_are_loaded_by_place_withdrawn_ones_too(
    desk: Client, bridge: Event, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_page, "PAGE_UPDATES", 5)
    for number in range(2, 13):
        bridge.publish(author=ada, body=f"No. {number}")
    bridge.updates.get(number=3).withdraw()
    seen: list[int] = []
    url = address("desk")
    for _ in range(3):
        page = text_of(desk.get(url))
        seen += map(int, re.findall(r'<li class="item[^>]*id="item-(\d+)"', page))
        older = re.search(r'href="(\?before=[^"]+)"', page)
        url = address("desk") + (older[1] if older else "")
    assert seen == list(range(12, 0, -1))
    assert older is None


def test_who_changes_an_older_update_comes_back_to_it(desk: Client, bridge: Event) -> None:
    place = bridge.updates.get(number=1).place.after
    page = text_of(desk.get(address("desk"), {"before": str(place)}))
    action = re.search(r'formaction="([^"]*/pin/[^"]*)"', page)
    assert action
    back = desk.post(action[1], {"on": "1"})["Location"]
    assert back.endswith("#item-1")
    assert 'id="item-1"' in text_of(desk.get(back))


@pytest.mark.parametrize("before", ["", "yesterday", "2026-01-01T00:00:00.000000Z,-1", "9999-99-99T00:00:00.000000Z,1"])
def test_an_absurd_place_is_a_400(before: str, desk: Client) -> None:
    assert desk.get(address("desk"), {"before": before}).status_code == 400
    assert desk.post(f"{address('desk-pin')}?before={before}", {"on": "1"}).status_code == 302


# Where the coverage stands.


def test_the_status_leads_through_a_whole_coverage(desk: Client, bridge: Event) -> None:
    bridge.make_draft()
    for status in ("upcoming", "live", "ended", "live", "draft"):
        assert desk.post(address("desk-status"), {"status": status, "sure": "1"}).status_code == 302
        bridge.refresh_from_db()
        assert bridge.status == status


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_step_that_does_not_lead_there_is_refused_in_words(
    headers: dict[str, str], desk: Client, bridge: Event
) -> None:
    response = desk.post(address("desk-status"), {"status": "upcoming"}, headers=headers)
    assert response.status_code == 409
    assert "can't become upcoming" in text_of(response)
    bridge.refresh_from_db()
    assert bridge.status == "live"


# Events.


def settings_of(**changes: str) -> dict[str, str]:
    return {"title": "Harbour bridge", "time_zone": "Europe/Berlin", "language": "en", "order": "auto"} | changes


def test_a_new_event_is_a_draft_whose_maker_owns_it(ada: User) -> None:
    client = signed_in(ada)
    response = client.post("/desk/new/", settings_of(title="Café & Bar: the night", summary="*All* night"))
    event = Event.objects.get()
    assert (event.slug, event.status, list(event.authors.all())) == ("cafe-bar-the-night", "draft", [ada])
    assert event.role_of(ada) == "owner"
    assert "<em>All</em>" in event.summary_html
    assert response["Location"] == "/desk/cafe-bar-the-night/"
    assert Client().get("/events/cafe-bar-the-night/").status_code == 404


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Harbour bridge", "harbour-bridge-2"),
        ("Ürümqi–Köln: Straße", "urumqi-koln-strasse"),
        ("東京マラソン 2027", "dongjingmarason-2027"),
        ("Выборы", "vybory"),
        ("!", "event"),
        ("New", "new-2"),
        ("x" * 150, "x" * 70),
    ],
)
def test_a_slug_left_empty_is_made_from_the_title_and_free(title: str, slug: str, desk: Client, bridge: Event) -> None:
    bridge.make_draft()
    Event.objects.update(slug="harbour-bridge")
    desk.post("/desk/new/", settings_of(title=title))
    assert Event.objects.latest("pk").slug == slug


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "required"),
        ("title", "x" * 151, "150"),
        ("title", "nu\x00ll", "Null"),
        ("slug", "bridge", "Another event has this address"),
        ("slug", "new", "Choose a different one"),
        ("slug", "not a slug", "valid"),
        ("slug", "a\r\nX-Bad: 1", "valid"),
        ("summary", "x" * 5001, "5000"),
        ("time_zone", "Middle/Earth", "not a time zone"),
        ("time_zone", "../../etc/passwd", "not a time zone"),
        ("language", "klingon!", "language code"),
        ("language", "en-latn-gb-oed", "language code"),
        ("language", "de-latn-de-1996", "10 characters"),
        ("order", "sideways", "valid choice"),
        ("contributors_wait", "perhaps", "valid choice"),
        ("starts_at", "yesterday", "Enter a date"),
        ("starts_at", "0001-01-01T00:00", "out of reach"),
        ("starts_at", "9999-12-31T23:59", "out of reach"),
        ("starts_at", "2026-03-29T02:30", "does not exist in Europe/Berlin"),
        ("starts_at", "2026-10-25T02:30", "comes twice in Europe/Berlin"),
        ("ends_at", "2026-01-01T19:59", "later than the start"),
    ],
)
def test_a_setting_that_can_not_be_is_refused_in_words(field: str, value: str, words: str, desk: Client) -> None:
    sent = settings_of(starts_at="2026-01-01T20:00", summary="Kept") | {field: value}
    for headers in ({}, HTMX):
        response = desk.post("/desk/new/", sent, headers=headers)
        assert response.status_code == 422
        assert words in text_of(response)
        assert 'role="alert"' in text_of(response)
        assert sent["summary"] in text_of(response)
    assert Event.objects.count() == 1


def test_times_are_those_of_the_events_own_zone(desk: Client, bridge: Event) -> None:
    desk.post(address("desk-settings"), settings_of(starts_at="2026-07-01T20:00", ends_at="2026-12-01T20:00"))
    bridge.refresh_from_db()
    assert bridge.starts_at == datetime(2026, 7, 1, 18, tzinfo=UTC)
    assert bridge.ends_at == datetime(2026, 12, 1, 19, tzinfo=UTC)
    assert value_of(desk.get(address("desk-settings")), "starts_at") == "2026-07-01T20:00"
    desk.post(
        address("desk-settings"), settings_of(starts_at="2026-07-01T20:00", ends_at="", time_zone="america/new york")
    )
    bridge.refresh_from_db()
    assert (bridge.time_zone, bridge.ends_at) == ("America/New_York", None)
    assert bridge.starts_at == datetime(2026, 7, 2, 0, tzinfo=UTC)


def test_saving_settings_unchanged_changes_nothing_readers_see(desk: Client, bridge: Event) -> None:
    Event.objects.update(starts_at=datetime(2026, 10, 25, 1, 30, 12, 345, tzinfo=UTC))  # 02:30, for the second time
    shown = value_of(desk.get(address("desk-settings")), "starts_at")
    assert desk.post(address("desk-settings"), settings_of(starts_at=shown)).status_code == 302
    revision = bridge.revision
    bridge.refresh_from_db()
    assert bridge.revision == revision


def test_the_slug_is_free_while_a_draft_and_fixed_from_then_on(ada: User) -> None:
    client = signed_in(ada)
    client.post("/desk/new/", settings_of(slug="first"))
    assert client.post("/desk/first/edit/", settings_of(slug="second"))["Location"] == "/desk/second/"
    Event.objects.get().announce()
    assert 'name="slug"' not in text_of(client.get("/desk/second/edit/"))
    client.post("/desk/second/edit/", settings_of(slug="third"))
    assert Event.objects.get().slug == "second"


def test_whether_contributors_posts_wait_is_a_setting_and_they_do_unless_told_otherwise(
    desk: Client, bridge: Event
) -> None:
    assert bridge.contributors_wait
    desk.post(address("desk-settings"), settings_of())
    for sent, waits in (({"contributors_wait": "0"}, False), ({}, False), ({"contributors_wait": "1"}, True)):
        revision = Event.objects.get().revision
        assert desk.post(address("desk-settings"), settings_of(**sent)).status_code == 302
        bridge.refresh_from_db()
        assert bridge.contributors_wait == waits
        assert bridge.revision == revision, "no reader can see it"
    desk.post("/desk/new/", settings_of(title="Another"))
    assert Event.objects.latest("pk").contributors_wait


# The preview.


def test_a_preview_shows_a_draft_as_readers_will_see_it_without_the_live_parts(desk: Client, bridge: Event) -> None:
    bridge.pin(update=bridge.updates.get(number=1))
    bridge.make_draft()
    page = desk.get(address("desk-preview")).content.decode()
    card = str(rendering.card(bridge.updates.get(number=1)))
    link = 'href="/desk/bridge/preview/?around=1#update-1"'
    assert card.replace('href="/events/bridge/updates/1/"', link) in page
    assert "Preview" in page
    assert "js/reader/event.js" not in page
    assert 'hx-ext="live"' not in page
    assert "hx-disable" in page
    assert 'href="/events/bridge/?' not in page
    for link in set(re.findall(r'href="(/desk/bridge/preview/\?[^"#]*)', page)):
        assert desk.get(unescape(link)).status_code == 200
    assert Client().get("/events/bridge/").status_code == 404


@pytest.mark.parametrize("query", ["sort=sideways", "before=x", "after=x", "around=99", "around=x", "before=1&after=2"])
def test_an_absurd_part_of_a_preview_is_a_400(query: str, desk: Client) -> None:
    assert desk.get(f"{address('desk-preview')}?{query}").status_code == 400


# Coming in and going out.


def test_signing_in_leads_to_where_one_was_going_and_signing_out_is_a_post(ada: User, bridge: Event) -> None:
    ada.set_password("correct horse")
    ada.save()
    client = Client()
    page = client.get("/accounts/login/?next=/desk/bridge/")
    assert value_of(page, "next") == "/desk/bridge/"
    wrong = client.post("/accounts/login/", {"username": "ada", "password": "wrong", "next": "/desk/bridge/"})
    assert "correct username and password" in text_of(wrong)
    assert value_of(wrong, "next") == "/desk/bridge/"
    right = {"username": "ada", "password": "correct horse"}
    assert client.post("/accounts/login/", right | {"next": "/desk/bridge/"})["Location"] == "/desk/bridge/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.get("/desk/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/desk/").status_code == 302
    for elsewhere in ("https://evil.example/", "//evil.example", "/desk/\r\nX-Bad: 1", "javascript:alert(1)"):
        response = client.post("/accounts/login/", right | {"next": elsewhere})
        assert response.status_code == 302
        assert "evil" not in response["Location"]
        assert "X-Bad" not in response


def test_the_list_shows_an_author_their_events_and_staff_all(desk: Client, bridge: Event) -> None:
    other = Event.objects.create(title="Somebody else’s", slug="other")
    assert "Harbour bridge" in text_of(desk.get("/desk/"))
    assert other.title not in text_of(desk.get("/desk/"))
    assert other.title in text_of(signed_in(user("chief", is_staff=True)).get("/desk/"))


def test_the_desk_needs_no_query_for_each_update(
    desk: Client, bridge: Event, ada: User, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(12):
        bridge.publish(author=ada, body=f"No. {number}")
    assert Update.objects.count() == 13
    with django_assert_max_num_queries(9):
        desk.get(address("desk"))
