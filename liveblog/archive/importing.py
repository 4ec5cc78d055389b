"""Takes in an export: checked before anything is written, all in one transaction, and fetched from nowhere."""

import hashlib
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from PIL import Image

from liveblog import bell, imaging, markup
from liveblog.archive import document
from liveblog.archive.document import EVENT, PHOTO, UPDATE, VERSION_FIELDS, Part, Refused
from liveblog.archive.exporting import CHUNK_UPDATES, MEDIA, Progress, document_of, quiet
from liveblog.forms.event import RESERVED_SLUGS
from liveblog.forms.sites import read_site
from liveblog.models import Event, Membership, Photo, Role, Update, Version, new_edition
from liveblog.models.content import check_content
from liveblog.models.event import photo_folder

DOCUMENT_BYTES = 500_000_000
PICTURE_BYTES = 50_000_000


class Imported(NamedTuple):
    """What came of it: the event, what was done, and who was not known here before."""

    event: Event
    did: str
    """``created``, ``replaced`` or ``unchanged``."""
    new_people: list[str]


def import_event(folder: Path, *, slug: str = "", replace: bool = False, progress: Progress = quiet) -> Imported:
    """Take in the export in ``folder``; the same again changes nothing.

    An event that is here and says something else is left alone unless ``replace``. Raises ``Refused``, and then
    nothing has changed.
    """
    content = _read(folder / document.DOCUMENT, at_most=DOCUMENT_BYTES)
    parsed = document.parsed(content)
    whole = Part(parsed, document.DOCUMENT)
    whole.check_names("format version event members people photos updates".split())
    told = Part(whole.need("event", document.kept(dict)), "event")
    present = Event.objects.filter(uuid=told.need("uuid", document.key)).first()
    if present is not None:
        if slug and slug != present.slug:
            raise Refused(f"This event is here already, as “{present.slug}”.")
        here = document_of(present)
        here["event"]["slug"] = told.value.get("slug")
        if document.dumped(here) == document.dumped(parsed):
            return Imported(present, "unchanged", [])
        if not replace:
            raise Refused(
                f"The event is here already, as “{present.slug}”, and says something else. With --replace it becomes "
                "what the export says; what was changed here since is then lost."
            )
    plan = _Plan(whole, folder, slug=slug or (present.slug if present else ""), progress=progress)
    return plan.carry_out(present)


class _Plan:
    """An export that has been read and found good, down to its pictures."""

    def __init__(self, whole: Part, folder: Path, *, slug: str, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        self.event = self._read_event(Part(whole.value["event"], "event"), slug)
        self.people = {one.need("username", document.text): one for one in whole.parts("people")}
        self.members = [(one.need("username", document.text), one.need("role", Role)) for one in whole.parts("members")]
        self.pictures = [self._read_picture(one) for one in whole.parts("photos")]
        self.updates = self._read_updates(whole.parts("updates"))
        numbers = [update.number for update, _, _ in self.updates]
        revisions = [update.revision for update, _, _ in self.updates]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] > self.event.last_number):
            raise Refused("The updates are not numbered one after the other.")
        if len(set(revisions)) != len(revisions) or max(revisions, default=0) > self.event.revision:
            raise Refused("The revisions of the updates do not fit the event’s.")
        if self.event.pinned_number and self.event.pinned_number not in numbers:
            raise Refused("The pinned update is missing.")

    def carry_out(self, present: Event | None) -> Imported:
        """Write it all, files first: they are not found by anybody before the rows are."""
        folder = photo_folder()
        mine = {photo.name for photo, _, _ in self.pictures}
        before = set(present.photos.values_list("name", flat=True)) if present else set()
        if Event.objects.filter(slug=self.event.slug).exclude(uuid=self.event.uuid).exists():
            raise Refused(f"An event named “{self.event.slug}” is here already. Give another name with --slug.")
        if Photo.objects.filter(name__in=mine - before).exists():
            raise Refused("Another event here has pictures of the same names.")
        copied: list[str] = []
        try:
            for done, (photo, _, _) in enumerate(self.pictures, start=1):
                copied.append(photo.name)
                for width in photo.widths:
                    path = imaging.path_of(folder, photo.name, width)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self.folder / MEDIA / f"{photo.name}-{width}.webp", path)
                self.progress("photos", done, len(self.pictures))
            with transaction.atomic():
                event, new_people = self._write(present)
        except BaseException as error:
            for name in set(copied) - before:
                imaging.remove(folder, name)
            if isinstance(error, IntegrityError):
                raise Refused(f"The export contradicts itself, or what is here: {error}") from error
            raise
        for name in before - mine:
            imaging.remove(folder, name)
        return Imported(event, "replaced" if present else "created", new_people)

    def _write(self, present: Event | None) -> tuple[Event, list[str]]:
        event = self.event
        if present is not None:
            locked = Event.objects.select_for_update().get(pk=present.pk)
            event.pk, event.edition = locked.pk, new_edition()
            locked.photos.all().delete()
            locked.updates.all().delete()
            locked.memberships.all().delete()
            event.save(force_update=True)
        else:
            event.save(force_insert=True)
        users, new_people = self._find_people()
        Membership.objects.bulk_create(
            Membership(event=event, user=users[name], role=role) for name, role in self.members
        )
        numbered = self._write_updates(event, users)
        for photo, number, uploader in self.pictures:
            photo.event, photo.uploader = event, users[uploader]
            photo.update = numbered[number] if number else None
        Photo.objects.bulk_create([photo for photo, _, _ in self.pictures])
        bell.ring_after_commit(event.pk)
        return event, new_people

    def _write_updates(self, event: Event, users: dict[str, User]) -> dict[int, Update]:
        for update, names, versions in self.updates:
            update.event = event
            update.author = users[names["author"]]
            update.version_by = users[names["version_by"]] if names["version_by"] else None
            update.withdrawn_by = users[names["withdrawn_by"]] if names["withdrawn_by"] else None
            for version, made_by in versions:
                version.update, version.made_by = update, users[made_by]
        rows = [update for update, _, _ in self.updates]
        Update.objects.bulk_create(rows, batch_size=CHUNK_UPDATES)
        versions_too = [version for _, _, versions in self.updates for version, _ in versions]
        for version in versions_too:
            version.update_id = version.update.pk
        Version.objects.bulk_create(versions_too, batch_size=CHUNK_UPDATES)
        return {update.number: update for update in rows}

    def _find_people(self) -> tuple[dict[str, User], list[str]]:
        users, new_people = {}, []
        for name, told in self.people.items():
            user = User.objects.filter(username=name).first()
            if user is None:
                user = User(
                    username=name,
                    first_name=told.need("first_name", document.text),
                    last_name=told.need("last_name", document.text),
                )
                user.set_unusable_password()
                _clean(user, f"person {name!r}")
                user.save()
                new_people.append(name)
            users[name] = user
        return users, new_people

    def _read_event(self, part: Part, slug: str) -> Event:
        part.check_names(EVENT)
        event = Event(
            **{name: part.read(name, document.time, optional=True) for name in _EVENT_TIMES},
            **{name: part.need(name, document.text) for name in _TEXTS},
            **{name: part.need(name, document.number) for name in _NUMBERS},
            uuid=part.need("uuid", document.key),
            status=part.need("status", Event.Status),
            order=part.need("order", Event.Order),
            changed_at=part.need("changed_at", document.time),
            contributors_wait=part.need("contributors_wait", document.kept(bool)),
            embed_sites=[_site(one) for one in part.need("embed_sites", document.kept(list))],
            pinned_number=part.read("pinned_number", document.number, optional=True),
            cover=part.read("cover", _figure, optional=True),
        )
        event.slug = slug or event.slug
        if event.slug in RESERVED_SLUGS:
            raise Refused(f"“{event.slug}” is an address of the desk itself. Give another name with --slug.")
        _clean(event, "event", exclude={"uuid"})
        try:
            event.summary_html = markup.render(event.summary)
        except markup.TooSlow:
            raise Refused("The event’s summary takes too long to render.") from None
        if max(event.head_revision, event.reload_revision) > event.revision:
            raise Refused("The event’s revisions do not fit each other.")
        return event

    def _read_updates(self, parts: list[Part]) -> "list[_Told]":
        read = []
        for done, part in enumerate(parts, start=1):
            read.append(self._read_update(part))
            if done % CHUNK_UPDATES == 0 or done == len(parts):
                self.progress("updates", done, len(parts))
        return read

    def _read_update(self, part: Part) -> "_Told":
        part.check_names([*UPDATE, "author", "version_by", "withdrawn_by", "versions"])
        update = Update(
            **{name: part.read(name, document.time, optional=True) for name in _UPDATE_TIMES},
            **{name: part.need(name, document.text) for name in "digest byline headline body".split()},
            **{name: part.need(name, document.number) for name in "number revision version content_revision".split()},
            **{name: part.need(name, document.time) for name in ("posted_at", "published_at")},
            key=part.need("key", document.key),
            is_key=part.need("is_key", document.kept(bool)),
            photos=[_figure(one) for one in part.need("photos", document.kept(list))],
            corrections=[_correction(one) for one in part.need("corrections", document.kept(list))],
        )
        if len(update.digest) > 64:
            raise Refused(f"{part.where}: its digest is none.")
        if update.erased_at is None:
            _content(update, part.where)
        try:
            update.body_html = markup.render(update.body)
        except markup.TooSlow:
            raise Refused(f"{part.where} takes too long to render.") from None
        update.body_text = markup.plain(update.body_html)
        _clean(update, part.where, exclude={"event", "author", "body_html", "body_text", "digest"})
        names = {"author": self._person(part, "author")}
        names |= {name: self._person(part, name, optional=True) for name in ("version_by", "withdrawn_by")}
        return update, names, [self._read_version(one) for one in part.parts("versions")]

    def _read_version(self, part: Part) -> tuple[Version, str]:
        part.check_names([*VERSION_FIELDS, "made_by"])
        version = Version(
            number=part.need("number", document.number),
            headline=part.need("headline", document.text),
            body=part.need("body", document.text),
            photos=[_figure(one) for one in part.need("photos", document.kept(list))],
            made_at=part.need("made_at", document.time),
        )
        _clean(version, part.where, exclude={"update", "made_by"})
        return version, self._person(part, "made_by")

    def _read_picture(self, part: Part) -> tuple[Photo, int | None, str]:
        part.check_names([*PHOTO, "update", "uploader", "files"])
        photo = Photo(
            **{name: part.need(name, document.number) for name in ("width", "height")},
            key=part.need("key", document.key),
            name=part.need("name", document.picture_name),
            widths=part.need("widths", document.widths),
            arrived_at=part.need("arrived_at", document.time),
            is_cover=part.need("is_cover", document.kept(bool)),
        )
        files = {one.need("width", document.number): one for one in part.parts("files")}
        if list(files) != photo.widths or photo.widths[-1] != photo.width:
            raise Refused(f"{part.where}: its files do not fit its widths.")
        for width, told in files.items():
            content = _read(self.folder / MEDIA / f"{photo.name}-{width}.webp", at_most=PICTURE_BYTES)
            if hashlib.sha256(content).hexdigest() != told.need("sha256", document.text):
                raise Refused(f"{part.where}: the file of width {width} is not the one that was exported.")
            _check_picture(self.folder / MEDIA / f"{photo.name}-{width}.webp", photo, width, part.where)
        return photo, part.read("update", document.number, optional=True), self._person(part, "uploader")

    def _person(self, part: Part, name: str, *, optional: bool = False) -> str:
        found = part.read(name, document.text, optional=optional)
        if found is not None and found not in self.people:
            raise Refused(f"{part.where}: nothing is said about {name} {found!r}.")
        return found or ""


type _Told = tuple[Update, dict[str, str], list[tuple[Version, str]]]

_TEXTS = "title slug summary time_zone language pause_note closing_note".split()
_EVENT_TIMES = "starts_at ends_at ended_at first_public_at paused_at latest_clock".split()
_UPDATE_TIMES = "version_at edited_at withdrawn_at erased_at".split()
_NUMBERS = "revision head_revision reload_revision last_number".split()


def _read(path: Path, *, at_most: int) -> bytes:
    """Return a file's bytes; nothing that leads out of the export's folder is followed."""
    try:
        found = path.lstat()
        is_plain = stat.S_ISREG(found.st_mode) and not path.parent.is_symlink()
        if is_plain and found.st_size <= at_most:
            return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} can’t be read: {error.strerror}.") from error
    raise Refused(f"{path} is too large." if is_plain else f"{path} is no file of the export.")


def _check_picture(path: Path, photo: Photo, width: int, where: str) -> None:
    try:
        with Image.open(path, formats=("WEBP",)) as image:
            is_right = image.width == width and (width != photo.width or image.height == photo.height)
            is_right = is_right and not getattr(image, "is_animated", False)
    except (OSError, ValueError, Image.DecompressionBombError):
        is_right = False
    if not is_right:
        raise Refused(f"{where}: the file of width {width} is no picture of that size.")


def _figure(value: Any) -> dict[str, Any]:
    part = Part(value, "photo")
    part.check_names("name width height widths alt".split())
    part.need("name", document.picture_name)
    part.need("widths", document.widths)
    part.need("alt", document.text)
    for name in ("width", "height"):
        part.need(name, document.number)
    return part.value


def _correction(value: Any) -> dict[str, Any]:
    part = Part(value, "correction")
    part.check_names("at note version".split())
    part.need("at", document.time)
    part.need("note", document.text)
    part.need("version", document.number)
    return part.value


def _site(value: Any) -> str:
    try:
        if read_site(value) == value:
            return str(value)
    except (ValidationError, AttributeError):
        pass
    raise Refused(f"event: {str(value)[:60]!r} is no site.")


def _content(update: Update, where: str) -> None:
    try:
        check_content(headline=update.headline, body=update.body, photos=update.photos)
    except ValidationError as error:
        raise Refused(f"{where}: {' '.join(error.messages)}") from error


def _clean(row: Any, where: str, exclude: Iterable[str] = ()) -> None:
    """Hold a row to what its model says of each field; what may be unknown and is, is right."""
    unknown = {field.name for field in row._meta.fields if field.null and getattr(row, field.attname) is None}
    try:
        row.clean_fields(exclude={*exclude, *unknown})
        row.clean()
    except ValidationError as error:
        raise Refused(f"{where}: {error.message_dict}") from error
