"""Reads and checks an export before anything is written."""

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from PIL import Image

from liveblog import markup
from liveblog.archive import document
from liveblog.archive.document import EVENT, PERSON, PHOTO, UPDATE, VERSION_FIELDS, ArchiveError, Part
from liveblog.archive.exporting import CHUNK_UPDATES, MEDIA, Progress
from liveblog.models import Event, Photo, Role, Update, Version
from liveblog.models.content import check_content, is_shown
from liveblog.models.database import check_rules
from liveblog.models.head import RESERVED_SLUGS
from liveblog.models.json_fields import Correction, Figure, Unreadable
from liveblog.models.languages import read_language
from liveblog.models.sites import read_site

DOCUMENT_BYTES = 500_000_000
PICTURE_BYTES = 50_000_000


class Plan:
    """An export that has been read and checked, with its pictures."""

    def __init__(self, whole: Part, folder: Path, *, slug: str, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        self.notes: list[str] = []
        self.event = self._read_event(Part(whole.value["event"], "event"), slug)
        self.people = {user.username: user for user in map(_user, whole.parts("people"))}
        self.members = [(self._person(one, "username"), one.require("role", Role)) for one in whole.parts("members")]
        self.pictures = [self._read_picture(one) for one in whole.parts("photos")]
        self.updates = self._read_updates(whole.parts("updates"))
        numbers = [update.number for update, _, _ in self.updates]
        revisions = [update.revision for update, _, _ in self.updates]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] > self.event.last_number):
            raise ArchiveError("The updates are not numbered one after the other.")
        if len(set(revisions)) != len(revisions) or max(revisions, default=0) > self.event.revision:
            raise ArchiveError("The revisions of the updates do not fit the event’s.")
        if self.event.pinned_number and self.event.pinned_number not in numbers:
            raise ArchiveError("The pinned update is missing.")
        if any(picture.update and picture.update not in numbers for picture in self.pictures):
            raise ArchiveError("A photo belongs to an update that is missing.")

    def _read_event(self, part: Part, slug: str) -> Event:
        part.check_names(EVENT)
        event = Event(
            **part.row(
                Event,
                EVENT,
                status=Event.Status,
                order=Event.Order,
                language=_language,
                embed_sites=lambda value: [_site(one) for one in document.exactly(list)(value)],
                cover=lambda value: _drawable(value, "cover", Figure, part.where),
            )
        )
        event.slug = slug or event.slug
        if event.slug in RESERVED_SLUGS:
            raise ArchiveError(f"“{event.slug}” is an address of the desk itself. Give another name with --slug.")
        _check_row(event, "event", exclude={"uuid"})
        with naming("event"):
            check_rules(event)
        with naming("event.summary"):
            event.render_summary()
        if max(event.head_revision, event.reload_revision) > event.revision:
            raise ArchiveError("The event’s revisions do not fit each other.")
        return event

    def _read_updates(self, parts: list[Part]) -> "list[UpdatePlan]":
        read = []
        for done, part in enumerate(parts, start=1):
            read.append(self._read_update(part))
            if done % CHUNK_UPDATES == 0 or done == len(parts):
                self.progress("updates", done, len(parts))
        return read

    def _read_update(self, part: Part) -> "UpdatePlan":
        part.check_names([*UPDATE, "author", "version_by", "withdrawn_by", "versions"])
        photos, corrections = _all_drawable("photo", Figure, part), _all_drawable("correction", Correction, part)
        update = Update(**part.row(Update, UPDATE, photos=photos, corrections=corrections))
        if len(update.digest) > 64:
            raise ArchiveError(f"{part.where}: its digest is none.")
        with naming(part.where):
            if update.erased_at is None:
                check_content(headline=update.headline, body=update.body, photos=update.photos)
            update.body_html = markup.render(update.body)
        update.body_text = markup.plain(update.body_html)
        if update.erased_at is None and not (update.photos or update.headline or is_shown(update.body_html)):
            self.notes.append(f"Readers see nothing of update {update.number}: its text is all marks.")
        _check_row(update, part.where, exclude={"event", "author", "body_html", "body_text", "digest"})
        names = {"author": self._person(part, "author")}
        names |= {name: self._person(part, name, optional=True) for name in ("version_by", "withdrawn_by")}
        versions = [self._read_version(one) for one in part.parts("versions")]
        # Its next edit makes a version of that number.
        if any(version.number >= update.version for version, _ in versions):
            raise ArchiveError(f"{part.where}.versions: those before version {update.version} have lower numbers.")
        return update, names, versions

    def _read_version(self, part: Part) -> tuple[Version, str]:
        part.check_names([*VERSION_FIELDS, "made_by"])
        version = Version(**part.row(Version, VERSION_FIELDS, photos=_all_drawable("photo", Figure, part)))
        _check_row(version, part.where, exclude={"update", "made_by"})
        return version, self._person(part, "made_by")

    def _read_picture(self, part: Part) -> "Picture":
        part.check_names([*PHOTO, "update", "uploader", "files"])
        photo = Photo(**part.row(Photo, PHOTO, name=document.picture_name, widths=document.widths))
        files = part.parts("files")
        widths = [one.require("width", document.number) for one in files]
        if photo.widths[-1] != photo.width:
            raise ArchiveError(f"{part.where}: its widths do not fit each other.")
        if widths != [width for width in photo.widths if width in widths]:
            raise ArchiveError(f"{part.where}: its files do not fit its widths.")
        for width, file in zip(widths, files, strict=True):
            path = self.folder / MEDIA / photo.file_name(width)
            content = read_file(path, at_most=PICTURE_BYTES)
            if hashlib.sha256(content).hexdigest() != file.require("sha256", document.text):
                raise ArchiveError(f"{part.where}: the file of width {width} is not the one that was exported.")
            _check_picture(path, photo, width, part.where)
        number = part.get("update", document.number, optional=True)
        return Picture(photo, widths, number, self._person(part, "uploader"))

    def _person(self, part: Part, name: str, *, optional: bool = False) -> str:
        found = part.get(name, document.text, optional=optional)
        if found is not None and found not in self.people:
            raise ArchiveError(f"{part.where}: nothing is said about {name} {found!r}.")
        return found or ""


class Picture(NamedTuple):
    """A photo, the widths of it that the export has files of, and whom it belongs to."""

    photo: Photo
    widths: list[int]
    update: int | None
    uploader: str


type UpdatePlan = tuple[Update, dict[str, str], list[tuple[Version, str]]]


def read_file(path: Path, *, at_most: int) -> bytes:
    """Return a file's bytes; links are not followed."""
    try:
        found = path.lstat()
        is_plain = stat.S_ISREG(found.st_mode) and not path.parent.is_symlink()
        if is_plain and found.st_size <= at_most:
            return path.read_bytes()
    except OSError as error:
        raise ArchiveError(f"{path} can’t be read: {error.strerror}.") from error
    raise ArchiveError(f"{path} is too large." if is_plain else f"{path} is no file of the export.")


def _check_picture(path: Path, photo: Photo, width: int, where: str) -> None:
    try:
        with Image.open(path, formats=("WEBP",)) as image:
            is_right = image.width == width and (width != photo.width or image.height == photo.height)
            is_right = is_right and not getattr(image, "is_animated", False)
    except (OSError, ValueError, Image.DecompressionBombError):
        is_right = False
    if not is_right:
        raise ArchiveError(f"{where}: the file of width {width} is no picture of that size.")


def _user(part: Part) -> User:
    part.check_names(PERSON)
    user = User(**part.row(User, PERSON))
    user.set_unusable_password()
    _check_row(user, part.where)
    return user


def _all_drawable(what: str, kind: type[Figure | Correction], part: Part) -> Callable[[Any], list[Any]]:
    """Return a check of a list of photos or corrections: all of them can be drawn."""

    def check(values: Any) -> list[Any]:
        found = enumerate(document.exactly(list)(values), start=1)
        return [_drawable(value, f"{what} {number}", kind, part.where) for number, value in found]

    return check


def _drawable(value: Any, what: str, kind: type[Figure | Correction], where: str) -> Any:
    with naming(where):
        kind.from_json(value, what)
    Part(value, f"{where}, {what}").check_names(kind._fields)
    return value


def _site(value: Any) -> str:
    try:
        if read_site(value) == value:
            return str(value)
    except (ValidationError, AttributeError):
        pass
    raise ArchiveError(f"event: {str(value)[:60]!r} is no site.")


def _language(value: Any) -> str:
    value = document.text(value)
    try:
        if read_language(value).casefold() == value.casefold():
            return value
    except ValidationError:
        pass
    raise ArchiveError(f"event: {value[:60]!r} is no language.")


def _check_row(row: Any, where: str, exclude: Iterable[str] = ()) -> None:
    """Check a row’s fields as its model does; a nullable field may be empty."""
    unknown = {field.name for field in row._meta.fields if field.null and getattr(row, field.attname) is None}
    with naming(where):
        row.clean_fields(exclude={*exclude, *unknown})
        row.clean()


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Turn what is wrong with a row into an ``ArchiveError`` that names the row, and the field if it is known."""
    try:
        yield
    except Unreadable as error:
        raise ArchiveError(f"{where}: {error}.") from error
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            name, messages = next(iter(error.message_dict.items()))
            raise ArchiveError(f"{where}.{name}: {' '.join(messages)}") from error
        rule = f".{error.code}" if getattr(error, "code", None) else ""
        raise ArchiveError(f"{where}{rule}: {' '.join(error.messages)}") from error
