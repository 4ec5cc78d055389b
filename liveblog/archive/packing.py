"""Writes the files of an archive, each as soon as it is made: into a folder, or into a zip for a browser."""

import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async

type File = tuple[str, str | bytes | Callable[[], bytes]]
"""Its path below the top, and its content or what reads a picture; one whose file is lost is left out."""

CHUNK_BYTES = 64 * 1024


def write_files(files: Iterable[File], folder: Path) -> set[Path]:
    """Write ``files`` into ``folder``; return their paths."""
    written = set()
    for name, source in files:
        content = _content_of(source)
        if content is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        written.add(path)
    return written


def _content_of(source: str | bytes | Callable[[], bytes]) -> str | bytes | None:
    if not callable(source):
        return source
    try:
        return source()
    except FileNotFoundError:
        return None


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
        for name, source in files:
            content = _content_of(source)
            if content is not None:
                # Not ZIP_STORED: where a size follows its file, some programs can't tell where such a file ends.
                archive.writestr(f"{top}/{name}", content, compresslevel=1 if callable(source) else None)
            if len(sink.waiting) >= enough:
                enough = CHUNK_BYTES
                yield sink.take()
    yield sink.take()
