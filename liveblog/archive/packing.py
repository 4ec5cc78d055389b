"""Writes the files of an archive, each as soon as it is made: into a folder, or into a zip for a browser."""

import shutil
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async

type File = tuple[str, str | bytes | Path]
"""Its path below the top, and its content or the file to copy; a file that is lost is left out."""

CHUNK_BYTES = 64 * 1024


def write_files(files: Iterable[File], folder: Path) -> set[Path]:
    """Write ``files`` into ``folder``; return their paths."""
    written = set()
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        elif content.exists():
            shutil.copyfile(content, path)
        else:
            continue
        written.add(path)
    return written


async def pack(top: str, files: Iterable[File]) -> AsyncIterator[bytes]:
    """Yield the bytes of a zip with ``files`` below ``top``, each as soon as it is made.

    So nothing is kept in memory, and no proxy gives up for want of a first byte.
    """
    chunks = _zipped(top, files)
    next_chunk = sync_to_async(lambda: next(chunks, b""))  # in the request's thread, which has the database connection
    while chunk := await next_chunk():
        yield chunk


class _Sink:
    """A file that can only be written to; ``take()`` returns what was written since."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, content: bytes, /) -> int:
        self.waiting += content
        return len(content)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def _zipped(top: str, files: Iterable[File]) -> Iterator[bytes]:
    sink, enough = _Sink(), 1  # so that the browser shows at once that it begins
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            if not isinstance(content, Path):
                archive.writestr(f"{top}/{name}", content)
            elif content.exists():
                # Not ZIP_STORED: where a size follows its file, some programs can't tell where such a file ends.
                archive.write(content, f"{top}/{name}", compresslevel=1)
            if len(sink.waiting) >= enough:
                enough = CHUNK_BYTES
                yield sink.take()
    yield sink.take()
