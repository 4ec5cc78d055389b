"""Sending at the desk: what an outbox is told, photos, the queue, and a look at Markdown."""

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from liveblog import markup
from liveblog.models import Attempt, Event, Photo, Role, Update
from tests.server import text_of

EVENT = "bridge"


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """A folder of the test's own for photos."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "photos"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug=EVENT, time_zone="Europe/Berlin")
    event.authors.add(ada)
    event.go_live()
    return event


@pytest.fixture
def desk(ada: User, bridge: Event) -> Client:
    return of(ada)


def of(user: User) -> Client:
    """Return the browser of somebody who is signed in, whose outbox names them."""
    client = Client(headers={"Liveblog-Author": str(user.pk)})
    client.force_login(user)
    return client


def send(client: Client, *, key: uuid.UUID | None = None, **fields: Any) -> Any:
    fields = {"key": str(key or uuid.uuid4()), "body": "Something happened."} | fields
    return client.post(reverse("desk-updates", args=[EVENT]), fields)


def picture(*, kind: str = "JPEG", size: tuple[int, int] = (640, 480), colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def upload(client: Client, *, key: uuid.UUID | None = None, content: bytes | None = None, name: str = "a.jpg") -> Any:
    file = SimpleUploadedFile(name, picture() if content is None else content)
    return client.post(reverse("desk-photos", args=[EVENT]), {"key": str(key or uuid.uuid4()), "photo": file})


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.webp")) if folder.exists() else []


def public_address(photo: Photo, width: int | None = None) -> str:
    return reverse("photo", args=[photo.event.slug, photo.name, width or photo.widths[0]])


# What an outbox is told.


def test_a_post_is_answered_with_its_number_and_again_the_same_when_it_comes_twice(desk: Client, bridge: Event) -> None:
    key = uuid.uuid4()
    first, again = send(desk, key=key), send(desk, key=key)
    assert (first.status_code, first["Liveblog-Number"]) == (again.status_code, again["Liveblog-Number"]) == (200, "1")
    assert b'id="item-1"' in first.content
    assert b"<html" not in first.content
    assert bridge.updates.count() == 1


def test_a_refusal_is_one_status_and_plain_words(desk: Client, bridge: Event) -> None:
    for fields, words in (({"body": ""}, "Write something"), ({"body": "x" * 20_001}, "at most 20,000")):
        response = send(desk, **fields)
        assert response.status_code == 422
        assert response["Content-Type"].startswith("text/plain")
        assert words in response.content.decode()
    assert not bridge.updates.exists()


def test_a_key_that_has_published_another_text_shows_that_text(desk: Client) -> None:
    key = uuid.uuid4()
    send(desk, key=key, body="The first <b>text</b>")
    response = send(desk, key=key, body="Another")
    assert response.status_code == 409
    assert "The first &lt;b&gt;text" in response.content.decode()


def test_who_is_signed_out_or_somebody_else_by_now_is_told_and_nothing_is_published(bridge: Event, ada: User) -> None:
    bob = User.objects.create_user("bob", first_name="Bob")
    bridge.authors.add(bob)
    assert send(Client(headers={"Liveblog-Author": str(ada.pk)})).status_code == 401
    browser = of(ada)
    browser.force_login(bob)
    response = send(browser)
    assert response.status_code == 401
    assert "signed in as Bob" in response.content.decode()
    assert not bridge.updates.exists()


def test_a_missing_token_is_told_apart_from_a_role_that_is_too_small(ada: User, bridge: Event) -> None:
    careful = Client(enforce_csrf_checks=True, headers={"Liveblog-Author": str(ada.pk)})
    careful.force_login(ada)
    response = send(careful)
    assert (response.status_code, response["Liveblog-Refusal"]) == (403, "csrf")
    assert not bridge.updates.exists()


def test_an_event_that_is_no_longer_theirs_is_a_404(desk: Client, bridge: Event) -> None:
    bridge.memberships.all().delete()
    assert send(desk).status_code == 404


# When it is to be published.


def test_a_time_that_has_passed_is_the_updates_own(desk: Client, bridge: Event) -> None:
    assert send(desk, at="2026-01-05T20:00", far_time="2026-01-05T20:00").status_code == 200
    assert bridge.updates.get().published_at == datetime(2026, 1, 5, 19, tzinfo=UTC)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_a_time_far_from_the_events_is_questioned_and_taken_once_it_is_meant(
    headers: dict[str, str], ada: User, desk: Client, bridge: Event
) -> None:
    wrong = (timezone.now() - timedelta(days=366)).strftime("%Y-%m-%dT20:00")
    assert "far from this event" in text_of(send(desk, at=wrong))
    plain = Client()
    plain.force_login(ada)
    sent = {"key": uuid.uuid4(), "body": "When?", "at": wrong}
    answer = plain.post(reverse("desk-updates", args=[EVENT]), sent, headers=headers)
    assert answer.status_code == 422
    assert "far from this event" in text_of(answer)
    assert f'name="far_time" value="{wrong}"' in text_of(answer)
    assert not bridge.updates.exists()
    Event.objects.update(starts_at=timezone.now() - timedelta(days=370))
    assert send(desk, at=wrong).status_code == 200, "the event was then"


def test_a_time_to_come_schedules_it(desk: Client, bridge: Event) -> None:
    at = (timezone.now() + timedelta(hours=1)).astimezone(bridge.zone)
    response = send(desk, at=f"{at:%Y-%m-%dT%H:%M}", later="1")
    assert (response.status_code, response["Liveblog-Waiting"]) == (202, "schedule")
    assert not bridge.updates.exists()
    assert bridge.waiting.get().due_at == at.replace(second=0, microsecond=0)


def test_what_was_scheduled_offline_and_comes_late_gets_the_time_it_comes(desk: Client, bridge: Event) -> None:
    before = timezone.now()
    assert send(desk, at="2026-01-05T20:00", later="1").status_code == 200
    assert bridge.updates.get().published_at >= before


def test_a_retry_is_the_same_post_though_its_time_has_come_meanwhile(
    desk: Client, bridge: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, at = uuid.uuid4(), f"{timezone.now().astimezone(bridge.zone) + timedelta(minutes=2):%Y-%m-%dT%H:%M}"
    assert send(desk, key=key, at=at).status_code == 202
    bridge.waiting.get().publish()
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(minutes=5))
    response = send(desk, key=key, at=at)
    assert (response.status_code, bridge.updates.count()) == (200, 1)


def test_a_time_that_no_clock_shows_is_refused(desk: Client) -> None:
    response = send(desk, at="2026-03-29T02:30", far_time="2026-03-29T02:30")
    assert response.status_code == 422
    assert "does not exist" in response.content.decode()


# Who may publish at once.


@pytest.fixture
def cleo(bridge: Event) -> User:
    user = User.objects.create_user("cleo")
    bridge.appoint(user=user, role=Role.CONTRIBUTOR)
    return user


def test_a_contributors_post_waits_for_approval_unless_the_event_says_otherwise(bridge: Event, cleo: User) -> None:
    key = uuid.uuid4()
    first, again = send(of(cleo), key=key), send(of(cleo), key=key)
    assert (first.status_code, first["Liveblog-Waiting"]) == (again.status_code, again["Liveblog-Waiting"])
    assert (first.status_code, first["Liveblog-Waiting"]) == (202, "approval")
    assert (bridge.updates.count(), bridge.waiting.count()) == (0, 1)
    bridge.revise(contributors_wait=False)
    assert send(of(cleo)).status_code == 200


def test_an_approved_post_keeps_its_author_and_takes_the_time_it_was_approved(bridge: Event, cleo: User) -> None:
    send(of(cleo), body="From the crowd.")
    asked = timezone.now()
    update = bridge.waiting.get().approve()
    assert update is not None
    assert (update.author, update.body, bridge.waiting.count()) == (cleo, "From the crowd.", 0)
    assert update.published_at > asked


def test_a_retry_after_the_approval_or_the_rejection_makes_no_second_post(bridge: Event, cleo: User) -> None:
    approved, rejected = uuid.uuid4(), uuid.uuid4()
    send(of(cleo), key=approved)
    bridge.waiting.get().approve()
    assert send(of(cleo), key=approved)["Liveblog-Number"] == "1"
    send(of(cleo), key=rejected)
    bridge.waiting.get().reject(reason="Not ours to say.")
    assert "decided not to" in send(of(cleo), key=rejected).content.decode()
    assert (bridge.updates.count(), bridge.waiting.count()) == (1, 1)


def test_a_guest_posts_at_most_ten_times_a_minute(bridge: Event, ada: User) -> None:
    invitation, _ = bridge.invite(name="Vera", made_by=ada)
    guest = of(invitation.guest)
    assert [send(guest).status_code for _ in range(11)] == [202] * 10 + [429]
    refused = send(guest)
    assert 0 < int(refused["Retry-After"]) <= 60
    Attempt.objects.update(made_at=timezone.now() - timedelta(minutes=1))
    assert send(guest).status_code == 202


def test_a_guests_texts_are_paced_before_they_are_rendered_and_what_comes_again_is_not(
    bridge: Event, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts of which readers would see nothing are refused once they are rendered: they count, and so do edits."""
    rendered: list[str] = []
    real = markup.render

    def counted(text: str) -> str:
        rendered.append(text)
        return real(text)

    monkeypatch.setattr(markup, "render", counted)
    invitation, _ = bridge.invite(name="Vera", made_by=ada)
    guest, key = of(invitation.guest), uuid.uuid4()
    assert send(guest, key=key).status_code == 202
    address = reverse("desk-waiting", args=[EVENT, key])

    def edit() -> int:
        sent = {"body": "***", "version": "1"}
        return int(guest.post(address, sent, headers={"HX-Request": "true"}).status_code)

    for _ in range(4):
        assert send(guest, body="***").status_code == edit() == 422
    assert send(guest, body="The tenth.").status_code == 202
    rendered.clear()
    assert send(guest, body="***").status_code == 429
    assert edit() == 429
    assert not rendered
    assert send(guest, key=key).status_code == 202  # an honest retry
    assert send(of(ada), body="Not a guest’s.").status_code == 200


# Photos.


def test_a_photo_is_stored_once_under_its_key_whatever_happens_to_the_answer(
    desk: Client, bridge: Event, media: Path
) -> None:
    key = uuid.uuid4()
    first, again = upload(desk, key=key), upload(desk, key=key)
    assert first.json() == again.json()
    assert (first.json()["width"], first.json()["height"]) == (640, 480)
    assert bridge.photos.count() == 1
    assert len(files(media)) == len(bridge.photos.get().widths)


def test_a_photo_is_not_to_be_had_before_its_update_is_public_nor_after_it_was_withdrawn(
    desk: Client, bridge: Event, media: Path
) -> None:
    key = uuid.uuid4()
    upload(desk, key=key)
    photo, reader = bridge.photos.get(), Client()
    seen_at_the_desk = reverse("desk-photo", args=[EVENT, photo.name, photo.widths[0]])
    assert reader.get(public_address(photo)).status_code == 404
    assert send(desk, photo=str(key), alt="The bridge").status_code == 200
    update = bridge.updates.get()
    for is_public, step in (
        (True, lambda: None),
        (False, update.withdraw),
        (True, update.restore),
        (False, bridge.make_draft),
        (True, bridge.go_live),
        (False, lambda: update.edit(photos=[])),
    ):
        step()
        assert reader.get(public_address(photo)).status_code == (200 if is_public else 404)
        assert desk.get(seen_at_the_desk).status_code == 200
        assert reader.get(seen_at_the_desk).status_code == 302


def test_a_photo_is_webp_that_caches_may_keep_for_seconds_and_browsers_longer(
    desk: Client, bridge: Event, media: Path
) -> None:
    key = uuid.uuid4()
    upload(desk, key=key, content=picture(size=(1600, 900)))
    send(desk, photo=str(key), alt="")
    photo = bridge.photos.get()
    assert photo.widths == [480, 1080, 1600]
    response = Client().get(public_address(photo, 1080))
    assert response["Content-Type"] == "image/webp"
    assert "s-maxage=5" in response["Cache-Control"]
    assert Image.open(io.BytesIO(response.content)).size == (1080, 608)
    again = Client().get(public_address(photo, 1080), headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().get(public_address(photo, 999)).status_code == 404
    assert not response.cookies


def test_a_guests_photos_are_counted_before_they_are_decoded_refused_ones_too(
    bridge: Event, ada: User, media: Path
) -> None:
    invitation, _ = bridge.invite(name="Vera", made_by=ada)
    guest, key = of(invitation.guest), uuid.uuid4()
    assert upload(guest, key=key).status_code == 200
    codes = [upload(guest, content=b"no picture").status_code for _ in range(29)]
    assert codes == [415] * 29
    refused = upload(guest)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert upload(guest, key=key).status_code == 200  # an honest retry
    assert bridge.photos.count() == 1


def test_nobody_has_two_photos_read_at_once(desk: Client, bridge: Event, ada: User, media: Path) -> None:
    cache.add(f"photo:{ada.pk}", True)
    try:
        refused = upload(desk)
        assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    finally:
        cache.delete(f"photo:{ada.pk}")
    assert [upload(desk).status_code for _ in range(3)] == [200] * 3


def test_the_card_has_fixed_proportions_and_several_widths(desk: Client, bridge: Event, media: Path) -> None:
    keys = [uuid.uuid4() for _ in range(2)]
    for key in keys:
        upload(desk, key=key)
    send(desk, body="", photo=[str(key) for key in reversed(keys)], alt=['Two "quoted"', "One"])
    update = bridge.updates.get()
    assert [shown["alt"] for shown in update.photos] == ['Two "quoted"', "One"]
    card = Client().get(reverse("changes", args=[EVENT]), {"after": "0"}).content.decode()
    assert card.count("<img ") == 2
    assert 'width="640" height="480" alt="Two &quot;quoted&quot;" loading="lazy"' in card
    assert "480w" in card


def test_a_photo_that_has_not_arrived_or_stands_elsewhere_is_refused(desk: Client, bridge: Event, media: Path) -> None:
    key = uuid.uuid4()
    assert "not arrived" in send(desk, photo=str(key), alt="").content.decode()
    upload(desk, key=key)
    send(desk, photo=str(key), alt="")
    assert send(desk, photo=str(key), alt="").status_code == 422
    assert send(desk, photo="no key", alt="").status_code == 422
    assert bridge.updates.count() == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 415), (b"<script>alert(1)</script>", 415), (picture()[:200], 422), (b"x" * (20 * 1024 * 1024 + 1), 413)],
    ids=["empty", "html", "truncated", "too large"],
)
def test_what_is_no_photo_is_refused_in_words_and_leaves_nothing(
    content: bytes, status: int, desk: Client, bridge: Event, media: Path
) -> None:
    response = upload(desk, content=content)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/plain")
    assert len(response.content) > 20
    assert not bridge.photos.exists()
    assert not files(media)


def test_a_request_that_is_far_too_large_is_refused_before_it_is_read(desk: Client, bridge: Event) -> None:
    too_much = {"key": str(uuid.uuid4()), "photo": SimpleUploadedFile("a.jpg", b"x" * (65 * 1024 * 1024))}
    response = desk.post(reverse("desk-photos", args=[EVENT]), too_much)
    assert response.status_code == 413
    assert response["Content-Type"].startswith("text/plain")


def test_a_plain_form_brings_its_photos_along_and_again_they_are_the_same(
    ada: User, bridge: Event, media: Path
) -> None:
    plain, key = Client(), str(uuid.uuid4())
    plain.force_login(ada)
    for _ in range(2):
        photos = [SimpleUploadedFile("a.jpg", picture()), SimpleUploadedFile("b.png", picture(kind="PNG"))]
        response = plain.post(reverse("desk-updates", args=[EVENT]), {"key": key, "body": "Look.", "photos": photos})
        assert response.status_code == 302
    assert (bridge.updates.count(), bridge.photos.count()) == (1, 2)
    assert len(bridge.updates.get().photos) == 2
    photos = [SimpleUploadedFile("a.jpg", b"no photo")]
    fields = {"key": str(uuid.uuid4()), "body": "Kept text.", "photos": photos}
    response = plain.post(reverse("desk-updates", args=[EVENT]), fields)
    assert response.status_code == 415
    assert "Kept text." in response.content.decode()


def test_a_plain_form_that_was_refused_may_come_again_with_other_photos(ada: User, bridge: Event, media: Path) -> None:
    plain, key = Client(), str(uuid.uuid4())
    plain.force_login(ada)

    def post(*photos: bytes) -> int:
        files = [SimpleUploadedFile("a.jpg", photo) for photo in photos]
        fields = {"key": key, "body": "Look.", "photos": files}
        return plain.post(reverse("desk-updates", args=[EVENT]), fields).status_code

    wide, narrow = picture(size=(90, 30)), picture(size=(30, 30))
    assert post(wide, b"no photo") == 415
    assert post(narrow) == 302
    assert [(photo["width"], photo["height"]) for photo in bridge.updates.get().photos] == [(30, 30)]
    assert post(wide) == 409, "this key has published another photo"


def test_what_is_purged_leaves_no_file_and_a_retry_does_not_bring_it_back(
    desk: Client, bridge: Event, media: Path
) -> None:
    photo_key, key = uuid.uuid4(), uuid.uuid4()
    upload(desk, key=photo_key)
    fields = {"body": "A secret name.", "photo": str(photo_key), "alt": "A face"}
    send(desk, key=key, **fields)
    assert files(media)
    update = bridge.updates.get()
    update.edit(body="Another secret.")
    with_commit(update.purge)
    assert not files(media)
    assert not Photo.objects.exists()
    assert send(desk, key=key, **fields)["Liveblog-Number"] == "1"
    update = Update.objects.get()
    assert (update.body, update.photos, update.versions.count()) == ("", [], 0)


def with_commit(work: Any) -> None:
    """Run ``work`` and what it leaves for after the commit, which a test's transaction never reaches."""
    from django.test import TestCase

    with TestCase.captureOnCommitCallbacks(execute=True):
        work()


# A look at Markdown.


def test_the_preview_is_the_servers_own_markdown_and_harmless(desk: Client) -> None:
    body = "It **happened** <script>alert(1)</script>"
    response = desk.post(reverse("desk-render", args=[EVENT]), {"body": body, "headline": "<b>"})
    assert "<strong>happened</strong>" in response.content.decode()
    assert "<script" not in response.content.decode()
    assert "&lt;b&gt;" in response.content.decode()


def test_a_preview_of_a_text_that_is_too_long_says_so(desk: Client) -> None:
    response = desk.post(reverse("desk-render", args=[EVENT]), {"body": "x" * 20_001})
    assert "at most 20,000" in response.content.decode()
    assert "Something" in desk.post(reverse("desk-render", args=[EVENT]), {"body": "Something"}).content.decode()


def test_photos_live_below_the_data_folder() -> None:
    assert Path(django_settings.MEDIA_ROOT).is_relative_to(django_settings.DATA_DIR)


# What an editor has taken from the readers.


def test_a_contributor_puts_back_what_they_withdrew_themselves_and_not_what_an_editor_did(
    bridge: Event, desk: Client, cleo: User
) -> None:
    bridge.revise(contributors_wait=False)
    author = of(cleo)
    send(author, body="From the crowd.")
    withdrawal, restoration = (reverse(f"desk-{step}", args=[EVENT, 1]) for step in ("withdrawal", "restoration"))
    assert author.post(withdrawal).status_code == 302
    assert author.post(restoration).status_code == 302
    assert desk.post(withdrawal).status_code == 302
    assert author.post(restoration).status_code == 403
    assert author.post(withdrawal).status_code == 403
    assert bridge.updates.get().withdrawn_at
    assert desk.post(restoration).status_code == 302
    assert author.post(withdrawal).status_code == 302


# Texts that would show nothing, or turn round what stands beside them.


def test_an_update_that_would_show_nothing_is_refused(desk: Client, bridge: Event) -> None:
    for nothing in ("\u200b", "\u2060\n\ufeff", "\u3164"):
        assert send(desk, body=nothing).status_code == 422
    assert not bridge.updates.exists()


def test_a_guests_name_can_not_turn_round_the_words_beside_it(bridge: Event, ada: User) -> None:
    invitation, _ = bridge.invite(name="Zoë \u202e\u2067Guest", made_by=ada)
    assert invitation.name == "Zoë Guest"


def test_a_year_out_of_reach_is_called_that(desk: Client) -> None:
    assert "The year 9999 is out of reach" in send(desk, at="9999-12-31T23:59", later="1").content.decode()
