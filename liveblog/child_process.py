"""A child process that may be killed at any moment: isolated, and held to its limits before its script begins.

Run as a script, this file is the child's own beginning. It imports nothing of ours.
"""

import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, NamedTuple, Self

COMPLAINT_BYTES = 1000


class Limits(NamedTuple):
    """What a child may use; 0 seconds are no limit."""

    memory_bytes: int
    file_bytes: int
    """Of each file it writes."""
    cpu_seconds: int = 0
    wall_seconds: float = 0
    """For the case that its parent is gone; a parent that is there has a clock of its own."""


class ChildProcess:
    """A Python ``script`` in a process of its own, which has nothing of ours but what is given here.

    ``keeps`` are descriptors that it inherits. Used as a context, it is killed at the end of it.
    """

    def __init__(
        self,
        script: Path,
        *arguments: str,
        limits: Limits,
        stdin: IO[bytes] | int,
        stdout: IO[bytes] | int,
        folder: Path | None = None,
        keeps: Collection[int] = (),
    ) -> None:
        # A file, not a pipe: nobody need read it while the child lives, and RLIMIT_FSIZE bounds it.
        self._complaint = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, json.dumps(limits), str(script), *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=self._complaint,
            cwd=folder,
            env=_environment(),
            pass_fds=keeps,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def end(self, *, within_seconds: float = 0) -> int:
        """Wait for its end, kill it if that takes longer, and return its status: below 0, the signal that ended it."""
        try:
            return self._process.wait(within_seconds)
        except BaseException as error:
            self._process.kill()
            status = self._process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                return status
            raise

    def close(self) -> None:
        """Kill it if it lives, and let go of what belongs to it."""
        self.end()
        self._complaint.close()

    def complaint(self) -> str:
        """Return the end of what it wrote to standard error, as ASCII on one line: hostile input has a say in it."""
        self._complaint.seek(0)
        return ascii(self._complaint.read()[-COMPLAINT_BYTES:])


def _environment() -> dict[str, str]:
    """Return nothing of ours but where a relocated Python finds its own libraries."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    # Each of glibc's arenas would reserve 64 MB of the address space that RLIMIT_AS counts.
    return kept | {"MALLOC_ARENA_MAX": "1"}


def _take_on(limits: Limits) -> None:
    bounds = [
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if limits.cpu_seconds:
        bounds.append((resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1))  # SIGXCPU, then SIGKILL
    if sys.platform != "darwin":  # macOS has the name only, and refuses to set it
        bounds.append((resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes))
    for kind, soft, hard in bounds:
        resource.setrlimit(kind, (soft, hard))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)


if __name__ == "__main__":
    _take_on(Limits(*json.loads(sys.argv[1])))
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
