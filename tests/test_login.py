"""Signing in: guessing is slowed down, the true author is not locked out, and no text is lost on the way."""

import asyncio
import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.utils import timezone

from liveblog.desk.lockout import ADDRESS_FAILURES, address_of_client
from liveblog.models import Event
from tests.server import PASSWORD, Site, text_of

LIMIT = 10
HERE, THERE = "198.51.100.7", "203.0.113.9"
LOGINS = ["/accounts/login/", "/admin/login/"]


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge")
    event.authors.add(ada)
    return event


def sign_in(password: str, *, name: str = "ada", at: str = HERE, to: str = LOGINS[0], **more: Any) -> Any:
    """Sign in with a fresh browser at an address."""
    return Client(REMOTE_ADDR=at, **more).post(to, {"username": name, "password": password, "next": "/desk/"})


def lock(**where: Any) -> Any:
    """Guess until it is too often; return the last answer."""
    for number in range(1, LIMIT + 1):
        answer = sign_in(f"guess {number}", **where)
        assert (answer.status_code == 429) == (number == LIMIT), number
    return answer


@pytest.mark.parametrize("to", LOGINS)
def test_after_ten_wrong_passwords_the_right_one_no_longer_opens_and_a_page_says_until_when(to: str, ada: User) -> None:
    assert sign_in(PASSWORD, to=to).status_code == 302
    answer = lock(to=to)
    for refused in (answer, sign_in(PASSWORD, to=to)):
        assert refused.status_code == 429
        assert "Too many attempts" in text_of(refused)
        assert "in 15 minutes" in text_of(refused)
        assert 890 <= int(refused["Retry-After"]) <= 901
        assert refused["Cache-Control"] == "no-store"
        assert "sessionid" not in refused.cookies
    assert all(sign_in(PASSWORD, to=door).status_code == 429 for door in LOGINS), "the other door is shut as well"


def test_many_names_tried_from_one_address_lock_that_address_out_and_no_other(ada: User) -> None:
    name = 0
    while (answer := sign_in("guess", name=f"name-{name // 5}")).status_code != 429:
        name += 1
    assert name == ADDRESS_FAILURES - 1
    for refused in (answer, sign_in(PASSWORD)):
        assert refused.status_code == 429
        assert "in 15 minutes" in text_of(refused)
    assert sign_in(PASSWORD, at=THERE).status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert sign_in(PASSWORD).status_code == 302


def test_the_true_author_elsewhere_is_not_locked_out(ada: User) -> None:
    lock()
    assert sign_in(PASSWORD).status_code == 429
    assert sign_in(PASSWORD, at=THERE).status_code == 302
    assert sign_in(PASSWORD).status_code == 429, "that the author came in elsewhere does not help who guesses"


def test_somebody_else_at_the_same_address_is_not_locked_out(ada: User) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    lock()
    assert sign_in(PASSWORD, name="bob").status_code == 302


def test_another_browser_at_the_same_address_does_not_help(ada: User) -> None:
    for number in range(LIMIT):
        sign_in("guess", HTTP_USER_AGENT=f"browser {number}")
    assert sign_in(PASSWORD, HTTP_USER_AGENT="yet another").status_code == 429


def test_a_name_that_nobody_has_is_treated_alike(ada: User) -> None:
    known, unknown = lock(), lock(name="nobody")
    assert re.sub(r"\d", "", text_of(known)) == re.sub(r"\d", "", text_of(unknown))


@pytest.mark.parametrize("ago", [timedelta(minutes=14), timedelta(minutes=15, seconds=1)])
def test_a_quarter_of_an_hour_later_it_opens_again(ago: timedelta, ada: User) -> None:
    lock()
    AccessAttempt.objects.update(attempt_time=timezone.now() - ago)
    answer = sign_in(PASSWORD)
    assert answer.status_code == (429 if ago < timedelta(minutes=15) else 302)
    if answer.status_code == 429:
        assert "in 1 minute," in text_of(answer)


def test_who_goes_on_trying_does_not_put_the_end_off(ada: User) -> None:
    lock()
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=10))
    assert "in 5 minutes" in text_of(sign_in("guess"))
    assert "in 5 minutes" in text_of(sign_in(PASSWORD))


def test_the_right_password_in_time_starts_the_count_anew(ada: User) -> None:
    for _ in range(LIMIT - 1):
        sign_in("guess")
    assert sign_in(PASSWORD).status_code == 302
    assert sign_in("guess").status_code == 200
    assert AccessAttempt.objects.get().failures_since_start == 1


def test_a_header_that_anybody_can_write_changes_nothing(ada: User) -> None:
    for number in range(LIMIT):
        sign_in("guess", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}", HTTP_X_REAL_IP=f"192.0.2.{number}")
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.99").status_code == 429
    assert sign_in(PASSWORD, at=THERE, HTTP_X_FORWARDED_FOR=HERE).status_code == 302


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("", None),
        ("a unix socket", None),
    ],
)
def test_the_addresses_of_one_network_count_as_one(seen: str, counted: str | None, rf: Any) -> None:
    assert address_of_client(rf.get("/", REMOTE_ADDR=seen)) == counted


def test_a_server_without_addresses_still_slows_down_guessing(ada: User) -> None:
    lock(at="")
    assert sign_in(PASSWORD, at="").status_code == 429


def test_failures_are_recorded_without_passwords_or_texts_and_successes_not_at_all(ada: User) -> None:
    Client().post(
        LOGINS[0],
        {"username": "ada", "password": "almost right", "body": "Off the record.", "headline": "Secret", "next": "/x/"},
    )
    attempt = AccessAttempt.objects.get()
    for word in ("almost right", "Off the record", "Secret"):
        assert word not in attempt.post_data
    sign_in(PASSWORD)
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize("name", ["x" * 300, "null\x00", "ada\r\nX-Bad: 1", "", "🙂" * 40])
def test_an_absurd_name_is_refused_in_words(name: str, ada: User) -> None:
    for _ in range(LIMIT + 2):
        answer = sign_in("guess", name=name)
        assert answer.status_code in {200, 429}
        assert "X-Bad" not in answer


@pytest.mark.django_db(transaction=True)
def test_it_works_under_asgi(ada: User) -> None:
    async def guess() -> list[int]:
        client = AsyncClient()
        form = {"username": "ada", "password": "guess"}
        answers = [await client.post(LOGINS[0], form) for _ in range(LIMIT)]
        answers.append(await client.post(LOGINS[0], form | {"password": PASSWORD}))
        assert "Too many attempts" in answers[-1].content.decode()
        return [answer.status_code for answer in answers]

    assert asyncio.run(guess()) == [200] * (LIMIT - 1) + [429] * 2


def test_it_works_in_the_server_that_serves(live_site: Site) -> None:
    name = f"ada-{uuid.uuid4().hex[:6]}"
    live_site.user(name)
    with live_site.visitor() as browser:

        def attempt(password: str, forwarded_for: str = "") -> int:
            browser.get(LOGINS[0])
            form = {"username": name, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
            return browser.post(LOGINS[0], data=form, headers=headers).status_code

        codes = [attempt("guess", f"192.0.2.{number}") for number in range(LIMIT)]
        assert codes == [200] * (LIMIT - 1) + [429]
        assert attempt(PASSWORD, THERE) == 429


# A text that was sent without a session.


def test_a_text_posted_without_a_session_is_in_the_composer_after_signing_in(bridge: Event) -> None:
    client, key = Client(), str(uuid.uuid4())
    sent = {"headline": "The <vote>", "body": "\nIt passed.\r\n\r\nBy far.", "is_key": "on", "key": key}
    answer = client.post("/desk/bridge/updates/", sent)
    assert answer.status_code == 401
    assert "no-store" in answer["Cache-Control"]
    assert "It passed." in text_of(answer)
    assert not bridge.updates.exists()

    form = dict(re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', answer.content.decode(), re.DOTALL))
    form = {name: unescape(value) for name, value in form.items()} | {"next": "/desk/bridge/", "username": "ada"}
    assert "The <vote>" in form["headline"]
    wrong = client.post(LOGINS[0], form | {"password": "guess"})
    assert "It passed." in text_of(wrong)
    assert 'name="body" hidden' in text_of(wrong)
    right = client.post(LOGINS[0], form | {"password": PASSWORD})
    assert right["Location"] == "/desk/bridge/"
    page = text_of(client.get("/desk/bridge/"))
    assert re.search(r'<textarea[^>]*name="body"[^>]*>\s*It passed\.\s+By far\.</textarea>', page)
    assert 'value="The <vote>"' in page
    assert key in page
    assert re.search(r'name="is_key"[^>]* checked', page)
    assert "It passed." not in text_of(client.get("/desk/bridge/")), "once"


def test_a_text_that_comes_through_shows_up_at_no_other_desk(bridge: Event, ada: User) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(ada)
    client = Client()
    form = {"username": "ada", "password": PASSWORD, "next": "/desk/bridge/", "body": "For the bridge."}
    client.post(LOGINS[0], form)
    assert "For the bridge." not in text_of(client.get("/desk/other/"))
    assert "For the bridge." in text_of(client.get("/desk/bridge/"))


def test_an_edit_sent_without_a_session_can_be_copied(bridge: Event, ada: User) -> None:
    bridge.publish(author=ada, body="Before")
    answer = Client().post("/desk/bridge/updates/1/", {"headline": "H", "body": "After <b>"})
    assert answer.status_code == 401
    assert re.search(r"readonly>\s*H\s+After <b></textarea>", text_of(answer))
    assert 'name="body" hidden' not in text_of(answer)
    assert bridge.updates.get().body == "Before"


def test_a_text_is_not_lost_in_a_lockout_either(bridge: Event) -> None:
    lock()
    form = {"username": "ada", "password": PASSWORD, "next": "/desk/bridge/", "body": "For the bridge."}
    answer = Client(REMOTE_ADDR=HERE).post(LOGINS[0], form)
    assert answer.status_code == 429
    assert "For the bridge." in text_of(answer)
