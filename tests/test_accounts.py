"""Accounts without a shell: colleagues come in by a link, passwords are changed, forgotten ones replaced."""

import base64
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.logs import RequestFilter
from config.mail_url import read_mail
from liveblog.mail import MailFailed, connect
from liveblog.models import Attempt, Event, Invitation, Role, may_let_in
from liveblog.models.attempts import WINDOW
from liveblog.periodic import tidy
from tests.server import PASSWORD, ROOT, signed_in, text_of
from tests.smtp import MailServer, mail_server

HTMX = {"HX-Request": "true"}
NEW_PASSWORD = "the quick brown fox sleeps"
LOCMEM = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


def user(name: str, **more: Any) -> User:
    return User.objects.create_user(name, password=PASSWORD, **more)


@pytest.fixture
def ada(db: None) -> User:
    return user("ada", first_name="Ada", last_name="Byron", email="ada@example.org")


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin")
    event.authors.add(ada)
    event.go_live()
    return event


@pytest.fixture
def with_mail(settings: Any) -> None:
    settings.MAILERS = LOCMEM


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the service would log, and all that Django says of requests, as it would be written."""
    for name in ("liveblog", "django.request"):
        caplog.set_level(logging.DEBUG, logger=name)
    as_written = RequestFilter()
    caplog.handler.addFilter(as_written)
    yield caplog
    caplog.handler.removeFilter(as_written)


def wait_for_mails() -> list[Any]:
    """Return what was sent, when the threads that send are through."""
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()
    return mail.outbox


def link_in(text: str) -> str:
    """Return the path of the link in a page or a mail."""
    found = re.search(r"http://testserver(/(?:join|accounts)/[^\s\"]+/)", text)
    assert found
    return found[1]


# Inviting a colleague.


def invite(owner: Client, who: str = "Kim", role: str = "editor", **more: Any) -> Any:
    return owner.post("/desk/bridge/colleagues/", {"who": who, "role": role}, **more)


def account_form(**more: str) -> dict[str, str]:
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return {"first_name": "Kim Lee", "username": "kim", "email": "kim@example.org"} | passwords | more


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("role", ["contributor", "editor", "owner"])
def test_who_opens_the_link_chooses_name_and_password_is_signed_in_and_has_the_role(
    role: str, headers: dict[str, str], bridge: Event, ada: User
) -> None:
    owner = signed_in(ada)
    answer = invite(owner, role=role, headers=headers)
    assert answer.status_code == 200
    assert "<svg" in text_of(answer)
    path = link_in(text_of(answer))
    newcomer = Client()
    page = newcomer.get(path)
    assert f"You are invited as {role}" in text_of(page)
    assert "sessionid" not in page.cookies
    assert newcomer.post(path, account_form())["Location"] == "/desk/bridge/"
    assert newcomer.get("/desk/bridge/").status_code == 200
    kim = User.objects.get(username="kim")
    assert (bridge.role_of(kim), kim.get_full_name(), kim.email) == (role, "Kim Lee", "kim@example.org")
    assert (kim.is_staff, kim.is_superuser) == (False, False)
    sent = {"username": "kim", "password": NEW_PASSWORD}
    assert Client().post("/accounts/login/", sent).status_code == 302
    assert "Accepted" in text_of(owner.get("/desk/bridge/people/"))


def test_the_secret_is_shown_once_stored_as_a_hash_and_in_no_log(
    bridge: Event, ada: User, log: pytest.LogCaptureFixture
) -> None:
    path = link_in(text_of(invite(signed_in(ada))))
    token = path.split("/")[2]
    stranger = Client()
    for answer in (stranger.get(path), stranger.post(path, account_form(username=""))):
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
    sign_in = stranger.post(path, {"sign-in": "1"})
    assert sign_in["Referrer-Policy"] == "strict-origin"
    stranger.post("/accounts/login/", {"username": "ada", "password": "guess", "next": path})
    stranger.post(path, account_form())
    stored = [*Invitation.objects.values(), *AccessAttempt.objects.values(), *Session.objects.values()]
    assert AccessAttempt.objects.exists()
    assert token not in str(stored)
    assert token not in log.text
    assert token not in text_of(signed_in(ada).get("/desk/bridge/people/"))


def test_a_link_lets_in_one_and_no_second(bridge: Event, ada: User) -> None:
    path = link_in(text_of(invite(signed_in(ada))))
    assert Client().post(path, account_form()).status_code == 302
    second = Client().post(path, account_form(username="mallory"))
    assert second.status_code == 404
    assert "opens nothing" in text_of(second)
    assert not User.objects.filter(username="mallory").exists()


def test_of_two_who_accept_at_the_same_moment_one_gets_in(bridge: Event, ada: User) -> None:
    _, token = bridge.invite_colleague(name="Kim", role=Role.EDITOR, made_by=ada)
    first, second = Invitation.find(token), Invitation.find(token)
    assert first
    assert second
    first.accept(user=User(username="kim"))
    with pytest.raises(ValidationError, match="closed"):
        second.accept(user=User(username="mallory"))
    assert not User.objects.filter(username="mallory").exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"password1": "short", "password2": "short"}, "at least 8 characters"),
        ({"password1": "12345678901", "password2": "12345678901"}, "entirely numeric"),
        ({"password1": "password1", "password2": "password1"}, "too common"),
        ({"username": "kimberley", "password1": "kimberley", "password2": "kimberley"}, "too similar"),
        ({"password2": "another one altogether"}, "didn’t match"),
        ({"username": "ADA"}, "already exists"),
        ({"username": ""}, "required"),
        ({"username": "a b"}, "valid username"),
        ({"username": "nu\x00ll"}, "Null"),
        ({"first_name": " "}, "Give a name"),
        ({"email": "nowhere"}, "valid email"),
    ],
)
def test_what_an_account_can_not_be_is_said_at_the_field_and_the_link_still_opens(
    sent: dict[str, str], words: str, bridge: Event, ada: User
) -> None:
    path = link_in(text_of(invite(signed_in(ada))))
    client = Client()
    answer = client.post(path, account_form(**sent))
    assert answer.status_code == 422
    assert re.search(rf'<p class="wrong"[^>]*>[^<]*{words}', text_of(answer))
    assert User.objects.count() == 1
    assert client.post(path, account_form()).status_code == 302


def test_a_name_that_somebody_took_a_moment_ago_is_refused_in_words(bridge: Event, ada: User) -> None:
    _, token = bridge.invite_colleague(name="Kim", role=Role.EDITOR, made_by=ada)
    invitation = Invitation.find(token)
    assert invitation
    with pytest.raises(ValidationError, match="Choose another"):
        invitation.accept(user=User(username="ada"))
    assert Invitation.find(token)


def test_who_is_signed_in_takes_the_role_with_the_account_they_have(bridge: Event, ada: User) -> None:
    bob = user("bob")
    path = link_in(text_of(invite(signed_in(ada))))
    desk = signed_in(bob)
    assert "Take the role as bob" in text_of(desk.get(path))
    assert bridge.role_of(bob) is None
    assert desk.post(path)["Location"] == "/desk/bridge/"
    assert bridge.role_of(bob) == "editor"
    assert "You are editor of this event now." in text_of(desk.get("/desk/bridge/"))
    assert not Invitation.objects.get().made_account


def test_an_owner_who_tries_their_own_link_loses_neither_role_nor_link(bridge: Event, ada: User) -> None:
    owner = signed_in(ada)
    path = link_in(text_of(invite(owner)))
    answer = owner.post(path)
    assert answer.status_code == 409
    assert "already" in text_of(answer)
    assert bridge.role_of(ada) == "owner"
    assert Client().get(path).status_code == 200


def test_who_has_an_account_but_is_not_signed_in_comes_back_by_the_sign_in(bridge: Event, ada: User) -> None:
    bob = user("bob")
    path = link_in(text_of(invite(signed_in(ada))))
    client = Client()
    page = text_of(client.post(path, {"sign-in": "1"}))
    assert f'name="next" value="{path}"' in page
    wrong = text_of(client.post("/accounts/login/", {"username": "bob", "password": "guess", "next": path}))
    assert f'name="next" value="{path}"' in wrong
    answer = client.post("/accounts/login/", {"username": "bob", "password": PASSWORD, "next": path})
    assert answer["Location"] == path
    client.post(path)
    assert bridge.role_of(bob) == "editor"


def test_a_guest_makes_an_account_and_stays_no_guest(bridge: Event, ada: User) -> None:
    _, token = bridge.invite(name="Sam", made_by=ada)
    guest = Client()
    guest.post(f"/join/{token}/")
    path = link_in(text_of(invite(signed_in(ada))))
    assert guest.post(path).status_code == 422, "a guest has no account to take the role with"
    assert guest.post(path, account_form()).status_code == 302
    assert ", guest" not in text_of(guest.get("/desk/bridge/"))


def test_a_request_without_the_csrf_token_makes_no_account(
    bridge: Event, ada: User, log: pytest.LogCaptureFixture
) -> None:
    path = link_in(text_of(invite(signed_in(ada))))
    assert Client(enforce_csrf_checks=True).post(path, account_form()).status_code == 403
    assert "Forbidden (CSRF cookie not set.): /join/…" in log.text
    assert path not in log.text
    assert User.objects.count() == 1


@pytest.mark.parametrize("happening", ["revoked", "expired", "maker removed", "maker demoted", "maker closed"])
def test_a_link_that_is_over_opens_nothing(happening: str, bridge: Event, ada: User) -> None:
    bob, owner = user("bob"), signed_in(ada)
    bridge.appoint(user=bob, role=Role.OWNER)
    path = link_in(text_of(invite(signed_in(bob), role="owner")))
    invitation = Invitation.objects.get()
    assert invitation.expires_at
    assert timedelta(days=6, hours=23) < invitation.expires_at - timezone.now() < timedelta(days=7)
    assert Client().get(path).status_code == 200
    match happening:
        case "revoked":
            assert "Revoke" in text_of(owner.get("/desk/bridge/people/"))
            owner.post(reverse("desk-revocation", args=["bridge", invitation.pk]))
        case "expired":
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "maker removed":
            bridge.dismiss(user=bob)
        case "maker demoted":
            bridge.appoint(user=bob, role=Role.CONTRIBUTOR)
        case "maker closed":
            User.objects.filter(pk=bob.pk).update(is_active=False)
    for answer in (Client().get(path), Client().post(path, account_form()), signed_in(user("eve")).post(path)):
        assert answer.status_code == 404
        assert answer["Referrer-Policy"] == "strict-origin"
    assert not User.objects.filter(username="kim").exists()
    assert ">Revoke<" not in text_of(owner.get("/desk/bridge/people/")) or happening == "maker closed"


def test_a_former_owner_who_kept_a_link_does_not_come_back_by_it(bridge: Event, ada: User) -> None:
    bob = user("bob")
    bridge.appoint(user=bob, role=Role.OWNER)
    path = link_in(text_of(invite(signed_in(bob), role="owner")))
    bridge.dismiss(user=bob)
    assert signed_in(bob).post(path).status_code == 404
    assert bridge.role_of(bob) is None


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"who": "", "role": "editor"}, "Say whom"),
        ({"who": "kim@nowhere", "role": "editor"}, "valid email"),
        ({"who": "x" * 151, "role": "editor"}, "150"),
        ({"who": "Kim", "role": "king"}, "valid choice"),
    ],
)
def test_an_invitation_that_can_not_be_made_is_refused_in_words(
    sent: dict[str, str], words: str, bridge: Event, ada: User
) -> None:
    answer = signed_in(ada).post("/desk/bridge/colleagues/", sent)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Invitation.objects.exists()


def test_an_event_is_deleted_with_the_links_for_colleagues(bridge: Event, ada: User) -> None:
    bridge.invite_colleague(name="Kim", role=Role.EDITOR, made_by=ada)
    guest = bridge.invite(name="Sam", made_by=ada)[0].guest
    bridge.remove()
    assert not Invitation.objects.exists()
    assert guest
    assert not User.objects.filter(pk=guest.pk).exists()


def test_a_process_of_the_version_before_goes_on_inviting_guests(bridge: Event, ada: User) -> None:
    """It knows none of the columns that have come."""
    guest = user("guest-1")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO liveblog_invitation (event_id, guest_id, name, token_hash, made_at) "
            "VALUES (%s, %s, 'Sam', 'x', %s)",
            [bridge.pk, guest.pk, timezone.now()],
        )
    found = Invitation.objects.get()
    assert (found.role, found.email, found.made_account, found.is_open) == ("contributor", "", False, True)


@pytest.mark.usefixtures("with_mail")
def test_an_address_gets_the_link_by_mail_and_a_name_gets_none(bridge: Event, ada: User) -> None:
    owner = signed_in(ada)
    invite(owner, "Kim")
    assert mail.outbox == []
    answer = invite(owner, "kim@example.org", headers=HTMX)
    assert "was sent to kim@example.org" in text_of(answer)
    (sent,) = mail.outbox
    assert sent.to == ["kim@example.org"]
    assert "Harbour bridge" in sent.subject
    assert "Ada Byron invites you" in sent.body
    assert link_in(sent.body) == link_in(text_of(answer))
    assert 'value="kim@example.org"' in text_of(Client().get(link_in(sent.body)))


@pytest.mark.usefixtures("with_mail")
def test_an_event_s_title_writes_no_header_and_no_markup_into_a_mail(bridge: Event, ada: User) -> None:
    Event.objects.update(title="A & B\r\nBcc: all@example.org <b>")
    invite(signed_in(ada), "kim@example.org")
    (sent,) = mail.outbox
    assert "A & B" in sent.body
    assert sent.message()["Bcc"] is None


@pytest.mark.usefixtures("with_mail")
def test_an_owner_has_thirty_mails_an_hour_sent_and_no_more(bridge: Event, ada: User) -> None:
    owner = signed_in(ada)
    for _ in range(30):
        Attempt.objects.allow("invitations of", ada.pk, most=30)
    answer = invite(owner, "kim@example.org")
    assert "was not sent" in text_of(answer)
    assert Client().get(link_in(text_of(answer))).status_code == 200
    assert mail.outbox == []


# The account of who is signed in.


def test_the_desk_leads_to_the_account_but_not_for_guests(bridge: Event, ada: User) -> None:
    _, token = bridge.invite(name="Sam", made_by=ada)
    guest = Client()
    guest.post(f"/join/{token}/")
    assert 'href="/accounts/"' in text_of(signed_in(ada).get("/desk/bridge/"))
    assert 'href="/accounts/"' not in text_of(guest.get("/desk/bridge/"))


def test_the_name_that_readers_see_is_changed(bridge: Event, ada: User) -> None:
    client = signed_in(ada)
    assert 'value="Ada Byron"' in text_of(client.get("/accounts/"))
    answer = client.post("/accounts/", {"name": " Ada   Lovelace ", "email": "ada@example.org"}, follow=True)
    assert "Saved." in text_of(answer)
    client.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "Here."})
    assert bridge.updates.get().byline == "Ada Lovelace"


def test_another_address_needs_the_password(ada: User) -> None:
    client = signed_in(ada)
    for password in ("", "guess"):
        answer = client.post("/accounts/", {"name": "Ada", "email": "eve@example.org", "password": password})
        assert answer.status_code == 422
        assert "not your password" in text_of(answer)
        ada.refresh_from_db()
        assert (ada.email, ada.first_name) == ("ada@example.org", "Ada")
    client.post("/accounts/", {"name": "Ada", "email": "new@example.org", "password": PASSWORD})
    ada.refresh_from_db()
    assert ada.email == "new@example.org"


def change(client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str = "") -> Any:
    sent = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post("/accounts/password/", sent)


def test_who_changes_the_password_stays_signed_in_and_all_other_devices_do_not(bridge: Event, ada: User) -> None:
    here, there = signed_in(ada), signed_in(ada)
    assert there.get("/desk/bridge/").status_code == 200
    answer = change(here)
    assert answer["Location"] == "/accounts/"
    assert "no longer" in text_of(here.get("/accounts/"))
    assert here.get("/desk/bridge/").status_code == 200
    assert there.get("/desk/bridge/").status_code == 302
    assert there.get(f"/desk/bridge/changes/?after=0&edition={bridge.edition}", headers=HTMX).status_code == 401
    posted = there.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "Kept."})
    assert posted.status_code == 401
    assert 'name="body" hidden' in text_of(posted)
    assert here.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "On."}).status_code == 302


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"old": "guess"}, "old_password", "entered incorrectly"),
        ({"new": "short"}, "new_password1", "at least 8"),
        ({"new": "adabyron"}, "new_password1", "too similar"),
        ({"again": "something else"}, "new_password2", "didn’t match"),
    ],
)
def test_a_password_that_can_not_be_changed_is_refused_at_the_field(
    sent: dict[str, str], field: str, words: str, ada: User
) -> None:
    answer = change(signed_in(ada), **sent)
    assert answer.status_code == 422
    assert re.search(rf'<p class="wrong" id="id_{field}_error">[^<]*{words}', text_of(answer))
    assert "<ul class" not in text_of(answer)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


# A forgotten password: a link by mail.


def ask(client: Client, email: str = "ada@example.org", **more: str) -> Any:
    return client.post("/accounts/reset/", {"email": email, **more})


def choose(client: Client, path: str, password: str = NEW_PASSWORD) -> Any:
    """Open a link and choose a password; return the answer."""
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    return client.post(opened["Location"], {"new_password1": password, "new_password2": password})


@pytest.mark.usefixtures("with_mail")
def test_a_forgotten_password_is_replaced_by_a_link_that_opens_once(bridge: Event, ada: User) -> None:
    there, client = signed_in(ada), Client()
    assert 'href="/accounts/reset/"' in text_of(client.get("/accounts/login/"))
    assert 'href="/accounts/login/"' in text_of(client.get("/accounts/reset/"))
    assert ask(client)["Location"] == "/accounts/reset/sent/"
    assert "a link is on its way" in text_of(client.get("/accounts/reset/sent/"))
    (sent,) = wait_for_mails()
    assert sent.to == ["ada@example.org"]
    assert "your user name is ada" in sent.body
    path = link_in(sent.body)
    opened = client.get(path)
    assert path.split("/")[-2] not in opened["Location"]
    form = client.get(opened["Location"])
    for answer in (opened, form):
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
    weak = choose(client, path, "short")
    assert weak.status_code == 422
    assert "at least 8" in text_of(weak)
    assert choose(client, path)["Location"] == "/desk/"
    assert "you are signed in" in text_of(client.get("/accounts/"))
    assert there.get("/desk/bridge/").status_code == 302, "elsewhere it is signed out"
    assert choose(Client(), path).status_code == 404
    ada.refresh_from_db()
    assert ada.check_password(NEW_PASSWORD)


@pytest.mark.usefixtures("with_mail")
def test_a_link_leads_to_the_public_address_whatever_host_was_asked_for(ada: User) -> None:
    Client(HTTP_HOST="evil.example").post("/accounts/reset/", {"email": "ada@example.org"})
    (sent,) = wait_for_mails()
    assert "evil.example" not in sent.body
    assert link_in(sent.body)


@pytest.mark.usefixtures("with_mail")
def test_the_answer_does_not_say_whether_an_address_is_known(bridge: Event, ada: User) -> None:
    user("closed", email="closed@example.org", is_active=False)
    guest = bridge.invite(name="Sam", made_by=ada)[0].guest
    assert guest
    guest.set_password(PASSWORD)
    guest.email = "sam@example.org"
    guest.save()
    answers = [ask(Client(), f"{name}@example.org") for name in ("ada", "nobody", "closed", "sam")]
    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {
        (302, "/accounts/reset/sent/", b"")
    }
    assert [sent.to for sent in wait_for_mails()] == [["ada@example.org"]]


@pytest.mark.usefixtures("with_mail")
def test_five_mails_an_hour_go_to_an_address_and_nobody_is_told(ada: User) -> None:
    for number in range(8):
        answer = ask(Client(REMOTE_ADDR=f"192.0.2.{number}"), "ADA@example.org" if number % 2 else "ada@example.org")
        assert answer.status_code == 302
    assert len(wait_for_mails()) == 5
    Attempt.objects.update(made_at=timezone.now() - WINDOW)
    ask(Client())
    assert len(wait_for_mails()) == 6


@pytest.mark.usefixtures("with_mail")
def test_twenty_an_hour_from_one_client_are_enough(ada: User) -> None:
    codes = [ask(Client(REMOTE_ADDR="192.0.2.1"), f"{number}@example.org").status_code for number in range(22)]
    assert codes == [302] * 20 + [429] * 2
    assert ask(Client(REMOTE_ADDR="192.0.2.2")).status_code == 302
    wait_for_mails()


@pytest.mark.django_db(transaction=True)
def test_attempts_that_count_no_more_are_cleared_away() -> None:
    Attempt.objects.allow("a", most=1)
    Attempt.objects.update(made_at=timezone.now() - WINDOW)
    Attempt.objects.allow("a", most=1)
    assert tidy() == []
    assert Attempt.objects.count() == 1


def test_without_mail_the_page_says_whom_to_ask(ada: User) -> None:
    for answer in (Client().get("/accounts/reset/"), ask(Client())):
        assert answer.status_code == 200
        assert "Ask an owner" in text_of(answer)
    assert mail.outbox == []


@pytest.mark.usefixtures("with_mail")
def test_what_was_written_is_in_the_composer_after_a_new_password(bridge: Event, ada: User) -> None:
    client = Client()
    sent = {"headline": "The <vote>", "body": "It passed.", "key": str(uuid.uuid4())}
    answer = client.post("/desk/bridge/updates/", sent)
    assert 'formaction="/accounts/reset/"' in text_of(answer)
    page = client.post("/accounts/reset/", sent | {"next": "/desk/bridge/", "username": "", "password": ""})
    assert page.status_code == 200
    assert 'name="body" hidden' in text_of(page)
    wrong = ask(client, "nowhere", next="/desk/bridge/", **sent)
    assert wrong.status_code == 422
    assert 'name="body" hidden' in text_of(wrong)
    ask(client, next="/desk/bridge/", **sent)
    (message,) = wait_for_mails()
    assert choose(client, link_in(message.body))["Location"] == "/desk/bridge/"
    assert "It passed." in text_of(client.get("/desk/bridge/"))
    assert "It passed." not in text_of(client.get("/desk/bridge/")), "once"


@pytest.mark.usefixtures("with_mail")
def test_it_is_there_too_for_who_remembers_the_password_after_all(bridge: Event, ada: User) -> None:
    client = Client()
    ask(client, next="/desk/bridge/", body="It passed.")
    wait_for_mails()
    answer = client.post("/accounts/login/", {"username": "ada", "password": PASSWORD})
    assert answer["Location"] == "/desk/bridge/"
    assert "It passed." in text_of(client.get("/desk/bridge/"))


@pytest.mark.usefixtures("with_mail")
def test_it_is_there_for_nobody_else_who_signs_in_at_this_device(bridge: Event, ada: User) -> None:
    bob = user("bob", email="bob@example.org")
    bridge.appoint(user=bob, role=Role.EDITOR)
    client = Client()
    ask(client, next="/desk/bridge/", body="It passed.")
    wait_for_mails()
    answer = client.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    assert answer["Location"] == "/desk/"
    assert "It passed." not in text_of(client.get("/desk/bridge/"))


@pytest.mark.usefixtures("with_mail")
@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/desk/", "/admin/", "/join/secret/"])
def test_a_new_password_leads_nowhere_but_to_the_desk(elsewhere: str, ada: User) -> None:
    client = Client()
    ask(client, next=elsewhere, body="It passed.")
    (message,) = wait_for_mails()
    assert choose(client, link_in(message.body))["Location"] == "/desk/"


@pytest.mark.usefixtures("with_mail")
def test_nobody_has_us_keep_more_than_a_text(ada: User) -> None:
    client = Client()
    ask(client, next="/desk/bridge/", body="x" * 100_001)
    wait_for_mails()
    assert not Session.objects.exists()


@pytest.mark.parametrize("path", ["MQ/abc-def", "MQ/set-password", "🙂/x", "AAAA/x-y", "OTk5OTk5OTk5OTk5OTk5OTk5OQ/x"])
def test_a_link_that_never_was_one_opens_nothing(path: str, ada: User) -> None:
    for start in ("/accounts/reset/", f"/accounts/link/{ada.pk}/", "/accounts/link/999/", f"/accounts/link/{10**30}/"):
        for client in (Client(), signed_in(ada)):
            for answer in (client.get(f"{start}{path}/"), client.post(f"{start}{path}/", {})):
                assert answer.status_code == 404
                assert "opens nothing" in text_of(answer)
                assert answer["Referrer-Policy"] == "strict-origin"


# A forgotten password: a link by an owner.


@pytest.fixture
def kim(bridge: Event, ada: User) -> User:
    """Somebody whose account an invitation to the bridge has made."""
    invitation, _ = bridge.invite_colleague(name="Kim", role=Role.EDITOR, made_by=ada)
    invitation.accept(user=User(username="kim"))
    made = User.objects.get(username="kim")
    made.set_password(PASSWORD)
    made.save()
    return made


def let_in(owner: Client, who: User, **more: Any) -> Any:
    return owner.post(f"/desk/bridge/people/{who.pk}/password/", **more)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_owner_makes_a_link_by_which_a_colleague_chooses_a_new_password_once(
    headers: dict[str, str], kim: User, ada: User, log: pytest.LogCaptureFixture
) -> None:
    owner = signed_in(ada)
    assert f"/people/{kim.pk}/password/" in text_of(owner.get("/desk/bridge/people/"))
    answer = let_in(owner, kim, headers=headers)
    assert answer.status_code == 200
    assert "<svg" in text_of(answer)
    path = link_in(text_of(answer))
    client = Client()
    assert client.get(path)["Referrer-Policy"] == "strict-origin"
    assert choose(client, path)["Location"] == "/desk/"
    assert client.get("/desk/bridge/").status_code == 200
    kim.refresh_from_db()
    assert kim.check_password(NEW_PASSWORD)
    assert choose(Client(), path).status_code == 404
    assert path.split("/")[-2] not in log.text
    assert f"user {kim.pk}" in log.text


def test_it_holds_for_a_day(kim: User, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from liveblog.desk import accounts

    path = link_in(text_of(let_in(signed_in(ada), kim)))
    later = [timedelta(hours=23), timedelta(days=1, seconds=2)]
    now = accounts.OwnersToken(0)._now()
    for wait, status in zip(later, (302, 404), strict=True):
        monkeypatch.setattr(accounts.OwnersToken, "_now", lambda _, wait=wait: now + wait)
        assert Client().get(path).status_code == status


def test_a_link_names_its_maker_and_is_no_other_kind_of_link(kim: User, bridge: Event, ada: User) -> None:
    bob = user("bob")
    bridge.appoint(user=bob, role=Role.OWNER)
    path = link_in(text_of(let_in(signed_in(ada), kim)))
    uid, token = path.split("/")[-3:-1]
    for other in (f"/accounts/link/{bob.pk}/{uid}/{token}/", f"/accounts/reset/{uid}/{token}/"):
        assert Client().get(other).status_code == 404
    assert Client().get(path).status_code == 302


def _elsewhere(kim: User, role: Role) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(user("eve"))
    other.appoint(user=kim, role=role)


GAINS: dict[str, Callable[[User, User], Any]] = {
    "staff": lambda kim, _: User.objects.filter(pk=kim.pk).update(is_staff=True),
    "superuser": lambda kim, _: User.objects.filter(pk=kim.pk).update(is_superuser=True),
    "closed": lambda kim, _: User.objects.filter(pk=kim.pk).update(is_active=False),
    "owner elsewhere": lambda kim, _: _elsewhere(kim, Role.OWNER),
    "contributor elsewhere": lambda kim, _: _elsewhere(kim, Role.CONTRIBUTOR),
    "made an event": lambda kim, _: Event.objects.create_with_owner(kim, title="Mine", slug="mine"),
    "maker no owner": lambda _, ada: Event.objects.get(slug="bridge").appoint(user=ada, role=Role.EDITOR),
    "maker gone": lambda _, ada: Event.objects.get(slug="bridge").dismiss(user=ada),
    "maker closed": lambda _, ada: User.objects.filter(pk=ada.pk).update(is_active=False),
}
"""What puts an account out of an owner's reach, before a link is made and after."""


@pytest.mark.parametrize("gain", GAINS)
def test_an_account_out_of_an_owners_reach_is_not_taken_over(gain: str, kim: User, ada: User, bridge: Event) -> None:
    bridge.appoint(user=user("second"), role=Role.OWNER)
    owner = signed_in(ada)
    path = link_in(text_of(let_in(owner, kim)))
    halfway = Client()
    form = halfway.get(path)["Location"]
    assert halfway.get(form).status_code == 200
    GAINS[gain](kim, ada)
    assert let_in(owner, kim).status_code in {302, 403, 404, 409}
    assert f"/people/{kim.pk}/password/" not in text_of(owner.get("/desk/bridge/people/"))
    assert choose(Client(), path).status_code == 404, "a link from before is dead"
    sent = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert halfway.post(form, sent).status_code == 404, "and so is a form that was open"
    kim.refresh_from_db()
    assert kim.check_password(PASSWORD)


def test_an_account_that_was_not_made_here_is_out_of_reach_though_it_is_on_this_event_alone(
    bridge: Event, ada: User
) -> None:
    """Anybody can make an event and put on it whose user name they know."""
    bob, eve = user("bob"), user("eve")
    trap = Event.objects.create_with_owner(eve, title="Trap", slug="trap")
    trap.appoint(user=bob, role=Role.CONTRIBUTOR)
    assert not may_let_in(eve, bob)
    assert signed_in(eve).post(f"/desk/trap/people/{bob.pk}/password/").status_code == 409
    invitation, _ = trap.invite_colleague(name="Bob", role=Role.EDITOR, made_by=eve)
    invitation.accept(user=bob)
    assert not may_let_in(eve, bob), "nor does it help that he takes a role there with the account he has"


def test_an_account_made_here_is_out_of_reach_of_owners_elsewhere(kim: User, bridge: Event) -> None:
    eve = user("eve")
    trap = Event.objects.create_with_owner(eve, title="Trap", slug="trap")
    bridge.dismiss(user=kim)
    trap.appoint(user=kim, role=Role.CONTRIBUTOR)
    assert not may_let_in(eve, kim)


def test_owners_help_each_other_where_one_has_made_the_others_account(bridge: Event, ada: User, kim: User) -> None:
    bridge.appoint(user=kim, role=Role.OWNER)
    assert may_let_in(ada, kim)
    assert not may_let_in(kim, ada)
    assert not may_let_in(ada, ada)


def test_staff_help_whoever_is_neither_staff_nor_a_guest(bridge: Event, ada: User) -> None:
    staff, guest = user("staff", is_staff=True), bridge.invite(name="Sam", made_by=ada)[0].guest
    other = user("other", is_staff=True)
    bridge.appoint(user=other, role=Role.EDITOR)
    bob = user("bob")
    bridge.appoint(user=bob, role=Role.EDITOR)
    assert guest
    assert may_let_in(staff, bob)
    assert not may_let_in(staff, other)
    assert not may_let_in(staff, guest)
    assert let_in(signed_in(staff), bob).status_code == 200
    assert let_in(signed_in(staff), guest).status_code == 404
    assert let_in(signed_in(ada), bob).status_code == 409


# EMAIL_URL.


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def read_url(url: str, base_url: str = "https://live.example.org") -> Any:
        monkeypatch.setenv("EMAIL_URL", url)
        return read_mail("EMAIL_URL", base_url=base_url)

    return read_url


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail.example.org", {"host": "mail.example.org", "port": 25, "use_tls": False, "use_ssl": False}),
        ("smtp://[::1]:2525/", {"host": "::1", "port": 2525}),
        ("submission://ada%40example.org:p%40ss%2F@h", {"username": "ada@example.org", "password": "p@ss/"}),
        ("submission://h", {"port": 587, "use_tls": True, "use_ssl": False}),
        ("smtps://u:p@h", {"port": 465, "use_tls": False, "use_ssl": True, "timeout": 10}),
    ],
)
def test_a_servers_address_is_read(url: str, options: dict[str, Any], read: Callable[..., Any]) -> None:
    found = read(url).mailers["default"]["OPTIONS"]
    assert found.items() >= options.items()


def test_mails_can_be_printed_or_written_to_a_folder(read: Callable[..., Any]) -> None:
    assert "console" in read("console:").mailers["default"]["BACKEND"]
    written = read("file:/var/mail/live%20blog").mailers["default"]
    assert written["OPTIONS"] == {"file_path": "/var/mail/live blog"}
    assert read("").mailers == {}


@pytest.mark.parametrize(
    ("url", "base_url", "sender"),
    [
        ("smtp://h", "https://live.example.org", "liveblog@live.example.org"),
        ("smtp://h", "http://192.0.2.1:8000", "liveblog@[192.0.2.1]"),
        ("smtp://h", "http://[::1]:8000", "liveblog@[IPv6:::1]"),
        ("smtp://h/?from=desk@example.org", "https://live.example.org", "desk@example.org"),
        ("smtp://h?from=The+Desk+%3Cdesk%40example.org%3E", "https://x.org", "The Desk <desk@example.org>"),
    ],
)
def test_mails_come_from_the_service_or_whom_the_address_names(
    url: str, base_url: str, sender: str, read: Callable[..., Any]
) -> None:
    assert read(url, base_url).sender == sender


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org", "http://u:geheim@h", "smtp://", "smtp://u:geheim@", "smtp://u:geheim@h:99999",
        "smtp://u:geheim@h:mail", "smtp://u:geheim@h:0", "smtp://u:geheim@h/path", "smtp://geheim@h",
        "smtp://u:geheim@h/?tls=geheim", "smtp://u:geheim@h/?from=nobody", "smtp://u:geheim@h/?from=a@b.org%0ABcc:c@d.org",
        "smtp://u:geheim@[::1", "file:", "file:here", "file://host/x", "smtp://u:ge#heim@h",
    ],
)  # fmt: skip
def test_an_address_that_can_not_be_used_is_refused_in_a_line_without_the_password(
    url: str, read: Callable[..., Any]
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(url)
    assert str(refused.value).startswith("EMAIL_URL ")
    assert "\n" not in str(refused.value)
    assert "heim" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_start_with_such_an_address_says_so_in_one_line(tmp_path: Path) -> None:
    environ = os.environ | {"EMAIL_URL": "smtp://u:geheim@h:mail", "DATA_DIR": str(tmp_path / "data")}
    arguments = [sys.executable, "manage.py", "serve", "--no-setup", "--no-demo"]
    done = subprocess.run(arguments, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).splitlines()
    assert "EMAIL_URL must" in line
    assert "geheim" not in line


# A real mail server.


@pytest.fixture
def server(settings: Any, read: Callable[..., Any]) -> Iterator[MailServer]:
    with mail_server() as started:
        mail_settings = read(f"smtp://ada:s%3Acret@127.0.0.1:{started.port}/?from=desk@example.org")
        settings.MAILERS, settings.DEFAULT_FROM_EMAIL = mail_settings
        yield started


def test_a_mail_server_gets_what_it_needs(server: MailServer, bridge: Event, ada: User) -> None:
    answer = invite(signed_in(ada), "kim@example.org")
    assert "was sent to" in text_of(answer)
    ((recipient, text),) = server.mails
    message = message_from_string(text, policy=policy.default)
    assert (recipient, message["From"], message["To"]) == ("kim@example.org", "desk@example.org", "kim@example.org")
    assert link_in(message.get_content()) == link_in(text_of(answer))
    assert base64.b64decode(server.logins[0]) == b"\0ada\0s:cret"
    ask(Client())
    wait_for_mails()
    assert server.mails[1][0] == "ada@example.org"


def test_a_server_that_refuses_or_is_gone_is_said_and_nothing_is_lost(
    server: MailServer, bridge: Event, ada: User, log: pytest.LogCaptureFixture
) -> None:
    server.refuses = True
    answer = invite(signed_in(ada), "kim@example.org")
    assert "the mail server did not take it" in text_of(answer)
    path = link_in(text_of(answer))
    assert Client().post(path, account_form()).status_code == 302
    server.shutdown()
    server.server_close()
    written = {"body": "It passed.", "next": "/desk/bridge/"}
    answers = [ask(Client(), email, **written) for email in ("ada@example.org", "nobody@example.org")]
    for answer in answers:
        assert answer.status_code == 503
        assert "mail server does not answer" in text_of(answer)
        assert 'name="body" hidden' in text_of(answer)
    assert "s:cret" not in log.text
    assert "kim@example.org" not in log.text
    assert path not in log.text


def test_a_refusal_after_the_answer_is_told_to_the_log_alone(
    server: MailServer, ada: User, log: pytest.LogCaptureFixture
) -> None:
    server.refuses = True
    assert ask(Client()).status_code == 302
    wait_for_mails()
    assert "A mail was not sent" in log.text
    assert "ada@example.org" not in log.text


def test_a_silent_server_holds_up_two_requests_at_most_and_not_for_long(settings: Any, db: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"host": "127.0.0.1", "port": silent.getsockname()[1], "timeout": 1}
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
        failed: list[float] = []

        def attempt() -> None:
            began = time.monotonic()
            with pytest.raises(MailFailed):
                connect()
            failed.append(time.monotonic() - began)

        threads = [threading.Thread(target=attempt) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(seconds >= 0.9 for seconds in failed) == 2
    assert max(failed) < 10
