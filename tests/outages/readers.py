"""The process that holds all readers; ``crowd.py`` is what the others see of it.

It reads one question in JSON a line from its standard input, and answers each with a line.
"""

import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import uvloop

from tests.outages.page import Card
from tests.outages.reader import Front, Reader
from tests.outages.waits import Waits

LINE_BYTES = 64 * 1024 * 1024
OPEN_TOGETHER = 25


class Readers:
    """All readers of one event. Each public method answers one question."""

    def __init__(self) -> None:
        self._tasks: dict[Reader, asyncio.Task[None]] = {}
        self._left: Counter[str] = Counter()
        self._churning: asyncio.Task[None] | None = None

    async def open(self, front: list[Any], slug: str, sockets: int, polls: int) -> None:
        """Let so many of each kind open the page, and wait until all of them follow."""
        address, name, port, certificate = front
        self._front = Front(address, name, port, ssl.create_default_context(cafile=certificate))
        self._slug = slug
        for number in range(sockets + polls):
            self._add(has_socket=number < sockets)
            if number % OPEN_TOGETHER == 0:
                await asyncio.sleep(0.1)
        while not all(reader.page and (reader.is_open or not reader.has_socket) for reader in self._tasks):
            self._look()
            await asyncio.sleep(0.1)

    async def behind(self, edition: str, revision: int) -> int:
        """Return how many pages do not have this revision yet."""
        self._look()
        pages = [reader.page for reader in self._tasks]
        return sum(not page or page.edition != edition or page.revision < revision for page in pages)

    async def check(self, truth: list[tuple[int, int, str]]) -> list[str]:
        """Return what is wrong: a page's cards must be all updates that lie in its window, each once, in order."""
        cards = [Card(*row) for row in truth]
        wrong = []
        for reader in self._tasks:
            page = _page_of(reader)
            wanted = [card for card in cards if page.oldest is None or card.place >= page.oldest]
            if page.shown() != wanted:
                wrong.append(f"shows {_short(page.shown())}, not {_short(wanted)}")
        return wrong

    async def waits(self, taken: list[tuple[int, float]], edition: str, ended_at: float) -> dict[str, Waits]:
        """Return how long readers waited for each revision, by what they have.

        Who did not have an update at ``ended_at``, when the fault was over, waited for it since then.
        """
        found: dict[bool, list[float]] = {True: [], False: []}
        for reader in self._tasks:
            found[reader.has_socket] += _waits_of(reader, taken, edition, ended_at)
        return {"sockets": Waits.of(found[True]), "polls": Waits.of(found[False])}

    async def trouble(self) -> dict[str, int]:
        """Return what went wrong on the way, and how often."""
        return dict(sum((reader.trouble for reader in self._tasks), Counter(self._left)))

    async def churn(self, a_second: float) -> None:
        """From now on let readers leave and others come, so many a second; 0: no longer."""
        if self._churning is not None:
            self._churning.cancel()
        self._churning = asyncio.create_task(self._churn(a_second)) if a_second else None

    def _add(self, *, has_socket: bool) -> None:
        reader = Reader(self._front, self._slug, has_socket=has_socket)
        self._tasks[reader] = asyncio.create_task(reader.read())

    async def _churn(self, a_second: float) -> None:
        while True:
            await asyncio.sleep(1 / a_second)
            reader = random.choice([one for one in self._tasks if one.page])
            self._left += reader.trouble
            task = self._tasks.pop(reader)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._add(has_socket=reader.has_socket)

    def _look(self) -> None:
        """Raise what a reader has ended with, which none should."""
        for task in self._tasks.values():
            if task.done():
                task.result()
                raise AssertionError("a reader has given up")


def _page_of(reader: Reader) -> Any:
    assert reader.page is not None
    return reader.page


def _waits_of(reader: Reader, taken: list[tuple[int, float]], edition: str, ended_at: float) -> list[float]:
    """Return the wait for each update that came while the page was open; a page that never had one waits on."""
    steps = [step for step in reader.steps if step.edition == edition]
    opened_at, now = reader.steps[0].at, time.monotonic()
    found, at = [], 0
    for revision, taken_at in taken:
        if taken_at < opened_at:
            continue
        while at < len(steps) and steps[at].revision < revision:
            at += 1
        had_at = steps[at].at if at < len(steps) else now
        since = max(taken_at, ended_at) if had_at > ended_at else taken_at
        found.append(max(0.0, had_at - since))
    return found


def _short(cards: list[Card]) -> str:
    numbers = [card.number for card in cards]
    return f"{len(numbers)} updates, the last {numbers[-5:]}"


async def main() -> None:
    """Answer questions until nobody asks any more."""
    loop = asyncio.get_running_loop()
    questions = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    readers = Readers()
    while line := await questions.readline():
        name, arguments = json.loads(line)
        answer = await getattr(readers, name)(**arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
