"""One photo at a time is decoded, in a working folder of this machine that ends with what was not taken from it."""

import fcntl
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from liveblog.imaging.decoding import NO_ROOM, PhotoRefused, decode
from liveblog.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

UPLOAD_BYTES = 20 * 1024 * 1024
QUEUE_SECONDS = 60.0
"""How long a photo waits for those before it, on the whole machine."""
LEFTOVER_SECONDS = 3600.0

_CHUNK_BYTES = 64 * 1024
_ROOM = ".new-"
_throttle = LogThrottle()


class Picture(NamedTuple):
    """A photo that was written anew: the size of the largest file as it is seen, and all files by their widths."""

    width: int
    height: int
    files: dict[int, Path]


@contextmanager
def rewritten(source: BinaryIO | Path, folder: Path) -> Iterator[Picture]:
    """Write the photo in ``source`` anew as WebP, in up to three widths, in a folder of its own below ``folder``.

    What is not taken from there meanwhile is gone afterwards. A source is read from where it stands. Raises
    ``PhotoRefused``.
    """
    with ExitStack() as kept:
        with _needing_room():
            folder.mkdir(parents=True, exist_ok=True)
            upload = kept.enter_context(_bounded_copy(source, folder))
            with _lock(folder) as lock:  # others are decoded while these files are stored
                room = kept.enter_context(_room(folder))
                sizes = decode(upload, into=room, lock=lock)
        yield Picture(*sizes[-1], {width: room / f"{width}.webp" for width, _ in sizes})


def sweep(folder: Path) -> None:
    """Clear what processes that were killed at work left in ``folder`` more than an hour ago."""
    for room in folder.glob(f"{_ROOM}*"):
        with suppress(FileNotFoundError):  # its process lives, and is done with it
            if time.time() - room.lstat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _needing_room() -> Iterator[None]:
    """Refuse a photo for now where the disk is full or can't be written to, and say so in the log."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        if _throttle.allows():
            logger.error("Photos can’t be decoded: %s", os.strerror(error.errno or 0))
        raise PhotoRefused("unkept") from error


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
    path = folder / ".lock"
    path.touch(mode=0o600)
    with path.open("ab") as lock:
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
