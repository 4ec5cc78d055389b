"""Control of an event: pause, end with a word, cover, languages, deletion, and what readers then have."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from liveblog import rendering
from liveblog.desk.page import suggest_pause_notes
from liveblog.models import Attachment, Audience, Event, Photo, Role, Update, WrongStatus
from liveblog.models.languages import LANGUAGES, read_language
from tests.server import signed_in, text_of

HTMX = {"HX-Request": "true"}
BACK = "We will be back at 20:00"


@pytest.fixture(autouse=True)
def photos_here(settings: Any, tmp_path: Path) -> Path:
    """Keep the files of each test to itself."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "photos"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def bridge(ada: User) -> Event:
    event = Event.objects.create(title="Harbour bridge", slug="bridge", time_zone="Europe/Berlin")
    event.appoint(user=ada, role=Role.OWNER)
    event.publish(author=ada, headline="Good evening", body="They take their seats.")
    event.go_live()
    return event


@pytest.fixture
def desk(ada: User, bridge: Event) -> Client:
    return signed_in(ada)


def member(event: Event, name: str, role: Role) -> Client:
    who = User.objects.create_user(name)
    event.appoint(user=who, role=role)
    return signed_in(who)


def changed_by(event: Event, step: Callable[[], Any]) -> int:
    """Return by how many revisions ``step`` raised the event; each must have changed the head."""
    before = Event.objects.get(pk=event.pk).revision
    step()
    event.refresh_from_db()
    if event.revision > before:
        assert event.head_revision == event.revision
    return event.revision - before


def masthead(event: Event) -> str:
    return unescape(str(rendering.head(Event.objects.get(pk=event.pk)).masthead))


def picture(kind: str = "JPEG", size: tuple[int, int] = (1200, 800), colour: str = "teal") -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return SimpleUploadedFile("view.jpg", file.getvalue(), "image/jpeg")


def settings_of(**changes: Any) -> dict[str, Any]:
    return {"title": "Harbour bridge", "time_zone": "Europe/Berlin", "language": "en", "order": "auto"} | changes


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.webp"))


# Pause, end, reopen.


def test_each_step_takes_one_head_revision_and_none_when_nothing_changes(bridge: Event) -> None:
    bridge.make_draft()
    steps: list[tuple[Callable[[], Any], int]] = [
        (bridge.announce, 1),
        (bridge.announce, 0),
        (bridge.go_live, 1),
        (lambda: bridge.pause(note=BACK), 1),
        (lambda: bridge.pause(note=f" {BACK} "), 0),
        (lambda: bridge.pause(note="At nine, then."), 1),
        (bridge.resume, 1),
        (bridge.resume, 0),
        (bridge.end, 1),
        (bridge.end, 0),
        (lambda: bridge.end(note="Good night."), 1),
        (lambda: bridge.end(note="Good  night."), 0),
        (lambda: bridge.change_closing_note(note="Good night, all."), 1),
        (lambda: bridge.change_closing_note(note="Good night,  all."), 0),
        (bridge.reopen, 1),
    ]
    for number, (step, revisions) in enumerate(steps):
        assert changed_by(bridge, step) == revisions, number


def test_a_pause_is_shown_to_readers_until_it_is_over(desk: Client, bridge: Event) -> None:
    desk.post("/desk/bridge/pause/", {"note": BACK})
    for page in ("/events/bridge/", "/", "/desk/bridge/"):
        assert BACK in text_of(Client().get(page) if "desk" not in page else desk.get(page))
    assert "Paused" in masthead(bridge)
    assert 'data-status="live"' in masthead(bridge)
    desk.post("/desk/bridge/pause/", {"note": ""})
    for page in ("/events/bridge/", "/"):
        assert BACK not in text_of(Client().get(page))
        assert "Paused" not in text_of(Client().get(page))


def test_a_poll_brings_the_pause_to_an_open_page(desk: Client, bridge: Event) -> None:
    after = bridge.revision
    desk.post("/desk/bridge/pause/", {"note": BACK})
    answer = text_of(Client().get("/events/bridge/changes/", {"after": after}))
    assert BACK in answer
    assert '<header class="masthead"' in answer


def test_who_makes_a_public_event_a_draft_is_asked_and_told_how_many_readers_it_has(
    desk: Client, bridge: Event
) -> None:
    answer = desk.post("/desk/bridge/status/", {"status": "draft"})
    assert "Nobody has it open now" in text_of(answer)
    Audience.record(uuid4(), {bridge.pk: 214})
    assert "214 readers have it open now" in text_of(desk.post("/desk/bridge/status/", {"status": "draft"}))
    bridge.refresh_from_db()
    assert bridge.is_public
    assert desk.post("/desk/bridge/status/", {"status": "draft", "sure": "1"}).status_code == 302
    bridge.refresh_from_db()
    assert not bridge.is_public


@pytest.mark.parametrize("step", ["end", "make_draft"])
def test_a_pause_ends_with_the_coverage(step: str, bridge: Event) -> None:
    bridge.pause(note=BACK)
    getattr(bridge, step)()
    assert (bridge.pause_note, bridge.paused_at) == ("", None)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_not_live_can_not_be_paused_and_says_so(headers: dict[str, str], desk: Client, bridge: Event) -> None:
    bridge.end()
    response = desk.post("/desk/bridge/pause/", {"note": BACK}, headers=headers)
    assert response.status_code == 409
    assert "only a live one can be paused" in text_of(response)
    with pytest.raises(WrongStatus):
        bridge.pause(note=BACK)


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("address", ["pause", "status"])
@pytest.mark.parametrize("note", ["x" * 501, "nu\x00ll"])
def test_a_note_that_can_not_be_is_refused_in_words(
    headers: dict[str, str], address: str, note: str, desk: Client, bridge: Event
) -> None:
    revision = bridge.revision
    response = desk.post(f"/desk/bridge/{address}/", {"status": "ended", "note": note}, headers=headers)
    assert response.status_code == 422
    bridge.refresh_from_db()
    assert bridge.revision == revision


def test_the_closing_note_stands_on_the_page_until_it_is_reopened(desk: Client, bridge: Event) -> None:
    desk.post("/desk/bridge/status/", {"status": "ended", "note": "Thank you <all> for reading."})
    assert "Thank you <all> for reading." in masthead(bridge)
    assert "<all>" not in str(rendering.head(bridge).masthead)
    desk.post("/desk/bridge/status/", {"status": "ended"})  # a second tap
    assert "Thank you" in masthead(bridge)
    desk.post("/desk/bridge/status/", {"status": "ended", "note": "Thank you.", "rewords": "on"})
    assert "Thank you.</p>" in masthead(bridge)
    desk.post("/desk/bridge/status/", {"status": "live"})
    assert "Thank you" not in masthead(bridge)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_of_two_closing_notes_the_first_stands_and_the_second_is_not_lost(
    headers: dict[str, str], desk: Client, bridge: Event
) -> None:
    desk.post("/desk/bridge/status/", {"status": "ended", "note": "Good night."})
    response = desk.post("/desk/bridge/status/", {"status": "ended", "note": "The bridge is open."}, headers=headers)
    assert response.status_code == 409
    assert "ended already, with another closing note" in text_of(response)
    assert "Good night." in masthead(bridge)
    if not headers:  # under htmx the note is still in the form that sent it
        assert "The bridge is open.</textarea>" in text_of(response)


@pytest.mark.parametrize("status", ["draft", "ended"])
def test_a_note_for_a_pause_that_can_not_be_is_there_to_be_copied(status: str, desk: Client, bridge: Event) -> None:
    bridge.make_draft() if status == "draft" else bridge.end()
    response = desk.post("/desk/bridge/pause/", {"note": "Back at <eight>."})
    assert response.status_code == 409
    assert "Back at <eight>.</textarea>" in text_of(response)


@pytest.mark.parametrize("language", ["en", "de-AT", "fr", "tlh"])
def test_a_pause_is_one_tap_on_a_note_in_the_language_of_the_updates(
    language: str, desk: Client, bridge: Event
) -> None:
    Event.objects.update(language=language)
    page = desk.get("/desk/bridge/").content.decode()
    offered = [unescape(found) for found in re.findall(r'name="note" value="([^"]+)"', page)]
    assert len(offered) == 3
    assert all(re.search(r"\b\d\d:(00|15|30|45)\b", note) for note in offered)
    assert ("We will be back at" in offered[0]) == (language in {"en", "tlh"})
    desk.post("/desk/bridge/pause/", {"note": offered[0]})
    assert offered[0] in masthead(bridge)


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_the_times_offered_lie_ahead_on_the_events_own_clock(
    minute: int, bridge: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 22, 18, minute, 31, 5, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    here = now.astimezone(bridge.zone)
    for note, least in zip(suggest_pause_notes(bridge), (10, 25, 55), strict=True):
        hour, minutes = map(int, note[-5:].split(":"))
        away = here.replace(hour=hour, minute=minutes, second=0, microsecond=0) - here
        assert timedelta(minutes=least - 1) <= away <= timedelta(minutes=least + 15)


def test_who_ends_it_is_told_what_still_waits(desk: Client, bridge: Event, ada: User) -> None:
    assert "scheduled" not in text_of(desk.get("/desk/bridge/"))
    for hours in (1, 2):
        bridge.submit(author=ada, body=f"Later {hours}", due_at=timezone.now() + timedelta(hours=hours))
    bridge.submit(author=ada, body="May I?", needs_approval=True)
    page = " ".join(text_of(desk.get("/desk/bridge/")).split())
    assert "2 updates are scheduled" in page
    assert "1 update still waits for approval" in page


def test_a_contributor_sees_where_it_stands_and_nothing_to_press(bridge: Event) -> None:
    bridge.pause(note=BACK)
    client = member(bridge, "bob", Role.CONTRIBUTOR)
    page = text_of(client.get("/desk/bridge/"))
    assert BACK in page
    assert "/desk/bridge/status/" not in page
    assert "/desk/bridge/pause/" not in page
    for address, data in (("pause", {"note": ""}), ("status", {"status": "ended"})):
        assert client.post(f"/desk/bridge/{address}/", data).status_code == 403
    editor = member(bridge, "eve", Role.EDITOR)
    assert "/desk/bridge/pause/" in text_of(editor.get("/desk/bridge/"))
    assert editor.post("/desk/bridge/pause/", {"note": ""}).status_code == 302


# The planned end, and the days of key moments.


def test_the_planned_end_is_shown_where_it_makes_sense(bridge: Event) -> None:
    start = datetime(2026, 11, 22, 19, tzinfo=UTC)
    bridge.revise(starts_at=start, ends_at=start + timedelta(hours=2))
    assert "Planned until" in masthead(bridge)
    assert ">22:00 CET</time>" in masthead(bridge)
    bridge.revise(ends_at=start + timedelta(days=3))
    assert ">Wednesday 25 November 2026, 20:00 CET</time>" in masthead(bridge)
    bridge.end()
    assert "until" not in masthead(bridge)
    bridge.make_draft()
    bridge.announce()
    assert "Starts" in masthead(bridge)
    assert "until" in masthead(bridge)


def test_a_planned_end_that_has_passed_is_hidden_without_changing_the_head(bridge: Event) -> None:
    bridge.revise(ends_at=timezone.now() + timedelta(days=100))
    assert "is-over" not in text_of(Client().get("/events/bridge/"))
    Event.objects.update(starts_at=None, ends_at=timezone.now() - timedelta(minutes=1))
    assert 'class="event is-over"' in text_of(Client().get("/events/bridge/"))


def test_key_moments_of_one_day_show_the_clock_and_of_two_days_the_day_too(bridge: Event, ada: User) -> None:
    for hour in (21, 22):  # 22:00 and 23:00 in Berlin
        bridge.publish(author=ada, body="Key", is_key=True, published_at=datetime(2026, 1, 10, hour, tzinfo=UTC))
    keys = str(rendering.head(bridge).keys)
    assert ">22:00 CET</time>" in keys
    assert "Jan" not in re.sub(r'title="[^"]*"', "", keys)
    bridge.publish(author=ada, body="Key", is_key=True, published_at=datetime(2026, 1, 10, 23, 30, tzinfo=UTC))
    keys = str(rendering.head(bridge).keys)
    assert ">Sun 11 Jan, 00:30 CET</time>" in keys
    assert ">Sat 10 Jan, 22:00 CET</time>" in keys


# The cover.


def send_cover(desk: Client, **more: Any) -> Any:
    return desk.post("/desk/bridge/edit/", settings_of(**more))


def test_a_cover_is_taken_in_shown_described_anew_and_removed(desk: Client, bridge: Event, photos_here: Path) -> None:
    assert send_cover(desk, cover=picture(), cover_alt="The bridge\nat night").status_code == 302
    bridge.refresh_from_db()
    assert bridge.cover
    assert bridge.cover["alt"] == "The bridge at night"
    page = text_of(Client().get("/events/bridge/"))
    shown = re.search(r'<img class="cover" src="([^"]+)" srcset="([^"]+)"', page)
    assert shown
    assert 'width="1200" height="800"' in page
    for address in [shown[1], *(part.split()[0] for part in shown[2].split(", "))]:
        assert Client().get(address)["Content-Type"] == "image/webp"
    assert 'class="cover"' in text_of(Client().get("/"))

    name = bridge.cover["name"]
    assert changed_by(bridge, lambda: send_cover(desk, cover_alt="By day")) == 1
    assert (bridge.cover["name"], bridge.cover["alt"]) == (name, "By day")
    assert changed_by(bridge, lambda: send_cover(desk, cover_alt="By day")) == 0

    assert changed_by(bridge, lambda: send_cover(desk, cover_alt="", cover_removed="on")) == 1
    assert bridge.cover is None
    assert not Photo.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_another_cover_takes_the_place_and_the_files_of_the_first(
    desk: Client, bridge: Event, photos_here: Path
) -> None:
    send_cover(desk, cover=picture())
    first = files_in(photos_here)
    address = re.search(r'src="(/events/bridge/photos/[^"]+)"', text_of(Client().get("/events/bridge/")))
    assert first
    assert address
    send_cover(desk, cover=picture("PNG", colour="maroon"))
    bridge.refresh_from_db()
    assert bridge.cover
    assert files_in(photos_here)
    assert not set(first) & set(files_in(photos_here))
    assert Photo.objects.get().name == bridge.cover["name"]
    assert Client().get(address[1]).status_code == 404
    send_cover(desk, cover_removed="on")
    assert files_in(photos_here) == []


def test_the_cover_of_a_draft_is_for_its_authors_only(desk: Client, bridge: Event) -> None:
    send_cover(desk, cover=picture())
    bridge.refresh_from_db()
    bridge.make_draft()
    assert bridge.cover
    file = f"photos/{bridge.cover['name']}-{bridge.cover['widths'][0]}.webp"
    assert Client().get(f"/events/bridge/{file}").status_code == 404
    preview = text_of(desk.get("/desk/bridge/preview/"))
    assert f"/desk/bridge/{file}" in preview
    assert "/events/bridge/photos" not in preview
    assert desk.get(f"/desk/bridge/{file}").status_code == 200


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("content", [b"no picture", b"\xff\xd8\xff\xe0 cut short", b""])
def test_a_refused_picture_loses_nothing_else_of_the_form(
    content: bytes, headers: dict[str, str], desk: Client, bridge: Event, photos_here: Path
) -> None:
    revision = bridge.revision
    sent = settings_of(
        title="Another title", summary="Kept <b>", cover_alt="Kept too", cover=SimpleUploadedFile("a.jpg", content)
    )
    response = desk.post("/desk/bridge/edit/", sent, headers=headers)
    assert response.status_code == 422
    page = text_of(response)
    assert all(words in page for words in ("Another title", "Kept <b>", "Kept too", "Cover picture</a>:"))
    assert page.count("Nothing has been saved yet") == 1
    bridge.refresh_from_db()
    assert (bridge.title, bridge.revision, bridge.cover) == ("Harbour bridge", revision, None)
    assert files_in(photos_here) == []
    assert not Photo.objects.exists()


def test_a_form_that_comes_back_for_another_reason_says_that_the_picture_is_wanted_again(
    desk: Client, bridge: Event
) -> None:
    assert "Choose the picture again" in text_of(send_cover(desk, title="", cover=picture()))
    response = desk.post("/desk/bridge/edit/", settings_of(title="", cover=picture()), headers=HTMX)
    assert "Choose the picture again" not in text_of(response)
    assert "hx-preserve" in text_of(response)
    assert not Photo.objects.exists()


def test_a_photo_of_an_update_can_not_become_the_cover(bridge: Event, ada: User) -> None:
    photo = bridge.add_photo(uploader=ada, key=uuid4(), file=picture().file)
    bridge.publish(author=ada, photos=[Attachment(photo.key)])
    with pytest.raises(ValidationError):
        bridge.set_cover(attachment=Attachment(photo.key))


# Language, title, preview.


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("German", "de"),
        (" deutsch ", "de"),
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("portuguese, brazilian", "pt-BR"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("gsw-CH", "gsw-CH"),
        ("sr-latn-rs", "sr-Latn-RS"),
    ],
)
def test_a_language_may_be_named_or_coded(typed: str, code: str, desk: Client, bridge: Event) -> None:
    desk.post("/desk/bridge/edit/", settings_of(language=typed))
    bridge.refresh_from_db()
    assert bridge.language == code


@pytest.mark.parametrize("typed", ["Klingonese", "e", "english-", "de-", "de--AT", "de-a", "12", "٣٣", "en us", "x-a"])
def test_what_is_no_language_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="Enter a language"):
        read_language(typed)


def test_every_language_that_is_offered_is_accepted_and_fits() -> None:
    for code, *names in LANGUAGES:
        assert len(code) <= 10
        assert {read_language(word) for word in (code, *names)} == {code}


def test_a_language_spelt_otherwise_is_no_change(desk: Client, bridge: Event) -> None:
    Event.objects.update(language="pt-br", starts_at=None)
    assert changed_by(bridge, lambda: desk.post("/desk/bridge/edit/", settings_of(language="pt-BR"))) == 0


@pytest.mark.parametrize("title", ["\u200b", "\u200b \u2060\ufeff", "\u3164", "\u2800", "\u00ad", "\ufe0f"])
def test_a_title_that_nobody_can_see_is_refused(title: str, desk: Client, bridge: Event) -> None:
    response = desk.post("/desk/new/", settings_of(title=title))
    assert response.status_code == 422
    assert "no visible character" in text_of(response)
    with pytest.raises(ValidationError, match="no visible character"):
        bridge.revise(title=title)
    assert Event.objects.count() == 1


@pytest.mark.parametrize("title", ["x", "選", "!", "👩\u200d🚀", "نشرة\u200cها"])
def test_a_title_that_leaves_ink_is_accepted(title: str, desk: Client) -> None:
    assert desk.post("/desk/new/", settings_of(title=title)).status_code == 302


def test_no_link_of_a_drafts_preview_leads_to_what_is_not_there(desk: Client, bridge: Event, ada: User) -> None:
    bridge.publish(author=ada, body="Key", is_key=True)
    bridge.publish(author=ada, body="See [here](/events/bridge/updates/1/) or [there](/events/bridge/?around=1).")
    bridge.pin(update=bridge.updates.get(number=1))
    bridge.make_draft()
    page = text_of(desk.get("/desk/bridge/preview/"))
    links = set(re.findall(r'href="(/(?:desk|events)/[^"#]*)', page))
    assert "/desk/bridge/preview/?around=2" in links
    for link in links:
        assert desk.get(link).status_code == 200, link


# Deletion.


def full_event(event: Event, ada: User) -> None:
    """Give it something of every kind."""
    for number in range(3):
        photo = event.add_photo(uploader=ada, key=uuid4(), file=picture().file)
        attachment = Attachment(photo.key, "A view")
        if number == 0:
            event.publish(author=ada, body="With a photo", photos=[attachment]).edit(body="Edited", editor=ada)
        elif number == 1:
            event.submit(author=ada, body="Waits", needs_approval=True, photos=[attachment])
        else:
            event.set_cover(attachment=attachment)
    event.add_photo(uploader=ada, key=uuid4(), file=picture().file)
    invitation, _ = event.invite(name="Volunteer", made_by=ada)
    event.publish(author=invitation.guest, body="By a guest").withdraw()
    event.pause(note=BACK)


@pytest.mark.django_db(transaction=True)
def test_a_deleted_event_leaves_nothing_in_the_database_or_on_disk(
    desk: Client, bridge: Event, ada: User, photos_here: Path
) -> None:
    other = Event.objects.create(title="Other", slug="other")
    other.add_photo(uploader=ada, key=uuid4(), file=picture().file)
    kept = set(files_in(photos_here))
    full_event(bridge, ada)
    assert len(files_in(photos_here)) > len(kept)
    page = " ".join(text_of(desk.get("/desk/bridge/deletion/")).split())
    for words in (
        "3 updates",
        "and 1 that waits",
        "4 photos",
        "1 invitation",
        "no longer available",
        "Make it a draft",
    ):
        assert words in page
    response = desk.post("/desk/bridge/deletion/", {"slug": "bridge"}, follow=True)
    assert "“Harbour bridge” was deleted." in text_of(response)
    assert list(Event.objects.all()) == [other]
    assert not Update.objects.exists()
    assert Photo.objects.get().event == other
    assert list(User.objects.all()) == [ada]
    assert set(files_in(photos_here)) == kept
    assert Client().get("/events/bridge/").status_code == 404
    assert Client().get("/events/bridge/changes/?after=1").status_code == 404
    assert desk.get("/desk/bridge/").status_code == 404


@pytest.mark.parametrize("typed", ["", "Bridge", "bridge ", "harbour", "bridge\x00", "/events/bridge/"])
def test_what_readers_may_know_is_deleted_only_by_its_address_to_the_letter(
    typed: str, desk: Client, bridge: Event
) -> None:
    response = desk.post("/desk/bridge/deletion/", {"slug": typed})
    if typed.strip() != "bridge":
        assert response.status_code == 422
        assert 'role="alert"' in text_of(response)
        assert Event.objects.exists()


@pytest.mark.parametrize("status", ["upcoming", "live", "ended"])
def test_a_press_alone_deletes_a_draft_and_nothing_else(status: str, desk: Client, bridge: Event) -> None:
    Event.objects.update(status=status, ended_at=timezone.now() if status == "ended" else None)
    assert desk.post("/desk/bridge/deletion/").status_code == 422
    Event.objects.update(status="draft", ended_at=None, first_public_at=None)
    page = text_of(desk.get("/desk/bridge/deletion/"))
    assert 'name="slug"' not in page
    assert "Make it a draft" not in page
    assert desk.post("/desk/bridge/deletion/").status_code == 302
    assert not Event.objects.exists()


@pytest.mark.parametrize("role", [Role.EDITOR, Role.CONTRIBUTOR])
def test_only_an_owner_can_delete(role: Role, desk: Client, bridge: Event) -> None:
    assert desk.get("/desk/bridge/deletion/").status_code == 200
    client = member(bridge, "bob", role)
    assert client.get("/desk/bridge/deletion/").status_code == 403
    assert client.post("/desk/bridge/deletion/", {"slug": "bridge"}).status_code == 403
    assert Event.objects.exists()
