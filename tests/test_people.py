"""People of an event: who is on it with which role, volunteers who come in by a link, and what waits for an editor."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from liveblog.models import Event, Invitation, Overtaken, Role, Waiting, is_guest
from tests.server import PASSWORD, signed_in, text_of

HTMX = {"HX-Request": "true"}


def user(name: str, **more: Any) -> User:
    return User.objects.create_user(name, **more)


@pytest.fixture
def ada(db: None) -> User:
    return user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin")
    event.authors.add(ada)
    event.go_live()
    return event


@pytest.fixture
def join(bridge: Event, ada: User) -> Callable[..., tuple[Client, Invitation]]:
    """Invite somebody and let them come in: ``client, invitation = join("Sam")``."""

    def come_in(name: str = "Sam", **more: Any) -> tuple[Client, Invitation]:
        invitation, token = bridge.invite(name=name, made_by=ada, **more)
        client = Client()
        assert client.post(f"/join/{token}/")["Location"] == "/desk/bridge/"
        return client, invitation

    return come_in


# What the models hold.


def test_a_guest_is_whoever_an_invitation_made_and_costs_one_query_a_request(
    bridge: Event, ada: User, django_assert_num_queries: Any
) -> None:
    guest = User.objects.get(pk=bridge.invite(name="Sam", made_by=ada)[0].guest_id)
    with django_assert_num_queries(2):
        for _ in range(3):
            assert is_guest(guest)
            assert not is_guest(ada)
            assert not is_guest(AnonymousUser())


def test_somebody_who_is_called_like_a_guest_and_signs_in_elsewhere_is_none(bridge: Event) -> None:
    """As those are who come by a company's own sign-in: they have no password here."""
    star = user("guest-0123456789ab")
    star.set_unusable_password()
    star.save()
    assert not is_guest(star)
    client = Client()
    client.force_login(star)
    assert client.get("/desk/new/").status_code == 200
    assert ", guest" not in client.get("/desk/").content.decode()
    bridge.appoint(user=star, role=Role.EDITOR)
    assert bridge.role_of(star) == Role.EDITOR


def test_a_guest_stays_one_whose_invitation_was_revoked_or_who_was_given_a_password(bridge: Event, ada: User) -> None:
    invitation, _ = bridge.invite(name="Sam", made_by=ada)
    invitation.guest.set_password(PASSWORD)
    invitation.guest.save()
    client = Client()
    sent = {"username": invitation.guest.username, "password": PASSWORD}
    assert client.post("/accounts/login/", sent).status_code == 302
    assert client.get("/desk/bridge/").status_code == 200
    assert client.get("/desk/new/").status_code == 403
    invitation.revoke()
    assert client.get("/desk/bridge/").status_code == 404
    assert client.get("/desk/new/").status_code == 403


def test_a_guest_can_be_given_no_role(bridge: Event, ada: User) -> None:
    guest = bridge.invite(name="Sam", made_by=ada)[0].guest
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(ada)
    for event in (bridge, other):
        with pytest.raises(ValidationError):
            event.appoint(user=guest, role=Role.EDITOR)
    assert bridge.role_of(guest) == Role.CONTRIBUTOR
    assert other.role_of(guest) is None


def test_an_owner_who_can_no_longer_sign_in_does_not_count_as_one(bridge: Event, ada: User) -> None:
    bob = user("bob", is_active=False)
    bridge.appoint(user=bob, role=Role.OWNER)
    with pytest.raises(ValidationError):
        bridge.dismiss(user=ada)
    assert bridge.role_of(ada) == Role.OWNER


def submitted(event: Event, author: User, **more: Any) -> Waiting:
    waiting = event.submit(author=author, **{"body": "Seen at the gate.", "needs_approval": True} | more)
    assert isinstance(waiting, Waiting)
    return waiting


@pytest.mark.parametrize("due_in", [None, timedelta(hours=1)])
@pytest.mark.parametrize("verb", ["approve", "publish"])
def test_nobody_approves_a_text_they_have_not_seen(
    verb: str, due_in: timedelta | None, bridge: Event, ada: User
) -> None:
    waiting = submitted(bridge, user("bob"), due_at=timezone.now() + due_in if due_in else None)
    seen = waiting.version
    Waiting.objects.get().edit(headline="", body="Something else altogether.", due_at=waiting.due_at)
    with pytest.raises(Overtaken) as overtaken:
        getattr(waiting, verb)(version=seen)
    assert overtaken.value.update.body == "Something else altogether."
    assert Waiting.objects.get().needs_approval
    assert not bridge.updates.exists()
    getattr(waiting, verb)(version=seen + 1)
    assert bridge.updates.exists() or not Waiting.objects.get().needs_approval


def test_what_was_approved_needs_approval_again_once_it_says_something_else(bridge: Event) -> None:
    due_at = timezone.now() + timedelta(hours=1)
    waiting = submitted(bridge, user("bob"), due_at=due_at)
    waiting.approve()
    waiting = Waiting.objects.get()
    waiting.edit(headline="", body=waiting.body, due_at=due_at, needs_approval=True)
    assert not Waiting.objects.get().needs_approval, "nothing was changed"
    waiting.edit(headline="", body="Something else.", due_at=due_at, needs_approval=True)
    assert Waiting.objects.get().needs_approval


# Roles.


def people(event: str = "bridge") -> str:
    return reverse("desk-people", args=[event])


def person(who: User, event: str = "bridge") -> str:
    return reverse("desk-person", args=[event, who.pk])


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_owner_adds_somebody_changes_the_role_and_takes_them_off(
    headers: dict[str, str], bridge: Event, ada: User
) -> None:
    bob, desk = user("bob"), signed_in(ada)
    assert "bob" not in text_of(desk.get(people()))
    assert desk.post(people(), {"username": "bob", "role": "contributor"}, headers=headers).status_code in {200, 302}
    assert bridge.role_of(bob) == "contributor"
    assert "bob" in text_of(desk.get(people()))
    for role in ("editor", "owner", "contributor"):
        desk.post(person(bob), {"role": role}, headers=headers)
        assert bridge.role_of(bob) == role
    answer = desk.post(person(bob), {"remove": "1"}, headers=headers)
    assert bridge.role_of(bob) is None
    assert ("<html" in text_of(answer)) is False
    assert signed_in(bob).get("/desk/bridge/").status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("sent", [{"role": "editor"}, {"remove": "1"}])
def test_the_last_owner_stays_and_the_page_says_why(
    sent: dict[str, str], headers: dict[str, str], bridge: Event, ada: User
) -> None:
    bridge.appoint(user=user("bob"), role=Role.EDITOR)
    answer = signed_in(ada).post(person(ada), sent, headers=headers)
    assert answer.status_code == 409
    assert "keeps an owner" in text_of(answer)
    assert bridge.role_of(ada) == "owner"


def test_an_owner_who_steps_down_or_leaves_comes_out_where_they_still_may_be(bridge: Event, ada: User) -> None:
    bob = user("bob")
    bridge.appoint(user=bob, role=Role.OWNER)
    desk = signed_in(ada)
    assert desk.post(person(ada), {"role": "editor"})["Location"] == "/desk/bridge/"
    assert desk.get("/desk/bridge/").status_code == 200
    bridge.appoint(user=ada, role=Role.OWNER)
    assert desk.post(person(ada), {"remove": "1"}, headers=HTMX)["HX-Redirect"] == "/desk/"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"username": "nobody", "role": "editor"}, "no user “nobody”"),
        ({"username": "gone", "role": "editor"}, "no user “gone”"),
        ({"username": "ada", "role": "contributor"}, "here already"),
        ({"username": "", "role": "editor"}, "Give a user name"),
        ({"username": "nu\x00ll", "role": "editor"}, "Null"),
        ({"username": "x" * 200, "role": "editor"}, "150"),
        ({"username": "bob", "role": "king"}, "valid choice"),
        ({"username": "bob"}, "required"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_can_not_be_added_is_refused_in_words(
    sent: dict[str, str], words: str, headers: dict[str, str], bridge: Event, ada: User
) -> None:
    user("gone", is_active=False)
    user("bob")
    answer = signed_in(ada).post(people(), sent, headers=headers)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'role="alert"' in text_of(answer)
    assert bridge.memberships.count() == 1
    assert bridge.role_of(ada) == "owner"


def test_a_guest_is_no_user_who_can_be_added_changed_or_removed_here(bridge: Event, ada: User) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(ada)
    guest, desk = bridge.invite(name="Sam", made_by=ada)[0].guest, signed_in(ada)
    assert desk.post(people("other"), {"username": guest.username, "role": "owner"}).status_code == 422
    assert desk.post(person(guest), {"role": "owner"}).status_code == 404
    assert desk.post(person(guest), {"remove": "1"}).status_code == 404
    assert bridge.role_of(guest) == "contributor"
    assert guest.username not in text_of(desk.get(people()))


@pytest.mark.parametrize("sent", [{"role": "editor"}, {"remove": "1"}])
def test_somebody_of_another_event_can_not_be_reached_from_this_one(
    sent: dict[str, str], bridge: Event, ada: User
) -> None:
    bob, other = user("bob"), Event.objects.create(title="Other", slug="other")
    other.authors.add(bob)
    assert signed_in(ada).post(person(bob), sent).status_code == 404
    assert other.role_of(bob) == "owner"


def test_only_owners_are_shown_the_way_to_the_people(bridge: Event, ada: User) -> None:
    bob = user("bob")
    bridge.appoint(user=bob, role=Role.EDITOR)
    assert people() in text_of(signed_in(ada).get("/desk/bridge/"))
    assert people() not in text_of(signed_in(bob).get("/desk/bridge/"))


# Invitations.


def invitations(event: str = "bridge") -> str:
    return reverse("desk-invitations", args=[event])


def link_in(response: Any) -> str:
    """Return the path of the invitation that the answer shows."""
    found = re.search(r'value="http://testserver(/join/[^"]+/)"', text_of(response))
    assert found
    return found[1]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_link_is_shown_once_with_its_qr_code_and_stored_as_what_it_hashes_to(
    headers: dict[str, str], bridge: Event, ada: User
) -> None:
    desk = signed_in(ada)
    answer = desk.post(invitations(), {"name": "  Sam   Okafor "}, headers=headers)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    path = link_in(answer)
    token = path.split("/")[2]
    assert len(token) >= 32
    page = text_of(answer)
    assert "<svg" in page
    assert "Sam Okafor" in page
    assert "style=" not in page
    assert "<style" not in page
    listing = text_of(desk.get(people()))
    assert "Sam Okafor" in listing
    assert "not opened yet" in listing
    assert token not in listing
    assert token not in str(list(Invitation.objects.values()))
    assert token not in str(list(User.objects.values()))


def test_get_shows_a_button_and_uses_nothing_up(bridge: Event, ada: User) -> None:
    path = link_in(signed_in(ada).post(invitations(), {"name": "Sam"}))
    stranger = Client()
    for _ in range(2):
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert "as Sam" in text_of(answer)
        assert "Harbour bridge" in text_of(answer)
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "sessionid" not in answer.cookies
    assert Invitation.objects.get().used_at is None


def test_post_lets_a_volunteer_in_who_posts_under_the_given_name(bridge: Event, ada: User) -> None:
    path = link_in(signed_in(ada).post(invitations(), {"name": "Sam"}))
    guest = Client()
    answer = guest.post(path)
    assert answer.status_code == 302
    assert answer["Location"] == "/desk/bridge/", "an address without the token"
    assert Invitation.objects.get().used_at
    page = text_of(guest.get("/desk/bridge/"))
    assert "Sam, guest" in page
    assert "Leave" in page
    guest.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "From the gate."})
    assert Waiting.objects.get().byline == "Sam"
    bridge.revise(contributors_wait=False)
    guest.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "From the gate, at once."})
    assert bridge.updates.get().byline == "Sam"


def test_a_link_works_on_several_devices(bridge: Event, ada: User) -> None:
    path = link_in(signed_in(ada).post(invitations(), {"name": "Sam"}))
    devices = [Client(), Client()]
    for device in devices:
        assert device.post(path).status_code == 302
    assert all(device.get("/desk/bridge/").status_code == 200 for device in devices)


def test_a_request_without_the_csrf_token_lets_nobody_in(bridge: Event, ada: User) -> None:
    path = link_in(signed_in(ada).post(invitations(), {"name": "Sam"}))
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(path).status_code == 403
    assert stranger.get("/desk/bridge/").status_code == 302


def test_what_opens_nothing_looks_the_same_whatever_the_reason(bridge: Event, ada: User) -> None:
    ended = Event.objects.create(title="Over", slug="over")
    ended.authors.add(ada)
    ended.go_live()
    _, over = ended.invite(name="Sam", made_by=ada)
    ended.end()
    revoked, gone = bridge.invite(name="Kim", made_by=ada)
    revoked.revoke()
    expired, late = bridge.invite(name="Jo", made_by=ada, expires_at=timezone.now() + timedelta(hours=1))
    Invitation.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = set()
    for token in ("x" * 32, "short", "%00", "🙂", "a" * 3000, over, gone, late):
        for ask in (Client().get, Client().post):
            answer = ask(f"/join/{token}/")
            assert answer.status_code == 404
            assert "no-store" in answer["Cache-Control"]
            assert answer["Referrer-Policy"] == "strict-origin"
            answers.add(answer.content)
    assert len(answers) == 1
    assert "Ask whoever sent it" in answers.pop().decode()


def test_somebody_who_is_signed_in_is_told_before_they_are_signed_out(bridge: Event, ada: User) -> None:
    desk = signed_in(ada)
    path = link_in(desk.post(invitations(), {"name": "Sam"}))
    assert "You are signed in as ada. Going on signs you out" in text_of(desk.get(path))
    desk.get("/desk/bridge/")
    assert desk.get("/desk/bridge/edit/").status_code == 200
    desk.post(path)
    assert desk.get("/desk/bridge/edit/").status_code == 403
    other = link_in(signed_in(ada).post(invitations(), {"name": "Kim"}))
    assert "You are here as Sam already" in text_of(desk.get(other))
    assert "signed in as" not in text_of(desk.get(path))


def test_a_guests_session_ends_with_the_invitation(bridge: Event, join: Callable[..., tuple[Client, Any]]) -> None:
    client, _ = join(expires_at=timezone.now() + timedelta(hours=3))
    assert 3 * 3600 - 60 < client.session.get_expiry_age() <= 3 * 3600


def test_who_was_revoked_is_told_so_and_can_do_nothing_more(
    bridge: Event, ada: User, join: Callable[..., tuple[Client, Invitation]]
) -> None:
    client, invitation = join("Sam")
    client.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "Before."})
    assert Waiting.objects.count() == 1
    signed_in(ada).post(reverse("desk-revocation", args=["bridge", invitation.pk]))
    page = client.get("/desk/bridge/")
    assert page.status_code == 404
    assert "Your invitation has ended" in text_of(page)
    sent = {"key": str(uuid.uuid4()), "body": "After <all>."}
    plain = client.post("/desk/bridge/updates/", sent)
    assert plain.status_code == 404
    assert "After <all>." in text_of(plain)
    for headers in (HTMX, {"Liveblog-Author": str(invitation.guest.pk)}):
        answer = client.post("/desk/bridge/updates/", sent, headers=headers)
        assert answer.status_code == 404
        assert answer["Content-Type"].startswith("text/plain")
        assert "ended" in text_of(answer)
    assert Waiting.objects.count() == 1
    assert "Harbour bridge" not in text_of(client.get("/desk/"))


def test_a_guest_is_out_when_the_event_ends_and_in_again_when_it_is_reopened(
    bridge: Event, join: Callable[..., tuple[Client, Invitation]]
) -> None:
    client, _ = join("Sam")
    for change, status in ((bridge.end, 404), (bridge.reopen, 200)):
        change()
        assert client.get("/desk/bridge/").status_code == status


def test_a_guest_reaches_nothing_but_this_events_desk(
    bridge: Event, ada: User, join: Callable[..., tuple[Client, Invitation]]
) -> None:
    other = Event.objects.create(title="Elsewhere", slug="other")
    other.authors.add(ada)
    client, _ = join("Sam")
    listing = text_of(client.get("/desk/"))
    assert "Harbour bridge" in listing
    assert "Elsewhere" not in listing
    assert "/desk/new/" not in listing
    assert client.get("/desk/new/").status_code == 403
    assert client.post("/desk/new/", {"title": "Mine"}).status_code == 403
    assert client.get("/desk/other/").status_code == 404
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/password_change/").status_code == 302
    assert Event.objects.count() == 2


def test_a_guest_posts_ten_times_a_minute_and_no_more(join: Callable[..., tuple[Client, Invitation]]) -> None:
    client, _ = join("Sam")
    codes = [
        client.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": f"No. {n}"}, headers=HTMX).status_code
        for n in range(12)
    ]
    assert codes == [202] * 10 + [429] * 2
    assert Waiting.objects.count() == 10


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": ""}, "Give a name"),
        ({"name": "   "}, "Give a name"),
        ({"name": "x" * 151}, "150"),
        ({"name": "nu\x00ll"}, "Null"),
        ({"name": "Sam", "expires_at": "2020-01-01T20:00"}, "has passed"),
        ({"name": "Sam", "expires_at": "tomorrow"}, "Enter a date"),
        ({"name": "Sam", "expires_at": "2027-03-28T02:30"}, "does not exist in Europe/Berlin"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_invitation_that_can_not_be_made_is_refused_in_words(
    sent: dict[str, str], words: str, headers: dict[str, str], bridge: Event, ada: User
) -> None:
    answer = signed_in(ada).post(invitations(), sent, headers=headers)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Invitation.objects.exists()
    assert User.objects.count() == 1


def test_an_ended_event_invites_nobody_without_a_time(bridge: Event, ada: User) -> None:
    bridge.end()
    desk = signed_in(ada)
    assert "The event has ended" in text_of(desk.post(invitations(), {"name": "Sam"}))
    soon = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    path = link_in(desk.post(invitations(), {"name": "Sam", "expires_at": soon}))
    guest = Client()
    guest.post(path)
    assert guest.get("/desk/bridge/").status_code == 200


def test_an_invitation_of_another_event_can_not_be_revoked_from_this_one(bridge: Event, ada: User) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(user("bob"))
    invitation = other.invite(name="Sam", made_by=ada)[0]
    assert signed_in(ada).post(reverse("desk-revocation", args=["bridge", invitation.pk])).status_code == 404
    assert Invitation.objects.get().is_open


@pytest.mark.parametrize(
    ("base", "is_said"),
    [("http://127.0.0.1:8000", True), ("http://[::1]:8000", True), ("http://192.168.1.5:8000", False)],
)
def test_a_link_that_opens_on_no_phone_says_so(
    base: str, is_said: bool, bridge: Event, ada: User, settings: Any
) -> None:
    settings.BASE_URL = base
    page = text_of(signed_in(ada).post(invitations(), {"name": "Sam"}))
    assert f'value="{base}/join/' in page
    assert ("opens nothing" in page) == is_said
