"""The files of photos in Django's default storage: a folder, or a bucket that several machines share."""

import logging
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from liveblog.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

FOLDER = "photos"
_NAME = re.compile(r"[0-9a-f]{32}")
_throttle = LogThrottle()


class PhotosUnavailable(OSError):
    """The storage of photos does not answer, or refuses."""


class _LocalFile(File):
    """A file that a storage in a folder moves into its place, as one that was uploaded, instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def path_of(name: str, width: int) -> str:
    """Return where the photo ``name`` lies in that width. Raises ``ValueError`` for what is no name of ours."""
    return f"{_folder_of(name)}/{name}-{width:d}.webp"


def keep(name: str, files: Mapping[int, Path]) -> None:
    """Store the files of a new photo, by their widths; they may be gone from where they were.

    Raises ``PhotosUnavailable``, and some of them may then be stored.
    """
    for width, path in files.items():
        with path.open("rb") as file:
            _save(name, width, _LocalFile(file, name=str(path)))


def put(name: str, width: int, content: bytes) -> None:
    """Store one file under a name that is known, in the place of what is there; raises ``PhotosUnavailable``."""
    _save(name, width, ContentFile(content))


def read(name: str, width: int) -> bytes:
    """Return what is in a file; raises ``FileNotFoundError`` for one that is lost, and ``PhotosUnavailable``."""
    with _told(), default_storage.open(path_of(name, width)) as file:
        content: bytes = file.read()
        return content


def remove(names: Iterable[str]) -> None:
    """Remove every width of these photos; one that is not there is no error. Raises ``PhotosUnavailable``."""
    for folder, together in groupby(sorted(names), _folder_of):
        gone = set(together)
        with _told(), suppress(FileNotFoundError):
            for file in default_storage.listdir(folder)[1]:
                if file.partition("-")[0] in gone:
                    default_storage.delete(f"{folder}/{file}")


def check() -> None:
    """Write a file and delete it; raises ``PhotosUnavailable``."""
    with _told():
        default_storage.delete(default_storage.save(f"{FOLDER}/.ready-{secrets.token_hex(8)}", ContentFile(b"ready")))


def is_local() -> bool:
    """Whether the files lie in a folder of this machine, without which nothing else is to be expected of it either."""
    return isinstance(default_storage, FileSystemStorage)


def _folder_of(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a photo's name: {name!a}")
    return f"{FOLDER}/{name[:2]}"


def _save(name: str, width: int, file: File) -> None:
    with _told():
        default_storage.save(path_of(name, width), file)


@contextmanager
def _told() -> Iterator[None]:
    """Raise ``PhotosUnavailable`` for whatever but a lost file goes wrong, and say so in the log."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        kind = type(error).__name__
        if _throttle.allows(kind):
            logger.error("The storage of photos fails: %s: %s", kind, " ".join(str(error).split()))
        raise PhotosUnavailable("The storage of photos fails; the log says why.") from error
