"""Puts a folder into one file for a browser to take away."""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO

CHUNK_BYTES = 256 * 1024


def pack(name: str, write: Callable[[Path], None]) -> AsyncIterator[bytes]:
    """Have ``write`` fill a folder, and return it as the bytes of a zip with ``name`` on top, bounded in memory."""
    packed = tempfile.TemporaryFile()  # noqa: SIM115  (closed when its last byte has been sent)
    try:
        with tempfile.TemporaryDirectory(prefix="liveblog-") as room:
            folder = Path(room) / name
            write(folder)
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.rglob("*")):
                    kind = zipfile.ZIP_STORED if path.suffix == ".webp" else zipfile.ZIP_DEFLATED
                    if path.is_file():
                        archive.write(path, path.relative_to(room), kind)
    except BaseException:
        packed.close()
        raise
    packed.seek(0)
    return _chunks(packed)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
