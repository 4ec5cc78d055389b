"""Takes in an export: checked before anything is written, all in one transaction, and fetched from nowhere."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from liveblog import bell, imaging
from liveblog.archive import document
from liveblog.archive.document import Part, Refused
from liveblog.archive.exporting import CHUNK_UPDATES, MEDIA, Progress, document_of, quiet
from liveblog.archive.reading import DOCUMENT_BYTES, Plan, read_file, refusal
from liveblog.models import Event, Membership, Photo, Update, Version, new_edition
from liveblog.models.database import check_rules, explained
from liveblog.models.photo import photo_folder


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
    content = read_file(folder / document.DOCUMENT, at_most=DOCUMENT_BYTES)
    parsed = document.parsed(content)
    whole = Part(parsed, document.DOCUMENT)
    whole.check_names("format version event members people photos updates".split())
    told = Part(whole.need("event", document.kept(dict)), "event")
    present = Event.objects.filter(uuid=told.need("uuid", document.key)).first()
    if present is not None:
        if slug and slug != present.slug:
            raise Refused(f"This event is here already, as “{present.slug}”.")
        if not _difference(present, parsed):
            return Imported(present, "unchanged", [])
        if not replace:
            raise Refused(
                f"The event is here already, as “{present.slug}”, and says something else. With --replace it becomes "
                "what the export says; what was changed here since is then lost."
            )
    plan = Plan(whole, folder, slug=slug or (present.slug if present else ""), progress=progress)
    return _carry_out(plan, present, parsed)


def _difference(event: Event, told: dict[str, Any]) -> str:
    """Return where an event says something else than an export, or nothing.

    Its address here is ours to choose, and people who were here before go by the names they have here.
    """
    here = document_of(event)
    here["event"]["slug"] = told["event"].get("slug")
    names = {one.need("username", document.text): one.value for one in Part(told, document.DOCUMENT).parts("people")}
    here["people"] = [names.get(one["username"], one) for one in here["people"]]
    return document.difference(here, told)


def _carry_out(plan: Plan, present: Event | None, told: dict[str, Any]) -> Imported:
    """Write it all, files first: they are not found by anybody before the rows are."""
    folder = photo_folder()
    mine = {picture.photo.name for picture in plan.pictures}
    before = set(present.photos.values_list("name", flat=True)) if present else set()
    if Event.objects.filter(slug=plan.event.slug).exclude(uuid=plan.event.uuid).exists():
        raise Refused(f"An event named “{plan.event.slug}” is here already. Give another name with --slug.")
    if Photo.objects.filter(name__in=mine - before).exists():
        raise Refused("Another event here has pictures of the same names.")
    copied: list[str] = []
    try:
        for done, (photo, widths, _, _) in enumerate(plan.pictures, start=1):
            copied.append(photo.name)
            for width in widths:
                path = photo.path(width)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(plan.folder / MEDIA / path.name, path)
            plan.progress("photos", done, len(plan.pictures))
        with transaction.atomic():
            event, new_people = _write(plan, present)
            if where := _difference(event, told):
                raise Refused(f"{where} is not what an export says there.")
    except BaseException as error:
        for name in set(copied) - before:
            imaging.remove(folder, name)
        if isinstance(error, IntegrityError):
            raise Refused(f"The export contradicts itself, or what is here: {error}") from error
        raise
    for name in before - mine:
        imaging.remove(folder, name)
    return Imported(event, "replaced" if present else "created", new_people)


def _write(plan: Plan, present: Event | None) -> tuple[Event, list[str]]:
    event = plan.event
    if present is not None:
        locked = Event.objects.select_for_update().get(pk=present.pk)
        event.pk, event.edition = locked.pk, new_edition()
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
    """Store some updates, the first of which has this place in the document; refuse the one that breaks a rule."""
    try:
        with explained(), transaction.atomic():
            Update.objects.bulk_create(rows)
    except ValidationError:
        for place, update in enumerate(rows, start=first):
            try:
                check_rules(update)
            except ValidationError as error:
                raise refusal(f"{document.DOCUMENT}, updates {place}", error) from error
        raise


def _find_people(plan: Plan) -> tuple[dict[str, User], list[str]]:
    users, new_people = {}, []
    for name, told in plan.people.items():
        users[name] = User.objects.filter(username=name).first() or told
        if users[name] is told:
            told.save()
            new_people.append(name)
    return users, new_people
