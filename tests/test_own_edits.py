"""A contributor's edit of what an editor has approved waits; readers keep what was approved until then."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from liveblog.models import Attachment, Event, Photo, Role, Update, Waiting
from tests.server import signed_in, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", first_name="Bob")


@pytest.fixture
def bridge(ada: User, bob: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge")
    event.appoint(user=ada, role=Role.OWNER)
    event.appoint(user=bob, role=Role.CONTRIBUTOR)
    event.go_live()
    return event


@pytest.fixture
def update(bridge: Event, bob: User) -> Update:
    photo = photo_of(bridge, bob)
    waiting = bridge.submit(
        author=bob, body="It opened.", needs_approval=True, photos=[Attachment(photo.key, "A bridge")]
    )
    assert isinstance(waiting, Waiting)
    return waiting.publish()


def photo_of(event: Event, uploader: User) -> Photo:
    return event.photos.create(uploader=uploader, name=uuid.uuid4().hex, width=400, height=300, widths=[200, 400])


def at(number: int = 1) -> str:
    return reverse("desk-update", args=["bridge", number])


def send(user: User, *, headers: dict[str, str] | None = None, **sent: Any) -> Any:
    client = signed_in(user)
    page = text_of(client.get(at()))
    revision = re.search(r'name="revision" value="(\d+)"', page)
    fields = {"headline": "", "body": "It opened late.", "revision": revision and revision[1]} | sent
    return client.post(at(), fields, headers=headers or {})


def publish(user: User, waiting: Waiting) -> Any:
    where = reverse("desk-publication", args=["bridge", waiting.key])
    return signed_in(user).post(where, {"version": waiting.version}, headers=HTMX)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_it_waits_for_an_editor_and_readers_keep_what_was_approved(
    headers: dict[str, str], update: Update, ada: User, bob: User
) -> None:
    assert 'id="edit-1"' in text_of(signed_in(bob).get("/desk/bridge/"))
    assert "An editor approves what you change here" in text_of(signed_in(bob).get(at()))
    answer = send(bob, headers=headers)
    assert answer.status_code == (200 if headers else 302)
    if headers:
        assert "readers keep the present text" in text_of(answer)
        assert 'id="item-1"' in text_of(answer)
    assert "It opened." in text_of(Client().get("/events/bridge/"))
    waiting = Waiting.objects.get()
    queue = text_of(signed_in(ada).get("/desk/bridge/"))
    assert "1 for approval" in queue
    assert 'Edit of <a href="#item-1">update 1</a>' in queue
    publish(ada, waiting)
    update.refresh_from_db()
    assert (update.body, update.version, update.version_by, update.number) == ("It opened late.", 2, bob, 1)
    assert [photo.alt for photo in update.readable_photos] == ["A bridge"]
    assert not Waiting.objects.exists()
    assert Update.objects.count() == 1


def test_a_second_edit_goes_on_from_the_first_and_one_waits(update: Update, ada: User, bob: User) -> None:
    send(bob)
    assert ">It opened late." in text_of(signed_in(bob).get(at())).replace("\n", "")
    send(bob, body="It opened very late.")
    waiting = Waiting.objects.get()
    assert (waiting.body, waiting.version) == ("It opened very late.", 2)
    send(bob, body="It opened very late.")
    assert Waiting.objects.get().version == 2
    publish(ada, waiting)
    update.refresh_from_db()
    assert update.body == "It opened very late."


def test_photos_are_described_anew_and_left_out_in_it(update: Update, ada: User, bob: User, bridge: Event) -> None:
    key = str(bridge.photos.get().key)
    send(bob, body="It opened.", photo=["", key], alt=["The bridge, opened"])
    editors = signed_in(ada)
    where = reverse("desk-waiting", args=["bridge", Waiting.objects.get().key])
    page = text_of(editors.get(where))
    assert 'value="The bridge, opened"' in page
    assert "which says until then" in page
    editors.post(where, {"headline": "", "body": "It opened.", "version": "1", "photo": ["", key], "alt": ["Open"]})
    publish(ada, Waiting.objects.get())
    update.refresh_from_db()
    assert [photo.alt for photo in update.readable_photos] == ["Open"]
    assert bridge.photos.get().update == update


def test_what_changes_nothing_does_not_wait(update: Update, bob: User) -> None:
    assert "Nothing has changed" in text_of(send(bob, body="It opened.", headers=HTMX))
    assert not Waiting.objects.exists()


def test_what_an_editor_changed_meanwhile_is_not_overwritten(update: Update, ada: User, bob: User) -> None:
    send(bob)
    update.edit(body="An editor’s words.", editor=ada)
    waiting = Waiting.objects.get()
    answer = publish(ada, waiting)
    assert answer.status_code == 409
    assert "Update 1 was changed after this edit was written" in text_of(answer)
    update.refresh_from_db()
    assert update.body == "An editor’s words."
    where = reverse("desk-waiting", args=["bridge", waiting.key])
    page = text_of(signed_in(ada).get(where))
    assert "An editor’s words." in page
    seen = re.search(r'name="seen_revision" value="(\d+)"', page)
    assert seen
    sent = {"headline": "", "body": "Both.", "version": str(waiting.version), "seen_revision": seen[1]}
    signed_in(ada).post(where, sent)
    publish(ada, Waiting.objects.get())
    update.refresh_from_db()
    assert update.body == "Both."


def test_an_edit_saved_after_the_update_was_changed_shows_both_and_puts_nothing_back(
    update: Update, ada: User, bob: User
) -> None:
    send(bob)
    waiting = Waiting.objects.get()
    where = reverse("desk-waiting", args=["bridge", waiting.key])
    seen = re.search(r'name="seen_revision" value="(\d+)"', text_of(signed_in(bob).get(where)))
    assert seen
    update.edit(body="LEGAL CORRECTION.", editor=ada)
    queue = text_of(signed_in(ada).get("/desk/bridge/"))
    assert "What readers have now" in queue
    sent = {"headline": "", "body": "It opened late!", "version": "1", "seen_revision": seen[1]}
    answer = signed_in(bob).post(where, sent)
    assert answer.status_code == 409
    for words in ("LEGAL CORRECTION.", "It opened late!"):
        assert words in text_of(answer)
    assert publish(ada, Waiting.objects.get()).status_code == 409
    update.refresh_from_db()
    assert update.body == "LEGAL CORRECTION."
    again = re.search(r'name="seen_revision" value="(\d+)"', text_of(answer))
    assert again
    assert signed_in(bob).post(where, sent | {"seen_revision": again[1]}).status_code == 302
    publish(ada, Waiting.objects.get())
    update.refresh_from_db()
    assert update.body == "It opened late!"


def test_what_an_editor_mended_in_a_waiting_edit_is_not_overwritten_by_an_older_form(
    update: Update, ada: User, bob: User
) -> None:
    send(bob)
    waiting = Waiting.objects.get()
    version = re.search(r'name="waiting_version" value="(\d+)"', text_of(signed_in(bob).get(at())))
    assert version
    where = reverse("desk-waiting", args=["bridge", waiting.key])
    signed_in(ada).post(where, {"headline": "", "body": "THE NAME MENDED.", "version": "1"})
    answer = send(bob, body="A comma more.", waiting_version=version[1])
    assert answer.status_code == 409
    for words in ("THE NAME MENDED.", "A comma more."):
        assert words in text_of(answer)
    assert Waiting.objects.get().body == "THE NAME MENDED."


def test_an_edit_adds_no_photos(update: Update, bridge: Event, bob: User) -> None:
    other = photo_of(bridge, bob)
    answer = send(bob, photo=["", str(other.key)], alt=[""])
    assert answer.status_code == 422
    assert "An edit adds no photos" in text_of(answer)
    assert not Waiting.objects.exists()


def test_an_edit_of_what_was_withdrawn_says_so_and_is_not_published(update: Update, ada: User, bob: User) -> None:
    send(bob)
    update.withdraw(by=ada)
    queue = text_of(signed_in(ada).get("/desk/bridge/"))
    assert "withdrawn meanwhile" in queue
    assert ">Publish<" not in queue


def test_an_editor_learns_in_the_form_that_an_edit_waits(update: Update, ada: User, bob: User) -> None:
    send(bob)
    assert "An edit of this by Bob waits in the queue" in text_of(signed_in(ada).get(at()))


@pytest.mark.parametrize("how", ["revoked", "dismissed"])
def test_what_somebody_scheduled_who_may_post_no_more_waits_for_an_editor(
    how: str, bridge: Event, ada: User, bob: User
) -> None:
    bridge.revise(contributors_wait=False)
    author = bob
    if how == "revoked":
        invitation, _ = bridge.invite(name="Vera", made_by=ada)
        author = invitation.guest
    waiting = bridge.submit(author=author, body="Later.", due_at=timezone.now() + timedelta(hours=1))
    assert not waiting.needs_approval
    invitation.revoke() if how == "revoked" else bridge.dismiss(user=bob)
    Waiting.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert not Waiting.objects.due().exists()
    assert Waiting.objects.for_approval().count() == 1


def test_an_overtaken_form_shows_both(update: Update, ada: User, bob: User) -> None:
    before = update.revision
    update.edit(body="An editor’s words.", editor=ada)
    answer = send(bob, revision=str(before))
    assert answer.status_code == 409
    assert "An editor’s words." in text_of(answer)
    assert "It opened late." in text_of(answer)
    assert not Waiting.objects.exists()


def test_nobody_elses_update_is_edited_so_and_none_withdrawn(
    update: Update, bridge: Event, ada: User, bob: User
) -> None:
    bridge.publish(author=ada, body="Ada’s.")
    assert signed_in(bob).post(at(2), {"body": "Bob’s.", "headline": ""}).status_code == 403
    update.withdraw(by=ada)
    assert signed_in(bob).post(at(), {"body": "Bob’s.", "headline": ""}).status_code == 403
    assert not Waiting.objects.exists()


def test_a_rejected_one_says_so_and_is_not_sent_anew_as_another_update(update: Update, ada: User, bob: User) -> None:
    send(bob)
    Waiting.objects.get().reject(reason="No.")
    page = text_of(signed_in(bob).get("/desk/bridge/"))
    assert "“No.”" in page
    assert "Edit and send again" not in page
    send(bob, body="Another try.")
    assert Waiting.objects.filter(rejected_at=None).get().body == "Another try."


def test_erasing_the_update_erases_what_waits_for_it(update: Update, bob: User) -> None:
    send(bob)
    update.purge()
    assert not Waiting.objects.exists()
