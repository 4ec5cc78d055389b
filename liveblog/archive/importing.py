"""Takes in an export: checked before anything is written, all in one transaction, and fetched from nowhere."""

from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from liveblog import bell, photo_files
from liveblog.archive import document
from liveblog.archive.document import ArchiveError, Part
from liveblog.archive.exporting import CHUNK_UPDATES, MEDIA, Progress, document_of, no_progress
from liveblog.archive.reading import DOCUMENT_BYTES, PICTURE_BYTES, Plan, naming, read_file
from liveblog.models import Event, Membership, Photo, Update, Version, new_edition
from liveblog.models.database import check_rules, explained
from liveblog.models.photo import Removal


class Imported(NamedTuple):
    """The event, what was done, and the names of new accounts."""

    event: Event
    did: str
    """``created``, ``replaced`` or ``unchanged``."""
    new_people: list[str]
    notes: list[str]
    """What is worth a look, a line each."""


def import_event(folder: Path, *, slug: str = "", replace: bool = False, progress: Progress = no_progress) -> Imported:
    """Take in the export in ``folder``; the same again changes nothing.

    An event that is here and says something else is left alone unless ``replace``. Raises ``ArchiveError``, and then
    nothing has changed.
    """
    content = read_file(folder / document.DOCUMENT, at_most=DOCUMENT_BYTES)
    exported = document.parse(content)
    whole = Part(exported, document.DOCUMENT)
    whole.check_names("format version event members people photos updates".split())
    part = Part(whole.require("event", document.exactly(dict)), "event")
    present = Event.objects.filter(uuid=part.require("uuid", document.key)).first()
    if present is not None:
        if slug and slug != present.slug:
            raise ArchiveError(f"This event is here already, as “{present.slug}”.")
        if not _difference(present, exported):
            return Imported(present, "unchanged", [], [])
        if not replace:
            raise ArchiveError(
                f"The event is here already, as “{present.slug}”, and says something else. With --replace it becomes "
                "what the export says; what was changed here since is then lost."
            )
    plan = Plan(whole, folder, slug=slug or (present.slug if present else ""), progress=progress)
    return _carry_out(plan, present, exported)


def _difference(event: Event, exported: dict[str, Any]) -> str:
    """Return where an event differs from an export; an empty text if it doesn’t.

    Its slug may differ, and so may the names of people who have an account here.
    """
    here = document_of(event)
    here["event"]["slug"] = exported["event"].get("slug")
    people = Part(exported, document.DOCUMENT).parts("people")
    names = {one.require("username", document.text): one.value for one in people}
    here["people"] = [names.get(one["username"], one) for one in here["people"]]
    return document.first_difference(here, exported)


def _carry_out(plan: Plan, present: Event | None, exported: dict[str, Any]) -> Imported:
    """Write the files, then the rows: nobody finds a file before its row is there."""
    mine = {picture.photo.name for picture in plan.pictures}
    before = set(present.photos.values_list("name", flat=True)) if present else set()
    if Event.objects.filter(slug=plan.event.slug).exclude(uuid=plan.event.uuid).exists():
        raise ArchiveError(f"An event named “{plan.event.slug}” is here already. Give another name with --slug.")
    if Photo.objects.filter(name__in=mine - before).exists():
        raise ArchiveError("Another event here has pictures of the same names.")
    Removal.objects.filter(name__in=mine).delete()
    try:
        for done, (photo, widths, _, _) in enumerate(plan.pictures, start=1):
            for width in widths:
                content = read_file(plan.folder / MEDIA / photo.file_name(width), at_most=PICTURE_BYTES)
                photo_files.put(photo.name, width, content)
            plan.progress("photos", done, len(plan.pictures))
        with transaction.atomic():
            event, new_people = _write(plan, present)
            if where := _difference(event, exported):
                raise ArchiveError(f"{where} is not what an export says there.")
    except BaseException as error:
        Removal.objects.at_once(mine - before)
        if isinstance(error, IntegrityError):
            raise ArchiveError(f"The export contradicts itself, or what is here: {error}") from error
        raise
    return Imported(event, "replaced" if present else "created", new_people, plan.notes)


def _write(plan: Plan, present: Event | None) -> tuple[Event, list[str]]:
    event = plan.event
    if present is not None:
        locked = Event.objects.select_for_update().get(pk=present.pk)
        event.pk, event.edition = locked.pk, new_edition()
        locked.photos.exclude(name__in=[picture.photo.name for picture in plan.pictures]).erase()
        locked.photos.all().delete()
        locked.updates.all().delete()
        locked.memberships.all().delete()
        event.save(force_update=True)
    else:
        event.save(force_insert=True)
    users, new_people = _find_people(plan)
    Membership.objects.bulk_create(Membership(event=event, user=users[name], role=role) for name, role in plan.members)
    numbered = _write_updates(plan, event, users)
    for photo, _, number, uploader in plan.pictures:
        photo.event, photo.uploader = event, users[uploader]
        photo.update = numbered[number] if number else None
    Photo.objects.bulk_create([picture.photo for picture in plan.pictures])
    bell.ring_after_commit(event.pk)
    return event, new_people


def _write_updates(plan: Plan, event: Event, users: dict[str, User]) -> dict[int, Update]:
    for update, names, versions in plan.updates:
        update.event = event
        update.author = users[names["author"]]
        update.version_by = users[names["version_by"]] if names["version_by"] else None
        update.withdrawn_by = users[names["withdrawn_by"]] if names["withdrawn_by"] else None
        for version, made_by in versions:
            version.update, version.made_by = update, users[made_by]
    rows = [update for update, _, _ in plan.updates]
    for first in range(0, len(rows), CHUNK_UPDATES):
        _store(rows[first : first + CHUNK_UPDATES], first + 1)
    versions_too = [version for _, _, versions in plan.updates for version, _ in versions]
    for version in versions_too:
        version.update_id = version.update.pk
    Version.objects.bulk_create(versions_too, batch_size=CHUNK_UPDATES)
    return {update.number: update for update in rows}


def _store(rows: list[Update], first: int) -> None:
    """Store some updates, of which the first is number ``first`` in the document; name the one that breaks a rule."""
    try:
        with explained(), transaction.atomic():
            Update.objects.bulk_create(rows)
    except ValidationError:
        for place, update in enumerate(rows, start=first):
            with naming(f"{document.DOCUMENT}, updates {place}"):
                check_rules(update)
        raise


def _find_people(plan: Plan) -> tuple[dict[str, User], list[str]]:
    users, new_people = {}, []
    for name, exported in plan.people.items():
        users[name] = User.objects.filter(username=name).first() or exported
        if users[name] is exported:
            exported.save()
            new_people.append(name)
    return users, new_people
