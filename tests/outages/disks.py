"""Disks in memory, full disks and disks that nobody can write to; only root may make them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemons import CanNotBeMade

SPARE_KB = 64
"""What is left on a disk that counts as full."""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Make a folder that is a disk in memory; raises ``CanNotBeMade``, and leaves one as any other."""
    folder.mkdir(parents=True, mode=0o700)
    mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path, *, spare_kb: int = SPARE_KB) -> Iterator[None]:
    """Leave no more room on the disk of a folder."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - spare_kb * 1024))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing in a folder be opened for writing; what is open goes on."""
    mounts = [folder, *(found for found in folder.iterdir() if found.is_mount())]
    mount("--rbind", folder, folder)
    try:
        for each in mounts:
            mount("-o", "remount,ro,bind", each, each)
        yield
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(folder)], check=True)


def mount(*words: object) -> None:
    """Run ``mount``; raises ``CanNotBeMade`` where that is not allowed."""
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CanNotBeMade(f"nothing can be mounted: {done.stderr.strip()}")
