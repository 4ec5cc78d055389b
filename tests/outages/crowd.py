"""Readers in a process of their own, seen from outside."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from select import select
from tempfile import TemporaryFile
from typing import Any

from tests.outages.waits import Waits
from tests.server import ROOT

PATIENCE_SECONDS = 240


class Crowd:
    """The process that holds readers (``readers.py``); it may be frozen, as a laptop is whose lid is shut."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def open(self, front: Sequence[Any], slug: str, *, sockets: int, polls: int) -> None:
        """Let readers open the page of an event, and wait until all of them follow."""
        self._ask("open", front=front, slug=slug, sockets=sockets, polls=polls)

    def count_behind(self, edition: str, revision: int) -> int:
        """Return how many pages do not have a revision yet."""
        return int(self._ask("behind", edition=edition, revision=revision))

    def check(self, truth: Sequence[tuple[int, int, str]]) -> list[str]:
        """Return what is wrong with pages; ``truth`` has number, revision and time of all visible updates."""
        return list(self._ask("check", truth=truth))

    def waits(self, taken: Sequence[tuple[int, float]], *, edition: str, ended_at: float) -> dict[str, Waits]:
        """Return how long readers waited; ``taken`` has the revisions and when the database had them."""
        found = self._ask("waits", taken=taken, edition=edition, ended_at=ended_at)
        return {kind: Waits(*figures) for kind, figures in found.items()}

    def trouble(self) -> dict[str, int]:
        """Return what went wrong on the readers' way, and how often."""
        return dict(self._ask("trouble"))

    def churn(self, a_second: float) -> None:
        """Let readers leave and others come, so many a second."""
        self._ask("churn", a_second=a_second)

    def freeze(self) -> None:
        """Let all of them neither read nor write."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._process.send_signal(signal.SIGCONT)

    def _ask(self, name: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]).encode() + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select([self._process.stdout], [], [], PATIENCE_SECONDS)
        assert ready, f"the readers did not answer in {PATIENCE_SECONDS} s: {name}"
        line = self._process.stdout.readline()
        assert line, "the readers’ process has ended; see above"
        return json.loads(line)


@contextmanager
def crowd(inside: Sequence[str] = ()) -> Iterator[Crowd]:
    """Keep a process for readers; ``inside`` stands before its command. What it complains of is printed."""
    with TemporaryFile() as said:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "tests.outages.readers"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            yield Crowd(process)
        finally:
            process.kill()
            process.communicate()
            said.seek(0)
            print(said.read()[-4_000:].decode(errors="replace"), end="", file=sys.stderr)
