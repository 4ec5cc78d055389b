"""Runs the child that decodes one photo, holds it to its limits, and says why a photo was refused."""

import errno
import json
import logging
import signal
import tempfile
from pathlib import Path
from typing import IO

from liveblog.child_process import ChildProcess, Limits

logger = logging.getLogger(__name__)

WIDTHS = (480, 1080, 2160)
MEGAPIXELS = 50
MEMORY_BYTES = 1024**3
CPU_SECONDS = 10
"""49 megapixels of WebP need 2 s, on a machine three times slower 6."""
WALL_SECONDS = 60
FILE_BYTES = 64 * 1024**2
"""Of one file the child writes; 2160 × 16383 pixels of noise, as many as there can be, take 20 MB (measured)."""

_CHILD = Path(__file__).with_name("child.py")
_ANSWER_BYTES = 1000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a disk says that is full or can't be written to."""
_NO_ROOM_STATUS = 75
"""The child's exit status if there was no room for what it wrote: an answer would find none either."""
_WEBP_SIDE = 16383
_HEIC = (
    "HEIC photos cannot be read on this server: send it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible), "
    "or have whoever runs this site install pillow-heif."
)
_DAMAGED = "This photo cannot be read: it is damaged, incomplete or made in a way that is not understood here."
_HEAVY = "This photo takes too much time or memory to read: make it smaller, or save it anew as JPEG."

REASONS = {
    "bytes": (413, "This file is too large: 20 MB at most."),
    "kind": (415, "This file is not a photo that can be read here: send a JPEG, PNG, WebP, GIF or AVIF."),
    "heic": (415, _HEIC),
    "damaged": (422, _DAMAGED),
    "pixels": (422, f"This photo has too many pixels: {MEGAPIXELS} megapixels at most."),
    "tall": (422, "This picture is so tall that nobody could read it here: cut it into parts, and send those."),
    "heavy": (422, _HEAVY),
    "unkept": (503, "Photos can’t be kept here just now: try again in a minute."),
    "busy": (503, "Other photos are being read right now: try again in a minute."),
}
"""The HTTP status and the sentence for an author, by reason."""

type Size = tuple[int, int]


class PhotoRefused(Exception):
    """A photo was not taken; as a string, one sentence that tells its author why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.status, sentence = REASONS[reason]
        super().__init__(sentence)


def decode(upload: IO[bytes], *, into: Path, lock: int) -> list[Size]:
    """Have the photo in ``upload`` written as ``into``/<width>.webp; return the sizes of the files, ascending.

    The child inherits ``lock``, a descriptor: whoever kills this process does not thereby
    let a second child in beside the first. Raises ``PhotoRefused``, ``OSError`` if there is no room for the files,
    and ``ChildFailed`` for what else is not the photo's fault.
    """
    order = {
        "widths": WIDTHS,
        "megapixels": MEGAPIXELS,
        "file_bytes": FILE_BYTES,
        "no_room": {"errors": NO_ROOM, "status": _NO_ROOM_STATUS},
    }
    limits = Limits(
        memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES, cpu_seconds=CPU_SECONDS, wall_seconds=WALL_SECONDS
    )
    # A file, not a pipe: RLIMIT_FSIZE bounds what a child gone mad can write to it.
    with (
        tempfile.TemporaryFile(dir=into) as answer,
        ChildProcess(
            _CHILD, json.dumps(order), limits=limits, stdin=upload, stdout=answer, folder=into, pass_fds=[lock]
        ) as child,
    ):
        status = child.end(within_seconds=WALL_SECONDS)
        answer.seek(0)
        verdict = _verdict(status, answer.read(_ANSWER_BYTES), into)
        complaint = child.complaint()
    if status == _NO_ROOM_STATUS:
        raise OSError(errno.ENOSPC, "no room for a photo")
    if verdict == "failed":
        raise ChildFailed(f"exit {status}: {complaint}")
    if isinstance(verdict, str):
        logger.info("photo refused: %s, exit %d: %s", verdict, status, complaint)
        raise PhotoRefused(verdict)
    return verdict


class ChildFailed(Exception):
    """The child could not do its work, whatever the photo: Pillow is missing."""


def _verdict(status: int, answer: bytes, into: Path) -> list[Size] | str:
    """Return the sizes, or a reason; the child has touched the upload, so what it says is not believed either."""
    if status in {-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGALRM}:
        return "heavy"
    if status > 0:
        return "failed"
    try:
        found = json.loads(answer)
        if status == 0 and isinstance(found, str) and found in REASONS:
            return found
        sizes = [(int(width), int(height)) for width, height in found]
    except Exception:  # a decoder crashed, or worse; Infinity and a thousand brackets are JSON too
        return "damaged"
    widths = [width for width, _ in sizes]
    is_sound = (
        status == 0
        and 0 < len(widths) <= len(WIDTHS)
        and widths == sorted(set(widths))
        and all(0 < width <= WIDTHS[-1] and 0 < height <= _WEBP_SIDE for width, height in sizes)
        and all(path.is_file() and not path.is_symlink() for path in (into / f"{width}.webp" for width in widths))
    )
    return sizes if is_sound else "damaged"
