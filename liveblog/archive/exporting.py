"""Writes an event, with all that belongs to it for good, into a folder."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from liveblog.archive.document import (
    DOCUMENT,
    EVENT,
    FORMAT,
    PERSON,
    PHOTO,
    UPDATE,
    VERSION,
    VERSION_FIELDS,
    ArchiveError,
    fields_of,
    serialised,
)
from liveblog.archive.packing import File, write_files
from liveblog.models import Event, Membership, Photo, Update

MEDIA = "media"
CHUNK_UPDATES = 500

type Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def no_progress(what: str, done: int, total: int) -> None:
    """Ignore the progress."""


def export(event: Event, folder: Path, *, progress: Progress = no_progress) -> None:
    """Write ``event`` to ``folder``; an earlier export of it there is replaced, anything else refused.

    What is not public yet, invitations and passwords stay here. The same state gives the same bytes.
    Raises ``ArchiveError``.
    """
    same = (FORMAT, str(event.uuid))
    check_folder(folder, DOCUMENT, lambda earlier: (earlier["format"], earlier["event"]["uuid"]) == same)
    content = serialised(document_of(event, progress=progress))
    (folder / MEDIA).mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")  # it holds what was withdrawn, and must not be committed by accident
    written = write_files(_pictures(event, progress), folder)
    for path in (folder / MEDIA).glob("*.webp"):
        if path not in written:
            path.unlink()
    unfinished = folder / f"{DOCUMENT}.new"
    unfinished.write_bytes(content)
    unfinished.replace(folder / DOCUMENT)


def exported_files(event: Event, *, progress: Progress = no_progress) -> Iterator[File]:
    """Yield the files of an export: the document, and the pictures it names."""
    yield DOCUMENT, serialised(document_of(event, progress=progress))
    yield from _pictures(event, progress)


def _pictures(event: Event, progress: Progress) -> Iterator[File]:
    return picture_files(_photos(event), MEDIA, progress)


def picture_files(photos: list[Photo], folder: str, progress: Progress) -> Iterator[File]:
    """Yield the files of ``photos``, below ``folder``."""
    for done, photo in enumerate(photos, start=1):
        for width in photo.file_widths:
            yield f"{folder}/{photo.file_name(width)}", partial(photo.read, width)
        progress("photos", done, len(photos))


def check_folder(folder: Path, mark: str, is_earlier: Callable[[Any], bool]) -> None:
    """Refuse a folder that holds anything else; ``is_earlier`` decides by what its file ``mark`` says."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        if is_earlier(json.loads((folder / mark).read_bytes())):
            return
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise ArchiveError(f"{folder} holds something else. Choose a new folder.")


def document_of(event: Event, *, progress: Progress = no_progress) -> dict[str, Any]:
    """Return the document of an event."""
    event = Event.objects.get(pk=event.pk)
    updates: list[dict[str, Any]] = []
    names: set[str] = set()
    total = event.updates.count()
    rows = event.updates.order_by("number").select_related("author", "version_by", "withdrawn_by")
    for update in rows.prefetch_related("versions__made_by").iterator(CHUNK_UPDATES):
        row = _update(update)
        names |= {row["author"], row["version_by"], row["withdrawn_by"]}
        names |= {version["made_by"] for version in row["versions"]}
        updates.append(row)
        if len(updates) % CHUNK_UPDATES == 0 or len(updates) == total:
            progress("updates", len(updates), total)
    members = Membership.objects.filter(event=event).select_related("user").order_by("user__username")
    photos = [_photo(photo) for photo in _photos(event)]
    names |= {member.user.get_username() for member in members} | {photo["uploader"] for photo in photos}
    return {
        "format": FORMAT,
        "version": VERSION,
        "event": fields_of(event, EVENT),
        "members": [{"username": member.user.get_username(), "role": str(member.role)} for member in members],
        "people": _people(names - {None}),
        "photos": photos,
        "updates": updates,
    }


def _update(update: Update) -> dict[str, Any]:
    return fields_of(update, UPDATE) | {
        "author": update.author.get_username(),
        "version_by": update.version_by and update.version_by.get_username(),
        "withdrawn_by": update.withdrawn_by and update.withdrawn_by.get_username(),
        "versions": [
            fields_of(version, VERSION_FIELDS) | {"made_by": version.made_by.get_username()}
            for version in sorted(update.versions.all(), key=lambda version: version.number)
        ],
    }


def _photos(event: Event) -> list[Photo]:
    shown = event.photos.filter(Q(update__isnull=False) | Q(is_cover=True))
    return list(shown.select_related("uploader", "update").order_by("name"))


def _photo(photo: Photo) -> dict[str, Any]:
    files = []
    for width in photo.file_widths:
        with suppress(FileNotFoundError):
            content = photo.read(width)
            files.append({"width": width, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    return fields_of(photo, PHOTO) | {
        "update": photo.update and photo.update.number,
        "uploader": photo.uploader.get_username(),
        "files": files,
    }


def _people(names: set[str]) -> list[dict[str, str]]:
    found = User.objects.filter(username__in=names).order_by("username")
    return [fields_of(one, PERSON) for one in found]
