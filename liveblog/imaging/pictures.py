"""The folder of pictures: taken in one at a time, under names of ours, found again and removed."""

import fcntl
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from liveblog.imaging.decoding import PhotoRefused, Size, decode

UPLOAD_BYTES = 20 * 1024 * 1024
QUEUE_SECONDS = 60.0
"""How long a photo waits for those before it, on the whole machine."""
LEFTOVER_SECONDS = 3600.0

_CHUNK_BYTES = 64 * 1024
_ROOM = ".new-"
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Picture:
    """What was stored: its name, the size of the largest file as it is seen, and the widths of all."""

    name: str
    width: int
    height: int
    widths: list[int]


def store(source: BinaryIO | Path, folder: Path) -> Picture:
    """Write the photo in ``source`` to ``folder`` as WebP, in up to three widths.

    A source is read from where it stands. Raises ``PhotoRefused``, and then nothing of it is on disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _bounded_copy(source, folder) as upload, _lock(folder) as lock, _room(folder) as room:
        return _shelve(room, decode(upload, into=room, lock=lock), folder)


def path_of(folder: Path, name: str, width: int) -> Path:
    """Return where the picture ``name`` lies in that width. Raises ``ValueError`` for what is no name of ours."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a picture's name: {name!a}")
    return folder / name[:2] / f"{name}-{width:d}.webp"


def remove(folder: Path, name: str) -> None:
    """Remove every width of the picture ``name``; one that is not there is no error."""
    for path in path_of(folder, name, 0).parent.glob(f"{name}-*.webp"):
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Clear what processes that were killed at work left in ``folder`` more than an hour ago."""
    for room in folder.glob(f"{_ROOM}*"):
        with suppress(FileNotFoundError):  # its process lives, and is done with it
            if time.time() - room.lstat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _bounded_copy(source: BinaryIO | Path, folder: Path) -> Iterator[IO[bytes]]:
    """Copy ``source`` to a file without a name, which is gone whatever becomes of this process."""
    with tempfile.TemporaryFile(dir=folder) as upload:
        if isinstance(source, Path):
            if not stat.S_ISREG(source.stat().st_mode):  # a FIFO would never end, nor begin
                raise PhotoRefused("kind")
            with source.open("rb") as file:
                _copy(file, upload)
        else:
            _copy(source, upload)
        upload.seek(0)
        yield upload


def _copy(source: IO[bytes], upload: IO[bytes]) -> None:
    left = UPLOAD_BYTES + 1
    while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
        upload.write(chunk)
        left -= len(chunk)
    if not left:
        raise PhotoRefused("bytes")


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Wait until no other photo is decoded on this machine; the descriptor holds the lock."""
    deadline = time.monotonic() + QUEUE_SECONDS
    with (folder / ".lock").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PhotoRefused("busy") from None
                time.sleep(0.05)  # flock has no timeout of its own
        yield lock.fileno()


@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """Make a folder for the child to work in; it ends with all that is still in it."""
    with tempfile.TemporaryDirectory(prefix=_ROOM, dir=folder) as room:
        yield Path(room)


def _shelve(room: Path, sizes: list[Size], folder: Path) -> Picture:
    """Move what the child wrote to its place, all of it or nothing."""
    (width, height), widths = sizes[-1], [width for width, _ in sizes]
    picture = Picture(name=secrets.token_hex(16), width=width, height=height, widths=widths)
    try:
        for width in widths:
            path = path_of(folder, picture.name, width)
            path.parent.mkdir(exist_ok=True)
            (room / f"{width}.webp").rename(path)
    except BaseException:
        remove(folder, picture.name)
        raise
    return picture
