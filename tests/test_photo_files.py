"""The files of photos, in a folder and in a bucket: kept, handed out by Django alone, and what happens without them."""

import io
import re
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image

from config.photo_storage import read_photo_storage
from liveblog import imaging, periodic, photo_files
from liveblog.admission import SHARES, Kind
from liveblog.archive import export, freeze, import_event
from liveblog.models import Attachment, Event, Photo
from liveblog.models.photo import REMOVED_TOGETHER, Removal
from liveblog.photo_files import PhotosUnavailable
from liveblog.syndication.pictures import picture_of
from tests.bucket import Bucket
from tests.server import ANSWER_SECONDS, Site
from tests.test_uploads import Desk

NAME = "0123456789abcdef" * 2
OTHER = "0123456789abcdee" * 2
PATIENCE_SECONDS = 120


def jpeg(width: int = 600, height: int = 400, colour: tuple[int, int, int] = (20, 90, 160)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG")
    return file.getvalue()


def use_bucket(settings: Any, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    """Keep photos in the bucket from now on, as a server with these settings does."""
    for name, value in bucket.environ.items():
        monkeypatch.setenv(name, value)
    storage = read_photo_storage("S3_BUCKET", endpoint="S3_ENDPOINT", region="S3_REGION")
    settings.STORAGES = settings.STORAGES | {"default": storage}


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Where photos are kept in this test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    if request.param == "bucket":
        use_bucket(settings, monkeypatch, request.getfixturevalue("bucket"))
    return request.param


@pytest.fixture
def away(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> Bucket:
    """A bucket in use, to be cut off."""
    settings.MEDIA_ROOT = tmp_path / "media"
    use_bucket(settings, monkeypatch, bucket)
    return bucket


def add_photo(event: Event, author: User, **size: Any) -> Photo:
    return event.add_photo(uploader=author, key=uuid.uuid4(), file=io.BytesIO(jpeg(**size)))


def until(condition: Callable[[], Any]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.1)


# Both kinds of storage.


@pytest.mark.usefixtures("kept")
def test_a_file_is_stored_read_stored_anew_and_removed() -> None:
    assert photo_files.path_of(NAME, 480) == f"photos/01/{NAME}-480.webp"
    for name, width in ((NAME, 480), (NAME, 1080), (OTHER, 480)):
        photo_files.put(name, width, f"{name} {width}".encode())
    assert photo_files.read(NAME, 1080) == f"{NAME} 1080".encode()
    photo_files.put(NAME, 480, b"mended")
    assert photo_files.read(NAME, 480) == b"mended"
    with pytest.raises(FileNotFoundError):
        photo_files.read(NAME, 481)
    photo_files.remove([NAME, "f" * 32])
    for width in (480, 1080):
        with pytest.raises(FileNotFoundError):
            photo_files.read(NAME, width)
    assert photo_files.read(OTHER, 480)
    photo_files.check()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 31, "A" * 32, "*" * 32, "a" * 32 + "\n"])
def test_a_name_that_is_not_ours_leads_nowhere(name: str) -> None:
    with pytest.raises(ValueError):
        photo_files.path_of(name, 480)
    with pytest.raises(ValueError):
        photo_files.remove([name])


def test_a_photo_is_kept_and_moves_with_its_event(kept: str, event: Event, author: User, tmp_path: Path) -> None:
    cover = add_photo(event, author)
    event.set_cover(attachment=Attachment(cover.key, "The bridge"))
    photo = add_photo(event, author, width=700)
    event.publish(author=author, body="Look.", photos=[Attachment(photo.key, "The river")])
    event.refresh_from_db()
    assert Image.open(io.BytesIO(photo.read(480))).format == "WEBP"
    assert not list((tmp_path / "media").rglob(".new-*")), "what the child worked in is gone"
    assert bool(list((tmp_path / "media").rglob("*.webp"))) == (kept == "folder")
    export(event, tmp_path / "moving")
    freeze(event, tmp_path / "frozen")
    expected = {f"{one.name}-{width}.webp" for one in (cover, photo) for width in one.widths}
    assert {path.name for path in (tmp_path / "moving" / "media").iterdir()} == expected
    assert {path.name for path in (tmp_path / "frozen" / "photos").iterdir()} == expected
    assert Image.open(io.BytesIO(picture_of(event))).getpixel((600, 300))[2] > 120  # type: ignore[index]
    before = photo.read(700)
    photo_files.remove([cover.name, photo.name])
    event.delete()
    moved = import_event(tmp_path / "moving").event
    assert moved.photos.get(key=photo.key).read(700) == before


@pytest.mark.django_db(transaction=True)
def test_what_is_erased_is_gone_after_commit_and_what_nothing_shows_is_tidied(
    event: Event, author: User, kept: str
) -> None:
    photo = add_photo(event, author)
    update = event.publish(author=author, body="Look.", photos=[Attachment(photo.key)])
    update.purge()
    if kept == "bucket":
        assert photo_files.read(photo.name, 600), "nobody waits for a bucket, least of all in an event’s turn"
        Removal.objects.carry_out()
    with pytest.raises(FileNotFoundError):
        photo_files.read(photo.name, 600)
    unused = add_photo(event, author)
    Photo.objects.filter(pk=unused.pk).update(arrived_at="2026-01-01T00:00:00Z")
    assert periodic.tidy() == []
    Removal.objects.carry_out()
    with pytest.raises(FileNotFoundError):
        unused.read(600)
    assert not Removal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_all_files_of_an_event_go_however_many(event: Event, author: User, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    photos = [add_photo(event, author) for _ in range(2 * REMOVED_TOGETHER + 1)]
    Removal.objects.bulk_create(Removal(name=photo.name) for photo in photos)
    Removal.objects.carry_out()
    assert not Removal.objects.exists()
    assert not list((tmp_path / "media").rglob("*.webp"))


# A folder.


@pytest.mark.django_db(transaction=True)
def test_files_in_a_folder_are_moved_there_and_their_owners_alone(
    event: Event, author: User, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    photo = add_photo(event, author)
    paths = sorted((tmp_path / "media" / "photos" / photo.name[:2]).iterdir())
    assert [path.name for path in paths] == [f"{photo.name}-480.webp", f"{photo.name}-600.webp"]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert paths[0].parent.stat().st_mode & 0o077 == 0


class Broken(FileSystemStorage):
    """Stores the smaller file of a photo, and then no more."""

    def _save(self, name: str, content: Any) -> str:
        if name.endswith("-600.webp"):
            raise OSError("the disk is broken")
        return str(super()._save(name, content))


def test_a_photo_that_can_not_be_stored_whole_is_not_stored(
    event: Event, author: User, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.Broken"}}
    with pytest.raises(imaging.PhotoRefused, match="can’t be kept here just now") as refused:
        add_photo(event, author)
    assert refused.value.status == 503
    assert not list((tmp_path / "media").rglob("*.webp"))
    assert not event.photos.exists()


class Noting(FileSystemStorage):
    """Notes whether the thread that reads or writes has a database connection."""

    connected: list[bool] = []

    def _save(self, name: str, content: Any) -> str:
        self.connected.append(connection.connection is not None)
        return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:
        self.connected.append(connection.connection is not None)
        return super()._open(name, mode)


@pytest.mark.django_db(transaction=True)
def test_nobody_holds_a_database_connection_while_a_photo_is_stored_or_read(
    event: Event, author: User, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.Noting"}}
    photo = add_photo(event, author)
    event.publish(author=author, body="Look.", photos=[Attachment(photo.key)])
    client = Client()
    client.force_login(author)
    for name in ("photo", "desk-photo"):
        assert client.get(reverse(name, args=[event.slug, photo.name, 480])).status_code == 200
    assert Noting.connected == [False] * 4


# A bucket.


def test_a_bucket_is_never_seen_from_outside(server: Callable[..., Site], bucket: Bucket) -> None:
    site = server(**bucket.environ)
    desk = Desk(site)
    key = uuid.uuid4()
    assert desk.upload(jpeg(), key).status_code == 200
    again = desk.upload(jpeg(), key)
    assert again.status_code == 200
    name = again.json()["name"]
    assert bucket.photos == [f"photos/{name[:2]}/{name}-{width}.webp" for width in (480, 600)]
    assert not list((site.data_dir / "media").rglob("*.webp"))
    public, own = f"/events/{desk.event.slug}/photos/{name}-600.webp", f"/desk/{desk.event.slug}/photos/{name}-600.webp"
    assert site.get(public).status_code == 404, "nothing shows it yet"
    assert desk.client.get(own).status_code == 200
    assert desk.post(photo=str(key), alt="The river").status_code == 200
    answer = site.get(public)
    content = bucket.files()[f"photos/{name[:2]}/{name}-600.webp"]
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Length"] == str(len(content))
    unchanged = httpx.get(site.url + public, headers={"If-None-Match": answer.headers["ETag"]}, trust_env=False)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["Cache-Control"] == answer.headers["Cache-Control"]
    assert bucket.name not in str(answer.headers) + site.get(site.page(desk.event)).text
    packed = desk.client.get(f"/desk/{desk.event.slug}/archive/export.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.read(f"{desk.event.slug}-export/media/{name}-600.webp") == content
    assert site.get("/readyz").text.splitlines()[1] == "media: ok"
    assert bucket.photos == sorted(bucket.files()), "looking whether it can be written to leaves nothing"
    update = site.updates(desk.event)[0]
    site.do(desk.event.make_draft)
    assert site.get(public).status_code == 404
    erased = desk.client.post(
        f"/desk/{desk.event.slug}/updates/{update.number}/purge/",
        data={"number": str(update.number)},
        headers=desk.headers,
    )
    assert erased.status_code in {200, 302}, erased.text
    until(lambda: bucket.photos == [])
    assert "Traceback" not in site.log


def test_without_the_bucket_all_but_photos_is_served_and_nothing_is_lost(
    server: Callable[..., Site], bucket: Bucket
) -> None:
    site = server(**bucket.environ)
    desk = Desk(site)
    key = uuid.uuid4()
    name = desk.upload(jpeg(), key).json()["name"]
    assert desk.post(photo=str(key)).status_code == 200
    public = f"/events/{desk.event.slug}/photos/{name}-600.webp"
    etag = site.get(public).headers["ETag"]
    bucket.network.cut()

    later = uuid.uuid4()
    refused = desk.upload(jpeg(colour=(200, 0, 0)), later)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.text == "Photos can’t be kept here just now: try again in a minute.\n"
    plain = {name: value for name, value in desk.headers.items() if name != "Liveblog-Author"}
    form = desk.client.post(
        f"/desk/{desk.event.slug}/updates/",
        data={"key": str(uuid.uuid4()), "body": "Written and not lost"},
        files={"photos": ("photo.jpg", jpeg(), "image/jpeg")},
        headers=plain,
    )
    assert form.status_code == 503
    assert re.search(r'<textarea name="body"[^>]*>\s*Written and not lost</textarea>', form.text)
    shown = site.get(public)
    assert (shown.status_code, shown.headers["Retry-After"], shown.headers["Cache-Control"]) == (503, "5", "no-store")
    assert "The photos are out of reach" in shown.text
    held = httpx.get(site.url + public, headers={"If-None-Match": etag}, trust_env=False, timeout=ANSWER_SECONDS)
    assert held.status_code == 304, "who has it needs no bucket"
    until(lambda: "media: can’t be written to" in site.get("/readyz").text)
    assert site.get("/readyz").status_code == 200, "no machine is better off"
    assert site.get(site.page(desk.event)).status_code == 200
    assert desk.post(body="Text goes on.").status_code == 200
    assert "Traceback" not in site.log
    assert site.log.count("The storage of photos fails: ") <= 2, "once a minute, not each time"
    assert bucket.environ["AWS_SECRET_ACCESS_KEY"] not in site.log

    bucket.network.mend()
    assert desk.upload(jpeg(colour=(200, 0, 0)), later).status_code == 200
    assert site.get(public).status_code == 200
    assert len(bucket.photos) == 4
    assert site.do(desk.event.photos.count) == 2


def test_a_silent_bucket_holds_up_no_page_and_no_text(server: Callable[..., Site], bucket: Bucket) -> None:
    site = server(**bucket.environ)
    desk = Desk(site)
    key = uuid.uuid4()
    name = desk.upload(jpeg(), key).json()["name"]
    assert desk.post(photo=str(key)).status_code == 200
    bucket.network.swallow()
    asked = 3 * SHARES[Kind.PHOTOS].most
    public = f"/events/{desk.event.slug}/photos/{name}-600.webp"
    answered = threading.Event()

    def look() -> int:
        status = site.get(public).status_code
        answered.set()
        return status

    with ThreadPoolExecutor(asked) as pool:
        waiting = [pool.submit(look) for _ in range(asked)]
        until(lambda: re.search(r'requests_waiting{kind="photos"} [1-9]', site.get("/metrics").text))
        assert site.get(site.page(desk.event)).status_code == 200
        assert desk.post(body="Text goes on.").status_code == 200
        assert not answered.is_set(), "all of this while photos were waited for"
        assert {one.result() for one in waiting} == {503}
    assert "Traceback" not in site.log


@pytest.mark.django_db(transaction=True)
def test_what_is_erased_while_the_bucket_is_away_goes_as_soon_as_it_is_back(
    event: Event, author: User, away: Bucket
) -> None:
    photo = add_photo(event, author)
    update = event.publish(author=author, body="Look.", photos=[Attachment(photo.key)])
    other = add_photo(event, author)
    away.network.cut()
    update.purge()
    assert not Photo.objects.filter(pk=photo.pk).exists()
    tidying = periodic.Tidying()
    assert [type(error) for error in tidying.work()] == [PhotosUnavailable]
    assert len(away.photos) == 4
    away.network.mend()
    assert tidying.work() == []
    assert away.photos == [f"photos/{other.name[:2]}/{other.name}-{width}.webp" for width in (480, 600)]
    assert not Removal.objects.exists()


def test_a_link_elsewhere_shows_no_wrong_picture_while_the_bucket_is_away(
    event: Event, author: User, away: Bucket
) -> None:
    cover = add_photo(event, author)
    event.set_cover(attachment=Attachment(cover.key, "The bridge"))
    event.refresh_from_db()
    address = reverse("social-card", args=[event.slug, event.head_revision])
    away.network.cut()
    client = Client(raise_request_exception=False)
    assert client.get(address).status_code == 503
    away.network.mend()
    shown = client.get(address)
    assert shown.status_code == 200
    assert Image.open(io.BytesIO(shown.content)).getpixel((600, 300))[2] > 120  # type: ignore[index]


@pytest.mark.django_db(transaction=True)
def test_commands_say_in_one_line_that_the_bucket_is_away(
    event: Event, author: User, away: Bucket, tmp_path: Path
) -> None:
    photo = add_photo(event, author)
    event.publish(author=author, body="Look.", photos=[Attachment(photo.key)])
    export(event, tmp_path / "moving")
    event.remove()
    away.network.cut()
    with pytest.raises(CommandError, match=r"^Nothing was changed\. The storage of photos fails; the log says why\.$"):
        call_command("import", str(tmp_path / "moving"))
    assert not Event.objects.exists()
    away.network.mend()
    call_command("import", str(tmp_path / "moving"))
    away.network.cut()
    with pytest.raises(CommandError, match=r"^The storage of photos fails; the log says why\.$"):
        call_command("freeze", event.slug, str(tmp_path / "frozen"))
    assert not (tmp_path / "frozen").exists()
    away.network.mend()
    periodic.tidy()
    assert Photo.objects.get().read(600)
