"""How cost grows with readers, with the updates of an event, with live events: one process on uvicorn."""

import itertools
import secrets
import statistics
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from benchmarks import content
from benchmarks.browser import Browser
from benchmarks.measures import FIRST_AROUND, cost_of, idle_share, our_cursor, our_socket
from benchmarks.polling import poll
from benchmarks.readers import Readers, attached
from benchmarks.servers import Running, running_on_uvicorn

READERS = (1, 100, 1_000, 10_000)
UPDATES = (100, 10_000, 100_000)
EVENTS = (1, 100, 1_000)
EVENT_UPDATES = 20
POSTS = 20
PAGES = 40
POLLING_SECONDS = 3.0

GROWING = "growing"


class Table(NamedTuple):
    """One curve: what each column is, and a row for each size."""

    columns: list[str]
    rows: list[list[str]]

    def __str__(self) -> str:
        lines = [self.columns, ["--:"] * len(self.columns), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Posts(NamedTuple):
    """What a post takes, its readers included."""

    cpu_seconds: float
    """Of the server, less what it takes when nothing happens."""
    served_seconds: float
    """Until the last reader has it, or the author's answer where nobody reads."""


def curves() -> Iterator[Table]:
    """Measure all; each takes some minutes."""
    yield by_readers()
    yield by_updates()
    yield by_events()


def by_readers() -> Table:
    """Measure one event with more and more sockets."""
    rows = []
    for count in READERS:
        with running_on_uvicorn([f"{GROWING}:{content.UPDATES}"]) as server:
            path, empty = our_socket(server.port, GROWING), server.memory_bytes()
            with attached(server.port, path, count=count) as readers:
                kilobytes = (server.memory_bytes() - empty) / count / 1000
                taken = measure_posts(server, GROWING, readers)
        rows.append([f"{count:,}", *posted(taken), f"{kilobytes:,.0f} kB" if count >= READERS[-2] else "–"])
    return Table(["readers", "CPU of a post, all served", "last reader served", "memory of a reader"], rows)


def by_updates() -> Table:
    """Measure an event with more and more updates."""
    rows = []
    for count in UPDATES:
        with running_on_uvicorn([f"{GROWING}:{count}"]) as server:
            browser = Browser(server.port)
            pages = cost_of(server, partial(open_page, browser, itertools.count(FIRST_AROUND)), times=PAGES)
            revision, edition = our_cursor(server.port, GROWING)
            path = f"/events/{GROWING}/changes/?after={revision}&edition={edition}"
            began_with = server.cpu_seconds()
            load = poll(server.port, path, status=204, seconds=POLLING_SECONDS)
            polls = (server.cpu_seconds() - began_with) / (load.per_second * POLLING_SECONDS)
            taken = measure_posts(server, GROWING)
            row = [f"{count:,}", milliseconds(pages), f"{polls * 1e6:,.0f} µs", posted(taken)[0]]
            rows.append([*row, f"{server.memory_bytes() / 1e6:,.0f} MB"])
    columns = [
        "updates",
        "CPU of a page, rendered",
        "CPU of a poll for nothing",
        "CPU of a post",
        "memory of the server",
    ]
    return Table(columns, rows)


def by_events() -> Table:
    """Measure more and more live events, each with one reader."""
    rows = []
    for count in EVENTS:
        slugs = [f"{GROWING}-{number}" for number in range(count)]
        with (
            running_on_uvicorn([f"{slug}:{EVENT_UPDATES}" for slug in slugs]) as server,
            attached(server.port, *(our_socket(server.port, slug) for slug in slugs), count=count),
        ):
            idle = idle_share(server)
            taken = measure_posts(server, slugs[0])
            memory = server.memory_bytes()
        rows.append([f"{count:,}", f"{1000 * idle:,.1f} ms/s", posted(taken)[0], f"{memory / 1e6:,.0f} MB"])
    return Table(["live events", "CPU when nothing happens", "CPU of a post", "memory of the server"], rows)


def measure_posts(server: Running, slug: str, readers: Readers | None = None) -> Posts:
    """Post as an author who waits until everyone has it."""
    author, seconds = Browser.logged_in(server.port), []

    def post() -> None:
        marker = secrets.token_hex(8)
        if readers is not None:
            readers.expect(marker)
        answer = author.publish(slug, marker)
        last_at = readers.served().last_at if readers is not None else answer.answered_at
        seconds.append(last_at - answer.asked_at)

    return Posts(cost_of(server, post, times=POSTS), statistics.median(seconds))


def open_page(browser: Browser, numbers: Iterator[int]) -> None:
    """Open the event page around another update each time, so that none comes from memory."""
    browser.get(f"/events/{GROWING}/?around={next(numbers)}")


def posted(taken: Posts) -> list[str]:
    """Write both readings."""
    return [milliseconds(taken.cpu_seconds), milliseconds(taken.served_seconds)]


def milliseconds(seconds: float) -> str:
    """Write a time."""
    return f"{1000 * seconds:,.1f} ms"
