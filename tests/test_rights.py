"""What contributors and guests can't do by another way than the one that is closed to them."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from liveblog.models import Event, Photo, Role, Update, Waiting
from tests.server import signed_in, text_of

HTMX = {"HX-Request": "true"}
OUTBOX = pytest.mark.parametrize("is_outbox", [False, True], ids=["form", "outbox"])


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def bridge(ada: User, bob: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", contributors_wait=False)
    event.authors.add(ada)
    event.appoint(user=bob, role=Role.CONTRIBUTOR)
    event.go_live()
    return event


@pytest.fixture
def guest(bridge: Event, ada: User) -> User:
    invitation, _ = bridge.invite(name="Sam", made_by=ada)
    return User.objects.get(pk=invitation.guest_id)


def send(user: User, *, is_outbox: bool = False, **fields: Any) -> Any:
    headers = {"Liveblog-Author": str(user.pk)} if is_outbox else {}
    sent = {"key": str(uuid.uuid4()), "body": "What I saw."} | fields
    return signed_in(user).post(reverse("desk-updates", args=["bridge"]), sent, headers=headers)


@OUTBOX
def test_a_contributor_marks_no_key_moment_and_loses_nothing(
    bridge: Event, ada: User, bob: User, is_outbox: bool
) -> None:
    answer = send(bob, is_outbox=is_outbox, is_key="on")
    assert answer.status_code == 422
    assert "Only an editor can mark a key moment" in text_of(answer)
    assert is_outbox or "What I saw." in text_of(answer)
    assert not bridge.updates.exists()
    assert send(bob, is_outbox=is_outbox).status_code in {200, 302}
    assert send(ada, is_outbox=is_outbox, is_key="on").status_code in {200, 302}
    assert list(bridge.updates.order_by("number").values_list("is_key", flat=True)) == [False, True]


def test_a_contributors_composer_does_not_offer_it(bridge: Event, ada: User, bob: User) -> None:
    desk = reverse("desk", args=["bridge"])
    assert 'title="Key moment" hidden' in text_of(signed_in(bob).get(desk))
    assert 'title="Key moment" hidden' not in text_of(signed_in(ada).get(desk))


@OUTBOX
def test_a_contributor_whose_posts_appear_at_once_gives_them_no_time_that_has_passed(
    bridge: Event, ada: User, bob: User, is_outbox: bool
) -> None:
    past = "2026-01-02T03:04"
    answer = send(bob, is_outbox=is_outbox, at=past)
    assert answer.status_code == 422
    assert "Only an editor can give an update a time that has passed" in text_of(answer)
    assert not bridge.updates.exists()
    assert send(ada, at=past, far_time=past).status_code == 302
    bridge.revise(contributors_wait=True)
    assert send(bob, at=past, far_time=past).status_code == 302  # an editor sees the time before it is published
    assert bridge.waiting.get().published_at is not None
    later = f"{timezone.now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    bridge.revise(contributors_wait=False)
    assert send(bob, at=later).status_code == 302
    assert bridge.waiting.count() == 2


def test_a_contributor_moves_nothing_that_is_published(bridge: Event, ada: User, bob: User) -> None:
    update = bridge.publish(author=bob, body="What I saw.")
    address = reverse("desk-update", args=["bridge", update.number])
    before = update.published_at
    time = {"at": "2026-01-02T03:04", "far_time": "2026-01-02T03:04"}
    for user, status in ((bob, 422), (ada, 302)):
        sent = {"headline": "", "body": "What I saw, and when.", "revision": update.revision} | time
        answer = signed_in(user).post(address, sent)
        assert answer.status_code == status
        update.refresh_from_db()
        if status == 422:
            assert "Only an editor can change the time" in text_of(answer)
            assert "What I saw, and when." in text_of(answer)
            assert (update.published_at, update.body) == (before, "What I saw.")
    assert update.published_at < before


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "2"}, {"version": "x"}])
def test_nothing_is_approved_without_the_version_that_was_seen(
    bridge: Event, ada: User, bob: User, version: dict[str, str]
) -> None:
    waiting = bridge.submit(author=bob, body="Seen at the gate.", needs_approval=True)
    assert isinstance(waiting, Waiting)
    address = reverse("desk-publication", args=["bridge", waiting.key])
    for now in ({}, {"now": "1"}):
        status = 409 if version.get("version") == "2" else 422
        assert signed_in(ada).post(address, version | now, headers=HTMX).status_code == status
    assert not bridge.updates.exists()
    assert signed_in(ada).post(address, {"version": "1"}, headers=HTMX).status_code == 200
    assert bridge.updates.exists()


@pytest.mark.parametrize("steps", [("go_live",), ("go_live", "end"), ("announce",)])
def test_an_event_that_was_ever_public_is_deleted_by_its_name_only(ada: User, steps: tuple[str, ...]) -> None:
    event = Event.objects.create(title="Known", slug="known")
    event.authors.add(ada)
    for step in steps:
        getattr(event, step)()
    event.make_draft()
    address, owner = reverse("desk-deletion", args=["known"]), signed_in(ada)
    assert "have known this event" in text_of(owner.get(address))
    for typed in ({}, {"slug": "other"}):
        assert owner.post(address, typed).status_code == 422
    assert Event.objects.filter(slug="known").exists()
    assert owner.post(address, {"slug": "known"}).status_code == 302
    assert not Event.objects.filter(slug="known").exists()


def test_a_draft_that_nobody_knows_is_deleted_without_its_name(ada: User) -> None:
    event = Event.objects.create(title="New", slug="fresh")
    event.authors.add(ada)
    assert signed_in(ada).post(reverse("desk-deletion", args=["fresh"])).status_code == 302
    assert not Event.objects.filter(slug="fresh").exists()


# What was withdrawn.


@pytest.fixture
def withdrawn(bridge: Event, ada: User) -> Update:
    update = bridge.publish(author=ada, headline="A secret", body="A name that was not to be said.")
    update.edit(body="Another name that was not to be said.")
    update.withdraw(by=ada)
    return update


def test_guests_read_nothing_that_was_withdrawn_but_their_own(
    bridge: Event, bob: User, guest: User, withdrawn: Update
) -> None:
    own = bridge.publish(author=guest, headline="Of my own", body="What I saw.")
    own.edit(body="What I thought I saw.")
    own.withdraw(by=guest)
    desk = reverse("desk", args=["bridge"])
    changes = f"{reverse('desk-changes', args=['bridge'])}?after=0&edition={bridge.edition}"
    for address in (desk, changes):
        seen = text_of(signed_in(guest).get(address))
        assert f'id="item-{withdrawn.number}"' in seen
        assert "A secret" not in seen
        assert f"versions-{withdrawn.number}" not in seen
        assert "Of my own" in seen
        assert f"versions-{own.number}" in seen
        assert "A secret" in text_of(signed_in(bob).get(address))
    for user, status in ((guest, 404), (bob, 200)):
        address = reverse("desk-versions", args=["bridge", withdrawn.number])
        assert signed_in(user).get(address).status_code == status
    assert signed_in(guest).get(reverse("desk-versions", args=["bridge", own.number])).status_code == 200


def test_guests_see_no_photos_but_their_own_and_those_of_the_stream(
    bridge: Event, ada: User, bob: User, guest: User, withdrawn: Update
) -> None:
    def photo(uploader: User, **more: Any) -> Photo:
        name = uuid.uuid4().hex
        return bridge.photos.create(uploader=uploader, name=name, width=480, height=320, widths=[480], **more)

    shown = bridge.publish(author=ada, body="What all can see.")
    cases: list[tuple[Photo, bool]] = [
        (photo(ada), False),
        (photo(ada, update=withdrawn), False),
        (photo(ada, update=shown), True),
        (photo(ada, is_cover=True), True),
        (photo(guest), True),
    ]
    for one, may_see in cases:
        assert one.may_be_seen_by(guest) == may_see
        assert one.may_be_seen_by(bob)
        address = reverse("desk-photo", args=["bridge", one.name, 480])
        assert signed_in(guest).get(address).status_code == 404  # there is no file; what counts is below
    waiting = bridge.submit(author=bob, body="Seen at the gate.", needs_approval=True)
    assert isinstance(waiting, Waiting)
    assert not photo(bob, waiting=waiting).may_be_seen_by(guest)


@pytest.mark.parametrize("name", ["%00" * 32, "x" * 32, "A" * 32, "0" * 31, "..%2f" * 8])
def test_only_what_can_be_a_photos_name_is_looked_for(
    bridge: Event, ada: User, name: str, django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(0):
        assert Client().get(f"/events/bridge/photos/{name}-480.webp").status_code == 404
    assert signed_in(ada).get(f"/desk/bridge/photos/{name}-480.webp").status_code == 404
