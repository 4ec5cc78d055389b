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
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

COMPLAINT_BYTES = 1000


class Limits(NamedTuple):
    """What a child may use; 0 seconds are no limit."""

    memory_bytes: int
    file_bytes: int  # of each file it writes
    cpu_seconds: int = 0
    wall_seconds: float = 0  # for the case that its parent, which has a clock of its own, is gone


class ChildProcess(subprocess.Popen[bytes]):
    """A Python ``script`` in a process of its own, which has nothing of ours but what is given here."""

    living: ClassVar[set["ChildProcess"]] = set()
    """Those that have not been closed."""

    def __init__(
        self, script: Path, *arguments: str, limits: Limits, folder: Path | None = None, **streams: Any
    ) -> None:
        # A file, not a pipe: nobody need read it while the child lives, and RLIMIT_FSIZE bounds it.
        self._complaint = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        command = [sys.executable, "-I", __file__, json.dumps(limits), str(script), *arguments]
        # Of the environment, what a relocated Python finds its libraries by. Each of glibc's arenas would
        # reserve 64 MB of the address space that RLIMIT_AS counts.
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        environment["MALLOC_ARENA_MAX"] = "1"
        super().__init__(
            command, stderr=self._complaint, cwd=folder, env=environment, start_new_session=True, **streams
        )
        self.living.add(self)

    def __exit__(self, *_: object) -> None:
        self.close()

    def end(self, *, within_seconds: float = 0) -> int:
        """Wait for its end, kill it if that takes longer, and return its status: below 0, the signal that ended it."""
        try:
            return self.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait()

    def complaint(self) -> str:
        """Return the end of what it wrote to standard error, as ASCII on one line: hostile input has a say in it."""
        self._complaint.seek(0)
        return ascii(self._complaint.read()[-COMPLAINT_BYTES:])

    def close(self) -> None:
        """Kill it if it lives, and let go of what belongs to it."""
        self.living.discard(self)
        self.end()
        self._complaint.close()


def _take_on(limits: Limits) -> None:
    bounds = {resource.RLIMIT_FSIZE: (limits.file_bytes, limits.file_bytes), resource.RLIMIT_CORE: (0, 0)}
    if limits.cpu_seconds:
        bounds[resource.RLIMIT_CPU] = (limits.cpu_seconds, limits.cpu_seconds + 1)  # SIGXCPU, then SIGKILL
    if sys.platform != "darwin":  # macOS has the name only, and refuses to set it
        bounds[resource.RLIMIT_AS] = (limits.memory_bytes, limits.memory_bytes)
    for kind, soft_and_hard in bounds.items():
        resource.setrlimit(kind, soft_and_hard)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)


if __name__ == "__main__":
    _take_on(Limits(*json.loads(sys.argv[1])))
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
