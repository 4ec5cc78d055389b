"""The queue at the desk: what waits for an editor's word or for its time, and what each may do with it."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from liveblog.desk.queue import Queue
from liveblog.models import Event, Role, Update, Waiting
from tests.server import signed_in, text_of

HTMX = {"HX-Request": "true"}
BOTH = pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", first_name="Bob", last_name="Marsh")


@pytest.fixture
def bridge(ada: User, bob: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin")
    event.authors.add(ada)
    event.appoint(user=bob, role=Role.CONTRIBUTOR)
    event.go_live()
    return event


@pytest.fixture
def desk(ada: User, bridge: Event) -> Client:
    """The owner's."""
    return signed_in(ada)


@pytest.fixture
def bobs(bob: User, bridge: Event) -> Client:
    """The contributor's."""
    return signed_in(bob)


def held(event: Event, author: User, body: str = "Seen at the **gate**.", **more: Any) -> Waiting:
    waiting = event.submit(author=author, body=body, **{"needs_approval": True} | more)
    assert isinstance(waiting, Waiting)
    return waiting


def scheduled(event: Event, author: User, body: str = "For later.", hours: float = 1, **more: Any) -> Waiting:
    return held(event, author, body, needs_approval=False, due_at=timezone.now() + timedelta(hours=hours), **more)


def at(waiting: Waiting, verb: str = "") -> str:
    return reverse(f"desk-{verb or 'waiting'}", args=["bridge", waiting.key])


def approve(client: Client, waiting: Waiting, headers: dict[str, str] | None = None, **more: Any) -> Any:
    return client.post(at(waiting, "publication"), {"version": waiting.version} | more, headers=headers or {})


def reject(client: Client, waiting: Waiting, headers: dict[str, str] | None = None, **more: Any) -> Any:
    return client.post(at(waiting, "rejection"), more, headers=headers or {})


# Who sees what.


def test_editors_see_all_that_waits_as_readers_would_and_contributors_their_own(
    bridge: Event, ada: User, bob: User, desk: Client, bobs: Client
) -> None:
    held(bridge, bob, headline="At the <gate>")
    held(bridge, User.objects.create_user("eve"), body="Eve’s")
    scheduled(bridge, ada, body="Ada’s")
    page = text_of(desk.get("/desk/bridge/"))
    for words in ("At the <gate>", "Seen at the <strong>gate</strong>.", "Bob Marsh", "Eve’s", "Ada’s"):
        assert words in page
    assert "<gate>" not in desk.get("/desk/bridge/").content.decode()
    assert "2 for approval" in page
    assert "1 scheduled" in page
    assert "<title>(2) Harbour bridge – desk</title>" in page
    own = text_of(bobs.get("/desk/bridge/"))
    assert "Seen at the" in own
    assert "1 for approval" in own
    assert "<title>Harbour bridge" in own
    for words in ("Eve’s", "Ada’s", "Publish", "Approve", "Reject"):
        assert words not in own


def test_an_empty_queue_takes_no_room(desk: Client) -> None:
    assert re.search(r'<section[^>]*id="queue"[^>]* hidden>', text_of(desk.get("/desk/bridge/")))


def test_what_waits_is_on_no_public_page(bridge: Event, bob: User) -> None:
    held(bridge, bob)
    revision = Event.objects.get().revision
    for page in ("/", "/events/bridge/", f"/events/bridge/changes/?after=0&edition={bridge.edition}"):
        assert "Seen at the" not in text_of(Client().get(page))
    assert revision == bridge.revision


def test_the_digest_changes_with_whatever_the_queue_shows(bridge: Event, ada: User, bob: User) -> None:
    def digest(role: Role = Role.EDITOR, user: User = ada) -> str:
        return Queue.load(bridge, role, user).digest

    digests = [digest()]
    waiting = held(bridge, bob, due_at=timezone.now() + timedelta(hours=1))
    steps = [
        lambda: None,
        lambda: waiting.edit(headline="", body="Changed.", due_at=waiting.due_at),
        lambda: waiting.edit(headline="", body="Changed.", due_at=waiting.due_at + timedelta(hours=1)),  # type: ignore[operator]
        waiting.approve,
        lambda: Waiting.objects.update(due_at=timezone.now() - timedelta(seconds=1)),
        waiting.reject,
    ]
    for step in steps:
        step()
        assert digest() == digest()
        digests.append(digest())
    assert len(set(digests)) == len(digests) - 1, "after the rejection an editor’s queue is as it was at first"
    assert digests[0] == digests[-1]
    rejected = digest(Role.CONTRIBUTOR, bob)
    waiting.erase()
    assert digest(Role.CONTRIBUTOR, bob) != rejected


def test_the_queue_needs_no_query_for_each_item(
    bridge: Event, ada: User, bob: User, desk: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        held(bridge, bob, body=f"No. {number}")
    with django_assert_max_num_queries(11):
        page = text_of(desk.get("/desk/bridge/"))
    assert "60 for approval" in page
    assert page.count('class="queued ') == 50
    assert "10 more" in page


def test_a_poll_reads_nothing_that_people_wrote_unless_the_queue_has_changed(
    bridge: Event, ada: User, bob: User, desk: Client
) -> None:
    for number in range(60):
        held(bridge, bob, body=f"No. {number}")

    def poll() -> tuple[int, list[str]]:
        bridge.refresh_from_db()
        query = {"after": bridge.revision, "edition": bridge.edition, "queue": digest}
        with CaptureQueriesContext(connection) as captured:
            status = desk.get("/desk/bridge/changes/", query).status_code
        rows = [one["sql"] for one in captured if re.match(r'SELECT .*"key".* FROM "liveblog_waiting"', one["sql"])]
        return status, rows

    digest = Queue.load(bridge, Role.OWNER, ada).digest
    status, rows = poll()
    assert status == 204
    assert rows
    for sql in rows:
        assert " LIMIT " in sql
        assert not [name for name in ("headline", "body", "body_html", "body_text", "photos") if f'"{name}"' in sql]
    held(bridge, bob, body="One more")
    status, rows = poll()
    assert status == 200
    assert any('"body_html"' in sql for sql in rows)
    assert all(" LIMIT " in sql for sql in rows)


# Approving.


@BOTH
def test_an_editor_publishes_what_waits(
    headers: dict[str, str], bridge: Event, bob: User, desk: Client, bobs: Client
) -> None:
    waiting = held(bridge, bob)
    answer = approve(desk, waiting, headers)
    update = bridge.updates.get()
    assert (update.author, update.byline, update.key) == (bob, "Bob Marsh", waiting.key)
    assert not Waiting.objects.exists()
    if headers:
        assert 'id="queue"' in text_of(answer)
        assert f'id="item-{update.number}"' in text_of(answer)
        assert "Published." in text_of(answer)
    else:
        assert answer["Location"] == "/desk/bridge/#item-1"
    assert "Seen at the" in text_of(Client().get("/events/bridge/"))


@BOTH
def test_approving_what_is_due_later_schedules_it_and_it_can_be_published_now(
    headers: dict[str, str], bridge: Event, bob: User, desk: Client
) -> None:
    waiting = held(bridge, bob, due_at=timezone.now() + timedelta(hours=1))
    assert "Approved" in text_of(approve(desk, waiting, HTMX))
    assert not bridge.updates.exists()
    assert not Waiting.objects.get().needs_approval
    approve(desk, waiting, headers, now="1")
    assert bridge.updates.count() == 1


@BOTH
def test_who_comes_second_is_told_kindly(headers: dict[str, str], bridge: Event, bob: User, desk: Client) -> None:
    published, rejected = held(bridge, bob), held(bridge, bob, body="No.")
    published.publish()
    rejected.reject()
    for act in (approve, reject):
        answer = act(desk, published, headers)
        assert answer.status_code == (200 if headers else 302)
        shown = answer if headers else desk.get("/desk/bridge/")
        assert "published already, as update 1" in text_of(shown)
    answer = approve(desk, rejected, headers)
    assert "rejected" in text_of(answer if headers else desk.get("/desk/bridge/"))
    assert "rejected already" in text_of(
        reject(desk, rejected, headers) if headers else (reject(desk, rejected) and desk.get("/desk/bridge/"))
    )
    assert bridge.updates.count() == 1


@BOTH
def test_what_was_changed_since_the_editor_looked_is_not_published(
    headers: dict[str, str], bridge: Event, bob: User, desk: Client, bobs: Client
) -> None:
    waiting = held(bridge, bob)
    bobs.post(at(waiting), {"headline": "", "body": "Quite another text.", "version": waiting.version})
    answer = approve(desk, waiting, headers)
    assert answer.status_code == (409 if headers else 302)
    shown = text_of(answer if headers else desk.get("/desk/bridge/"))
    assert "changed meanwhile" in shown
    assert "Quite another text." in shown
    assert not bridge.updates.exists()


@pytest.mark.parametrize("version", ["", "0", "x", "1" * 30, "null\x00"])
def test_an_absurd_version_is_refused_or_ignored(version: str, bridge: Event, bob: User, desk: Client) -> None:
    for headers in ({}, HTMX):
        assert approve(desk, held(bridge, bob), headers, version=version).status_code in {200, 302, 409, 422}


@pytest.mark.parametrize("contributors_wait", [True, False])
def test_a_contributor_publishes_nothing_that_an_editor_is_to_see_first(
    contributors_wait: bool, bridge: Event, ada: User, bob: User, bobs: Client
) -> None:
    bridge.revise(contributors_wait=contributors_wait)
    assert approve(bobs, held(bridge, bob)).status_code == 403
    assert approve(bobs, held(bridge, bob), HTMX).status_code == 403
    assert approve(bobs, held(bridge, ada)).status_code == 404
    assert approve(bobs, scheduled(bridge, ada), now="1").status_code == 404
    assert not bridge.updates.exists()
    own = scheduled(bridge, bob)
    assert approve(bobs, own, now="1").status_code == (403 if contributors_wait else 302)
    assert bridge.updates.exists() != contributors_wait


# Rejecting and taking back.


@BOTH
def test_a_rejected_one_is_seen_by_its_author_with_the_reason_and_can_be_sent_anew(
    headers: dict[str, str], bridge: Event, bob: User, desk: Client, bobs: Client
) -> None:
    waiting = held(bridge, bob, headline="At the <gate>", is_key=True)
    answer = reject(desk, waiting, headers, reason="We need a second <source>.")
    assert answer.status_code == (200 if headers else 302)
    assert "Seen at the" not in text_of(desk.get("/desk/bridge/"))
    page = text_of(bobs.get("/desk/bridge/"))
    assert "“We need a second <source>.”" in page
    assert "Edit and send again" in page
    assert "data-again" in page
    assert 'value="At the <gate>"' in page
    looked = text_of(bobs.get(at(waiting)))
    assert "Seen at the **gate**." in looked
    again = text_of(bobs.get(f"/desk/bridge/?again={waiting.key}"))
    assert re.search(r'<textarea[^>]*id="id_body"[^>]*>\s*Seen at the \*\*gate\*\*\.</textarea>', again)
    assert str(waiting.key) not in (re.search(r'<input type="hidden" name="key"[^>]*>', again) or [""])[0]
    bobs.post("/desk/bridge/updates/", {"key": str(uuid.uuid4()), "body": "With a second source."})
    assert Waiting.objects.for_approval().get().body == "With a second source."


def test_only_its_author_can_send_a_rejected_text_anew(bridge: Event, bob: User, desk: Client) -> None:
    waiting = held(bridge, bob)
    waiting.reject()
    assert "Seen at the" not in text_of(desk.get(f"/desk/bridge/?again={waiting.key}"))
    for absurd in ("", "x", str(uuid.uuid4()), "%00"):
        assert desk.get(f"/desk/bridge/?again={absurd}").status_code == 200


@BOTH
def test_an_author_takes_back_what_waits_and_removes_it_for_good(
    headers: dict[str, str], bridge: Event, bob: User, bobs: Client
) -> None:
    for waiting in (held(bridge, bob), scheduled(bridge, bob)):
        reject(bobs, waiting, headers)
        assert Waiting.objects.get(pk=waiting.pk).rejected_at
        reject(bobs, waiting, headers, remove="1")
        assert Waiting.objects.get(pk=waiting.pk).body == ""
    page = text_of(bobs.get("/desk/bridge/"))
    assert "For later." not in page
    assert "Seen at the" not in page.partition('id="queue"')[2]


def test_what_still_waits_is_not_removed_unread(bridge: Event, bob: User, bobs: Client, desk: Client) -> None:
    waiting = held(bridge, bob)
    reject(desk, waiting, remove="1")
    assert Waiting.objects.get().body
    reject(desk, waiting, remove="1")
    assert Waiting.objects.get().body, "it is its author's to remove"


@pytest.mark.parametrize("reason", ["x" * 501, "null\x00"])
@BOTH
def test_an_absurd_reason_is_refused_and_it_still_waits(
    reason: str, headers: dict[str, str], bridge: Event, bob: User, desk: Client
) -> None:
    answer = reject(desk, held(bridge, bob), headers, reason=reason)
    assert answer.status_code in {302, 409, 422}
    assert Waiting.objects.get().rejected_at is None


# Editing.


def test_a_waiting_text_and_its_time_are_changed_by_the_events_clocks(bridge: Event, ada: User, desk: Client) -> None:
    waiting = scheduled(bridge, ada, is_key=True)
    day = (timezone.now() + timedelta(days=400)).year
    time = f"{day}-07-01T20:00"
    sent = {"headline": "New", "body": "And *new*.", "at": time, "version": waiting.version}
    refused = desk.post(at(waiting), sent)
    assert "far from this event" in text_of(refused)
    assert f'name="far_time" value="{time}"' in text_of(refused)
    sent["far_time"] = time
    assert desk.post(at(waiting), sent).status_code == 302
    changed = Waiting.objects.get()
    assert (changed.headline, changed.body, changed.due_at) == (
        "New",
        "And *new*.",
        datetime(day, 7, 1, 18, tzinfo=UTC),
    )
    assert "<em>new</em>" in changed.body_html
    assert changed.is_key
    assert changed.author == ada


def test_a_time_left_as_it_was_keeps_its_seconds(bridge: Event, ada: User, desk: Client) -> None:
    waiting = scheduled(bridge, ada)
    shown = re.search(r'name="at" value="([^"]+)"', text_of(desk.get(at(waiting))))
    assert shown
    desk.post(at(waiting), {"body": "For later.", "at": shown[1], "version": waiting.version})
    assert (Waiting.objects.get().due_at, Waiting.objects.get().version) == (waiting.due_at, waiting.version)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"at": ""}, "Set a time, or publish it now"),
        ({"at": "2020-01-01T20:00"}, "has passed"),
        ({"at": "x"}, "Enter a date"),
        ({"headline": "", "body": ""}, "Write something"),
        ({"body": "x" * 20_001}, "at most 20,000"),
        ({"version": ""}, "damaged"),
        ({"version": "x"}, "damaged"),
    ],
)
def test_a_change_that_can_not_be_is_refused_with_the_text_kept(
    sent: dict[str, str], words: str, bridge: Event, ada: User, desk: Client
) -> None:
    waiting = scheduled(bridge, ada)
    time = "2030-01-01T20:00"
    fields = {"headline": "Kept", "body": "Kept", "at": time, "far_time": time, "version": str(waiting.version)} | sent
    answer = desk.post(at(waiting), fields)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert sent.get("headline", "Kept") in text_of(answer)
    assert Waiting.objects.get().body == "For later."


def test_a_change_that_would_overwrite_somebody_elses_shows_both_and_can_be_sent_knowingly(
    bridge: Event, bob: User, desk: Client, bobs: Client
) -> None:
    waiting = held(bridge, bob)
    mine = {"headline": "", "body": "Mine <b>.", "version": str(waiting.version)}
    assert desk.post(at(waiting), {"headline": "", "body": "Theirs <i>.", "version": "1"}).status_code == 302
    answer = bobs.post(at(waiting), mine)
    assert answer.status_code == 409
    for words in ("Mine <b>.", "Theirs <i>.", "Somebody else has changed this meanwhile"):
        assert words in text_of(answer)
    assert Waiting.objects.get().body == "Theirs <i>."
    version = re.search(r'name="version" value="(\d+)"', text_of(answer))
    assert version
    assert bobs.post(at(waiting), mine | {"version": version[1]}).status_code == 302
    assert Waiting.objects.get().body == "Mine <b>."


def test_only_who_may_set_the_key_flag_finds_and_changes_it(
    bridge: Event, bob: User, desk: Client, bobs: Client
) -> None:
    waiting = held(bridge, bob)
    sent = {"body": waiting.body, "version": waiting.version, "key_shown": "1", "is_key": "on"}
    assert "Key moment" not in text_of(bobs.get(at(waiting)))
    bobs.post(at(waiting), sent)
    assert not Waiting.objects.get().is_key
    assert "Key moment" in text_of(desk.get(at(waiting)))
    desk.post(at(waiting), sent)
    assert Waiting.objects.get().is_key
    desk.post(at(waiting), {"body": waiting.body, "version": "2"})
    assert Waiting.objects.get().is_key, "a form without the flag says nothing of it"
    desk.post(at(waiting), {"body": waiting.body, "version": "2", "key_shown": "1"})
    assert not Waiting.objects.get().is_key


def test_what_waits_for_approval_is_given_a_time_that_has_passed_and_keeps_it(
    bridge: Event, bob: User, bobs: Client
) -> None:
    waiting = held(bridge, bob)
    time = {"at": "2026-01-02T10:00", "far_time": "2026-01-02T10:00"}
    bobs.post(at(waiting), {"body": waiting.body, "version": waiting.version} | time)
    changed = Waiting.objects.get()
    assert (changed.published_at, changed.due_at) == (datetime(2026, 1, 2, 9, tzinfo=UTC), None)
    bobs.post(at(waiting), {"body": "Other words.", "version": changed.version} | time)
    assert Waiting.objects.get().published_at == changed.published_at
    bobs.post(at(waiting), {"body": "Other words.", "at": "", "version": "3"})
    assert Waiting.objects.get().published_at is None


@BOTH
def test_what_is_written_into_something_published_meanwhile_is_given_back(
    headers: dict[str, str], bridge: Event, bob: User, desk: Client
) -> None:
    waiting = held(bridge, bob)
    waiting.publish()
    answer = desk.post(at(waiting), {"body": "Quite another <text>.", "version": "1"}, headers=headers)
    assert answer.status_code == 409
    assert "published already, as update 1" in text_of(answer)
    assert headers or "Quite another <text>." in text_of(answer)
    assert Update.objects.get().body == waiting.body


def test_an_approved_text_waits_for_approval_again_once_its_contributor_changes_it(
    bridge: Event, bob: User, bobs: Client, desk: Client
) -> None:
    waiting = held(bridge, bob, due_at=timezone.now() + timedelta(hours=1))
    waiting.approve()
    day = timezone.now().year + 1
    time = f"{day}-01-01T20:00"
    sent = {"body": "Not what was approved.", "at": time, "far_time": time, "version": waiting.version}
    assert bobs.post(at(waiting), sent).status_code == 302
    assert Waiting.objects.get().needs_approval
    bridge.revise(contributors_wait=False)
    other = scheduled(bridge, bob)
    bobs.post(at(other), sent | {"body": "Mine to change.", "version": other.version})
    assert not Waiting.objects.get(pk=other.pk).needs_approval


def test_what_is_published_or_somebody_elses_can_not_be_opened(
    bridge: Event, ada: User, bob: User, desk: Client, bobs: Client
) -> None:
    waiting, others = held(bridge, bob), held(bridge, ada)
    assert bobs.get(at(others)).status_code == 404
    assert bobs.post(at(others), {"body": "Mine", "version": "1"}).status_code == 404
    waiting.publish()
    assert desk.get(at(waiting))["Location"] == "/desk/bridge/#item-1"
    assert bobs.get(at(waiting))["Location"] == "/desk/bridge/#item-1"
    others.publish()
    assert bobs.get(at(others)).status_code == 404
    assert desk.get(f"/desk/bridge/waiting/{uuid.uuid4()}/").status_code == 404


def test_a_key_of_another_event_opens_nothing_here(bridge: Event, ada: User, desk: Client) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.authors.add(ada)
    waiting = held(other, ada)
    for verb in ("publication", "rejection"):
        assert desk.post(at(waiting, verb)).status_code == 404
    assert desk.get(at(waiting)).status_code == 404
    assert Waiting.objects.get().rejected_at is None
