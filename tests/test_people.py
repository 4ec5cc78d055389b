"""People of an event: who is on it with which role, volunteers who come in by a link, and what waits for an editor."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from liveblog.models import Event, Invitation, Overtaken, Role, Update, Waiting, is_guest

HTMX = {"HX-Request": "true"}


def user(name: str, **more: Any) -> User:
    return User.objects.create_user(name, **more)


def signed_in(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


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


def test_a_guest_is_known_without_a_query(bridge: Event, ada: User, django_assert_num_queries: Any) -> None:
    guest = bridge.invite(name="Sam", made_by=ada)[0].guest
    with django_assert_num_queries(0):
        assert is_guest(guest)
        assert not is_guest(ada)
        assert not is_guest(AnonymousUser())
        assert not is_guest(User(username="guest-star", password="pbkdf2_sha256$of somebody who logs in"))


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
