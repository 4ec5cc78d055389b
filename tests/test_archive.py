"""What outlasts the service: exports that come back to the byte, imports that trust nothing, sites for a disk."""

import copy
import hashlib
import io
import json
import math
import os
import random
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client, override_settings
from PIL import Image

from liveblog import photo_files
from liveblog.archive import ArchiveError, export, freeze, import_event, pack
from liveblog.archive.exporting import document_of
from liveblog.archive.packing import CHUNK_BYTES, File
from liveblog.models import Attachment, Event, Photo, Role, Update, Version
from tests import server
from tests.asgi import run
from tests.page import Elements
from tests.server import ROOT, Site, make_user, publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def photo(event: Event, colour: str = "teal") -> Photo:
    file = io.BytesIO()
    Image.new("RGB", (1000, 600), colour).save(file, "PNG")
    file.seek(0)
    return event.add_photo(uploader=event.authors.get(username="ada"), key=uuid.uuid4(), file=file)


def eventful(event: Event) -> Event:
    """Put something of everything into an event."""
    ada, bo = event.authors.get(), make_user("bo", first_name="Bo", last_name="Günther")
    event.appoint(user=bo, role=Role.EDITOR)
    event.revise(summary="Wind & *water* – \u202ba\u202c ‮🌊", embed_sites=["https://news.example"], language="ar")
    first = publish(event, "First.", headline="Ünïcode “quotes” <b>", author=ada)
    shot, cover = photo(event), photo(event, "maroon")
    publish(event, "With a photo.", photos=[Attachment(shot.key, "Waves \u2028 and more")], author=bo, is_key=True)
    event.set_cover(attachment=Attachment(cover.key, "The bay"))
    text = "https://youtu.be/dQw4w9WgXcQ\n\n[a](/b) [c](//d.example/e)"
    moved = publish(event, text, published_at=datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC))
    gone = publish(event, "This was wrong.")
    erased = publish(event, "This must not be known.", headline="Secret name")
    first.edit(body="First, put right.", editor=bo)
    Update.objects.filter(pk=first.pk).update(posted_at=first.posted_at - timedelta(hours=1))
    first.refresh_from_db()
    first.edit(body="First, put right again.", correction="It was the second.", editor=ada)
    moved.move(published_at=datetime(2001, 2, 3, 4, 5, 6, 8, tzinfo=UTC))
    gone.withdraw(by=bo)
    erased.withdraw()
    erased.purge()
    event.pin(update=first)
    event.end(note="Good night.")
    event.reopen()
    event.refresh_from_db()
    return event


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Path:
    """The export of an eventful event that is nowhere any more; to be copied."""
    folder = tmp_path_factory.mktemp("exported")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=folder / "media"), transaction.atomic():
        export(eventful(server.make_event("Storm", slug="storm", time_zone="America/New_York")), folder / "out")
        transaction.set_rollback(True)
    return folder / "out"


@pytest.fixture
def event(make_event: Callable[..., Event], author: Any) -> Event:
    return eventful(make_event("Storm", author=author, slug="storm", time_zone="America/New_York"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Export and import.


def test_an_export_cannot_be_committed_by_accident(event: Event, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["git", "init", "--quiet", tree], check=True)
    export(event, tree / "moving")
    seen = subprocess.run(["git", "-C", tree, "status", "--porcelain"], capture_output=True, check=True)
    assert seen.stdout == b""


def test_an_export_comes_back_to_the_byte(event: Event, tmp_path: Path, settings: Any) -> None:
    export(event, tmp_path / "one")
    before = files(tmp_path / "one")
    numbers = list(event.updates.values_list("number", "revision", "key").order_by("number"))
    pages = [Client().get(f"/events/storm/{path}").content for path in ("fragment/", "feed.json")]
    event.remove()
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    imported = import_event(tmp_path / "one")
    assert imported.did == "created"
    again = Event.objects.get(slug="storm")
    assert list(again.updates.values_list("number", "revision", "key").order_by("number")) == numbers
    assert [Client().get(f"/events/storm/{path}").content for path in ("fragment/", "feed.json")] == pages
    assert again.updates.get(number=1).versions.count() == 2
    assert again.role_of(make_user("bo")) == Role.EDITOR
    export(again, tmp_path / "two")
    assert files(tmp_path / "two") == before
    for name in again.photos.values_list("name", flat=True):
        assert list((tmp_path / "elsewhere" / "photos" / name[:2]).glob(f"{name}-*.webp"))
    publish(again, "And it goes on.")
    assert again.updates.count() == len(numbers) + 1


def test_nothing_that_was_purged_or_is_not_public_is_in_an_export(event: Event, tmp_path: Path) -> None:
    ada = make_user("ada")
    event.submit(author=ada, body="Waits for later.", due_at=datetime(2999, 1, 1, tzinfo=UTC))
    _, token = event.invite(name="Kim", made_by=ada)
    type(make_user("ada")).objects.filter(username="ada").update(email="ada@example.org")
    export(event, tmp_path / "out")
    content = b"".join(files(tmp_path / "out").values())
    for secret in (
        "This must not be known",
        "Secret name",
        "Waits for later",
        token,
        "ada@example.org",
        "pbkdf2",
        "md5$",
    ):
        assert secret.encode() not in content, secret
    assert b"This was wrong." in content  # withdrawn, and its authors can still restore it


def test_the_same_import_again_changes_nothing_and_another_state_is_not_overwritten(
    event: Event, tmp_path: Path
) -> None:
    export(event, tmp_path / "out")
    before = document_of(event), event.edition
    assert import_event(tmp_path / "out").did == "unchanged"
    assert (document_of(event), Event.objects.get().edition) == before
    publish(event, "Something new.")
    changed = document_of(event)
    with pytest.raises(ArchiveError, match="says something else"):
        import_event(tmp_path / "out")
    assert document_of(event) == changed
    assert import_event(tmp_path / "out", replace=True).did == "replaced"
    assert document_of(event) == before[0]
    now = Event.objects.get()
    assert (now.pk, now.slug) == (event.pk, "storm")
    assert now.edition != before[1]  # open pages fetch themselves anew
    assert now.updates.get(number=1).versions.count() == 2
    assert Version.objects.count() == 2


def test_a_name_that_is_taken_is_said_and_another_can_be_given(
    exported: Path, make_event: Callable[..., Event]
) -> None:
    other = make_event("Another storm", slug="storm", updates=1)
    with pytest.raises(ArchiveError, match="--slug"):
        import_event(exported)
    assert Event.objects.get() == other
    assert not Photo.objects.exists()
    assert import_event(exported, slug="storm-2").event.slug == "storm-2"
    for slug in ("new", "a b", "x" * 200):
        with pytest.raises(ArchiveError):
            import_event(exported, slug=slug)


def test_people_are_found_by_name_and_new_ones_can_not_log_in(exported: Path) -> None:
    make_user("ada")
    imported = import_event(exported)
    assert imported.new_people == ["bo"]
    bo = type(make_user("ada")).objects.get(username="bo")
    assert bo.get_full_name() == "Bo Günther"
    assert not bo.has_usable_password()
    assert not bo.is_staff
    assert imported.event.updates.get(number=2).author == bo


type Damage = Callable[[dict[str, Any], Path], None]


def _set(path: str, value: Any) -> Damage:
    def damage(document: dict[str, Any], folder: Path) -> None:
        *way, last = path.split(".")
        at: Any = document
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value

    return damage


def _swap_picture(document: dict[str, Any], folder: Path) -> None:
    next((folder / "media").iterdir()).write_bytes(b"something else")


def _link_picture(document: dict[str, Any], folder: Path) -> None:
    path = next((folder / "media").iterdir())
    kept = folder.parent / "kept.webp"
    shutil.move(path, kept)
    path.symlink_to(kept)


def _link_folder(document: dict[str, Any], folder: Path) -> None:
    shutil.move(folder / "media", folder.parent / "elsewhere")
    (folder / "media").symlink_to(folder.parent / "elsewhere")


def _lose_picture(document: dict[str, Any], folder: Path) -> None:
    next((folder / "media").iterdir()).unlink()


def _picture_file_twice(document: dict[str, Any], folder: Path) -> None:
    files = document["photos"][0]["files"]
    files.append(files[-1])


def _script_as_picture(document: dict[str, Any], folder: Path) -> None:
    photo = document["photos"][0]
    name = f"{photo['name']}-{photo['widths'][0]}.webp"
    (folder / "media" / name).write_bytes(b"<script>alert(1)</script>")
    photo["files"][0]["sha256"] = hashlib.sha256(b"<script>alert(1)</script>").hexdigest()


def _key_twice(document: dict[str, Any], folder: Path) -> None:
    document["updates"][1]["key"] = document["updates"][0]["key"]


def _member_twice(document: dict[str, Any], folder: Path) -> None:
    document["members"].append(document["members"][0])


def _twice(document: dict[str, Any], folder: Path) -> None:
    document["updates"].append(document["updates"][0])


DAMAGE: dict[str, Damage] = {
    "another format": _set("format", "something"),
    "a later version": _set("version", 2),
    "a field more": _set("event.secret", 1),
    "a path as a picture’s name": _set("photos.0.name", "../../../etc/passwd"),
    "a path that looks like a name": _set("photos.0.name", "..%2f" + "0" * 27),
    "a picture that is another": _swap_picture,
    "a picture that leads away": _link_picture,
    "a folder that leads away": _link_folder,
    "a lost picture": _lose_picture,
    "a picture’s file twice": _picture_file_twice,
    "a file of a width the picture has not": _set("photos.0.files.0.width", 7),
    "a script for a picture": _script_as_picture,
    "a width beyond reason": _set("photos.0.widths", [10**9]),
    "a status that is none": _set("event.status", "secret"),
    "a zone that is none": _set("event.time_zone", "Mars/Olympus"),
    "a title too long": _set("event.title", "x" * 1_000),
    "a slug with a path": _set("event.slug", "../desk"),
    "a site that is a policy": _set("event.embed_sites", ["*; script-src *"]),
    "a switch for a number": _set("updates.0.revision", True),
    "a number too great": _set("updates.0.revision", 2**60),
    "a number that is negative": _set("updates.0.number", -1),
    "a revision beyond the event’s": _set("updates.0.revision", 10_000),
    "an update twice": _twice,
    "a key twice": _key_twice,
    "a photo of an update that is missing": _set("photos.0.update", 99),
    "a member twice": _member_twice,
    "a text too long": _set("updates.0.body", "x" * 30_000),
    "a text that can’t be stored": _set("updates.0.body", "\x00"),
    "a time without a zone": _set("updates.0.published_at", "2026-11-26T12:00:00"),
    "a time beyond calendars": _set("updates.0.published_at", "9999-12-31T23:59:59.000000Z"),
    "an author nobody knows": _set("updates.0.author", "mallory"),
    "a member nobody knows": _set("members.0.username", "mallory"),
    "somebody who did nothing": lambda document, folder: document["people"].append(
        {"username": "x", "first_name": "", "last_name": ""}
    ),
    "a field more of a person": _set("people.0.is_staff", True),
    "a field more of a file": _set("photos.0.files.0.path", "/etc/passwd"),
    "a file of another size": _set("photos.0.files.0.bytes", 7),
    "a language with a line end": _set("event.language", "en\n"),
    "a pause that began at no time": _set("event.pause_note", "Back at nine"),
    "a role that is none": _set("members.0.role", "superuser"),
    "a key that is none": _set("updates.0.key", "1"),
    "no updates": _set("updates", None),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_or_hostile_export_is_refused_and_changes_nothing(name: str, exported: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "out")
    document = json.loads((folder / "event.json").read_text())
    DAMAGE[name](document, folder)
    (folder / "event.json").write_text(json.dumps(document))
    with pytest.raises(ArchiveError) as refused:
        import_event(folder)
    assert len(str(refused.value)) > 10
    assert not Event.objects.exists()
    assert not Update.objects.exists()
    assert not list((tmp_path / "media").rglob("*.webp"))


def _number_from_0(document: dict[str, Any], folder: Path) -> None:
    document["updates"][0]["number"], document["event"]["pinned_number"] = 0, None


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (_set("event.status", "ended"), "event.ended_at"),
        (_set("event.ended_at", "2026-11-26T12:00:00.000000Z"), "event.ended_at"),
        (_set("event.pause_note", "Back at nine"), "event.paused_at"),
        (_set("event.paused_at", "2026-11-26T12:00:00.000000Z"), "event.paused_at"),
        (_set("event.closing_note", "That was it"), "event.closing_note"),
        (_set("event.first_public_at", None), "event.first_public_at"),
        (_set("event.reload_revision", 10_000), "event.reload_revision"),
        (_set("event.pinned_number", 0), "event.pinned_number"),
        (_set("event.title", "x" * 200), "event.title"),
        (_number_from_0, "event.json, updates 1.number"),
        (_set("updates.0.content_revision", 10_000), "event.json, updates 1.content_revision"),
        (_set("updates.0.withdrawn_by", "ada"), "event.json, updates 1.withdrawn_by"),
        (_set("updates.0.erased_at", "2026-11-26T12:00:00.000000Z"), "event.json, updates 1.erased_at"),
        (_set("updates.0.version", 1), "event.json, updates 1.versions"),
    ],
)
def test_what_no_page_could_show_is_refused_with_the_name_of_its_field_and_the_front_page_answers(
    damage: Damage, field: str, exported: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(exported, tmp_path / "out")
    document = json.loads((folder / "event.json").read_text())
    damage(document, folder)
    (folder / "event.json").write_text(json.dumps(document))
    with pytest.raises(CommandError) as refused:
        call_command("import", folder)
    assert f" {field}: " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert Client().get("/").status_code == 200
    assert not Event.objects.exists()
    assert import_event(exported).did == "created"
    assert Client().get("/").status_code == 200


ODD: list[Any] = [
    None, True, -1, 0, 7, 2**31, 2**63, 1.5, math.nan, math.inf, [], {}, [None],
    "", "\n", "\x00", "\ud800", "a\u202eb", "<script>", "../x", "x" * 3_000, str(uuid.UUID(int=0)),
    "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00.000000Z",
    "ada", "owner", "contributor", "draft", "live", "ended", "oldest", "UTC",
]  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the way to each value in a document, but for the whole."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield (*way, name)
        yield from places(inner, (*way, name))


CHANGES_EACH = 30


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_in_an_export_is_taken_in_as_it_stands_or_refused(
    seed: int, exported: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    folder = shutil.copytree(exported, tmp_path / "out")
    before = json.loads((folder / "event.json").read_text())
    everywhere = list(places(before))
    taken_in = 0
    for _ in range(CHANGES_EACH):
        document = copy.deepcopy(before)
        *way, last = chance.choice(everywhere)
        at, other = (reduce(getitem, where, document) for where in (way, chance.choice(everywhere)))
        if chance.random() < 0.1:
            del at[last]
        else:
            at[last] = chance.choice(ODD) if chance.random() < 0.6 else copy.deepcopy(other)
        (folder / "event.json").write_text(json.dumps(document))
        with transaction.atomic(), suppress(ArchiveError):
            event = import_event(folder).event
            taken_in += 1
            assert document_of(event) == document, (*way, last)
            assert import_event(folder).did == "unchanged"
            for page in ("", "embed/", "fragment/", "feed.atom", "feed.json"):
                status = Client().get(f"{event.get_absolute_url()}{page}").status_code
                assert status == (200 if event.is_public else 404), (*way, last)
            transaction.set_rollback(True)
    assert 0 < taken_in < CHANGES_EACH


def test_people_here_keep_their_names_and_the_same_import_again_still_changes_nothing(exported: Path) -> None:
    make_user("bo", first_name="Robert")
    assert import_event(exported).did == "created"
    assert import_event(exported).did == "unchanged"
    assert make_user("bo").first_name == "Robert"


def test_html_in_an_export_is_never_believed(exported: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "out")
    document = json.loads((folder / "event.json").read_text())
    document["updates"][0]["body"] = "<script>alert(1)</script> [x](javascript:alert(2))"
    (folder / "event.json").write_text(json.dumps(document))
    html = import_event(folder).event.updates.get(number=1).body_html
    assert html == "<p>&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(2))</p>"


def test_a_folder_with_other_things_is_left_alone(event: Event, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear …")
    for write in (export, freeze):
        with pytest.raises(ArchiveError, match="something else"):
            write(event, tmp_path / "mine")
    assert files(tmp_path / "mine") == {"letter.txt": "Dear …".encode()}
    for name, write in (("exported", export), ("frozen", freeze)):
        write(event, tmp_path / name)
        write(event, tmp_path / name)
    assert not list(tmp_path.glob(".*"))


def test_a_copy_never_takes_the_place_of_another_events_or_of_the_other_kind(
    event: Event, make_event: Callable[..., Event], tmp_path: Path
) -> None:
    other = make_event("Another", updates=1)
    for name, write in (("exported", export), ("frozen", freeze)):
        write(event, tmp_path / name)
    before = files(tmp_path)
    for name, write in (("exported", freeze), ("frozen", export)):
        with pytest.raises(ArchiveError, match="something else"):
            write(event, tmp_path / name)
    for name, write in (("exported", export), ("frozen", freeze)):
        with pytest.raises(ArchiveError, match="something else"):
            write(other, tmp_path / name)
    (tmp_path / "foreign").mkdir()
    for content in ("{", "[]", '{"format": 1}', "null"):
        (tmp_path / "foreign" / "event.json").write_text(content)
        with pytest.raises(ArchiveError, match="something else"):
            export(event, tmp_path / "foreign")
    shutil.rmtree(tmp_path / "foreign")
    assert files(tmp_path) == before


def test_a_photo_whose_file_was_lost_does_not_keep_an_event_from_moving(
    event: Event, tmp_path: Path, settings: Any
) -> None:
    photo = event.photos.exclude(update=None).first()
    assert photo is not None
    default_storage.delete(photo_files.path_of(photo.name, photo.widths[0]))
    export(event, tmp_path / "one")
    event.remove()
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    moved = import_event(tmp_path / "one").event
    export(moved, tmp_path / "two")
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_an_event_moves_between_installations_and_databases(exported: Path, tmp_path: Path, postgres_url: str) -> None:
    shutil.copytree(exported, tmp_path / "one")

    def manage(*arguments: str) -> str:
        environ = {**os.environ, "DATA_DIR": str(tmp_path / "other"), "DATABASE_URL": postgres_url}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    manage("migrate", "--verbosity", "0")
    said = manage("import", str(tmp_path / "one"))
    assert "New here, and without a password" in said
    assert "updates: 5 of 5" in said
    assert "photos: 2 of 2" in said
    manage("export", "storm", str(tmp_path / "two"))
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_commands_say_what_is_wrong(event: Event, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no event"):
        call_command("export", "nowhere", tmp_path / "x")
    with pytest.raises(CommandError, match="no event"):
        call_command("freeze", "nowhere", tmp_path / "x")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("import", tmp_path / "nowhere")


# A static site.


def links(path: Path) -> list[str]:
    found = []
    for one in Elements(path.read_text()).found:
        found += [one.attributes[name] for name in ("href", "src") if name in one.attributes]
        found += [part.strip().split(" ")[0] for part in one.attributes.get("srcset", "").split(", ") if part]
    return found


def test_every_link_of_a_static_site_leads_to_a_file_or_far_away(event: Event, tmp_path: Path) -> None:
    site = tmp_path / "site"
    freeze(event, site)
    pages = sorted(site.rglob("*.html"))
    assert {str(page.relative_to(site)) for page in pages} == {
        "index.html", "newest-1.html", "oldest-1.html", "updates/1.html", "updates/2.html", "updates/3.html",
    }  # fmt: skip
    for page in pages:
        html = page.read_text()
        assert "<script" not in html
        assert " hx-" not in html
        assert "An archived copy, made" in html
        for link in links(page):
            if link.startswith(("http://", "https://", "#")):
                continue
            assert not link.startswith("/"), (page, link)
            target, _, anchor = link.partition("#")
            assert (page.parent / target).is_file(), (page, link)
            if anchor:
                assert f'id="{anchor}"' in (page.parent / target).read_text()


def test_a_static_site_holds_what_readers_see_and_nothing_else(event: Event, tmp_path: Path) -> None:
    site = tmp_path / "site"
    freeze(event, site)
    content = b"".join(files(site).values()).decode(errors="ignore")
    for known in ("First, put right again.", "It was the second.", "The bay", "With a photo."):
        assert known in content
    for secret in ("This was wrong.", "This must not be known", "Secret name", "First.<", "digest", '"ada"'):
        assert secret not in content, secret
    shown = set(event.photos.values_list("name", flat=True))
    assert {path.name.split("-")[0] for path in (site / "photos").iterdir()} == shown
    assert json.loads((site / "event.json").read_text())["updates"][1]["number"] == 1
    assert b"<feed" in (site / "feed.atom").read_bytes()
    order = [card.number for card in Elements((site / "newest-1.html").read_text()).cards]
    assert order == [card.number for card in Elements((site / "oldest-1.html").read_text()).cards][::-1] == [2, 1, 3]
    event.updates.get(number=2).withdraw()
    freeze(event, site)
    assert not (site / "updates" / "2.html").exists()
    assert len({path.name.split("-")[0] for path in (site / "photos").iterdir()}) == 1


def test_a_long_event_is_parted_and_every_update_can_be_found(
    make_event: Callable[..., Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liveblog.archive import freezing

    monkeypatch.setattr(freezing, "PAGE_UPDATES", 4)
    event = make_event("Long", slug="long", updates=10)
    event.updates.get(number=2).mark_key()
    told: list[tuple[str, int, int]] = []
    freeze(event, tmp_path / "site", progress=lambda *said: told.append(said))
    assert told[-1] == ("pages", 10, 10)
    for order, expected in (("oldest", [1, 2, 3, 4]), ("newest", [10, 9, 8, 7])):
        page = tmp_path / "site" / f"{order}-1.html"
        assert [card.number for card in Elements(page.read_text()).cards] == expected
        assert f"{order}-2.html" in links(page)
    assert "newest-3.html#update-2" in links(tmp_path / "site" / "newest-1.html")
    assert "oldest-1.html#update-2" in links(tmp_path / "site" / "oldest-3.html")


# At the desk.


def unpacked(response: Any) -> zipfile.ZipFile:
    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip"
    assert "attachment" in response["Content-Disposition"]
    return zipfile.ZipFile(io.BytesIO(b"".join(response)))


def test_what_is_packed_goes_out_while_the_rest_is_made(tmp_path: Path) -> None:
    made = []

    def make() -> Iterator[File]:
        (tmp_path / "wave.webp").write_bytes(b"RIFF" * 7)
        yield "photos/wave.webp", (tmp_path / "wave.webp").read_bytes
        yield "photos/lost.webp", (tmp_path / "lost.webp").read_bytes
        for number in range(5):
            made.append(number)
            yield f"{number}.bin", random.Random(number).randbytes(CHUNK_BYTES)

    async def receive() -> list[tuple[bytes, int]]:
        return [(chunk, len(made)) async for chunk in pack("storm", make())]

    received = run(receive)
    assert [done for _, done in received] == [0, 1, 2, 3, 4, 5, 5]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(chunk for chunk, _ in received)))
    assert archive.testzip() is None
    assert archive.namelist() == ["storm/photos/wave.webp", *(f"storm/{number}.bin" for number in range(5))]
    assert archive.read("storm/photos/wave.webp") == b"RIFF" * 7


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_an_owner_takes_both_away_in_one_file_each(event: Event, author: Any, tmp_path: Path) -> None:
    client = Client()
    client.force_login(author)
    assert client.get("/desk/storm/archive/").status_code == 200
    site = unpacked(client.get("/desk/storm/archive/site.zip"))
    assert {"storm/index.html", "storm/feed.atom", "storm/css/site.css"} <= set(site.namelist())
    unpacked(client.get("/desk/storm/archive/export.zip")).extractall(tmp_path / "out")
    event.remove()
    assert import_event(tmp_path / "out" / "storm-export").did == "created"


def test_a_real_server_sends_them_and_a_draft_can_be_taken_away_too(live_site: Site, tmp_path: Path) -> None:
    event = live_site.event(status="draft", updates=3, author=live_site.user("ada"))
    with live_site.visitor() as client:
        live_site.log_in(client)
        answer = client.get(f"/desk/{event.slug}/archive/site.zip")
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert f"{event.slug}/updates/3.html" in names
