"""Several processes of one server: replaced one by one, or killed, while readers follow and authors post."""

import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from liveblog.models import Event
from tests.server import ANSWER_SECONDS, Site
from tests.test_release import copy_program

READERS = 12
POSTS = 20


class Follower(threading.Thread):
    """A reader who comes back with the cursor, as a page does, until told to stop."""

    def __init__(self, site: Site, event: Event) -> None:
        super().__init__(daemon=True)
        self.site, self.event = site, event
        self.revision = event.revision
        self.numbers: list[int] = []
        self.comebacks = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                with connect(self.site.live(self.event, self.revision), proxy=None) as socket:
                    while not self.stopped.is_set():
                        self.take(str(socket.recv(1)))
            except TimeoutError:
                continue
            except (ConnectionClosed, InvalidHandshake, OSError):
                self.comebacks += 1
                time.sleep(0.05)

    def take(self, fragment: str) -> None:
        found = re.search(r'<section data-after="(\d+)" data-revision="(\d+)"', fragment)
        after, revision = map(int, (found or _none(fragment)).groups())
        if not after <= self.revision < revision:
            return
        self.numbers += map(int, re.findall(r'<article[^>]* id="update-(\d+)"', fragment))
        self.revision = revision


def _none(fragment: str) -> re.Match[str]:
    raise AssertionError(f"no fragment of ours: {fragment[:200]}")


class Author(threading.Thread):
    """Posts again, under the same key, what got no answer or a 503, as an outbox does."""

    def __init__(self, site: Site, event: Event) -> None:
        super().__init__(daemon=True)
        self.site, self.event = site, event
        self.statuses: list[int] = []

    def run(self) -> None:
        with self.site.visitor() as visitor:
            self.site.log_in(visitor)
            for number in range(POSTS):
                key = str(uuid.uuid4())
                while not self.post(visitor, f"Post {number}", key):
                    time.sleep(0.1)
                time.sleep(0.15)

    def post(self, visitor: httpx.Client, body: str, key: str) -> bool:
        token = {"X-CSRFToken": visitor.cookies["csrftoken"]}
        try:
            answer = visitor.post(f"/desk/{self.event.slug}/updates/", data={"body": body, "key": key}, headers=token)
        except httpx.TransportError:
            return False
        self.statuses.append(answer.status_code)
        return answer.status_code == 302


def children_of(site: Site) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(site.process_id)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split() if b"spawn_main" in _command_of(int(pid))]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.1)


@pytest.mark.parametrize("happening", ["replaced", "killed"])
def test_no_reader_misses_an_update_while_processes_change(server: Callable[..., Site], happening: str) -> None:
    site = server(PROCESSES="2")
    until(lambda: len(children_of(site)) == 2)
    event = site.event(author=site.user("ada"))
    followers = [Follower(site, event) for _ in range(READERS)]
    author = Author(site, event)
    before = set(children_of(site))
    for thread in (*followers, author):
        thread.start()
    until(lambda: len(author.statuses) >= 3)
    if happening == "replaced":
        os.kill(site.process_id, signal.SIGHUP)
        until(lambda: len(now := set(children_of(site))) == 2 and not now & before)
    else:
        for process in sorted(before):  # one after the other: all readers may be on one of them
            os.kill(process, signal.SIGKILL)
            until(lambda process=process: len(now := set(children_of(site))) == 2 and process not in now)
    author.join(ANSWER_SECONDS * 4)
    assert not author.is_alive()
    expected = [update.number for update in site.updates(event)]
    assert len(expected) == POSTS
    until(lambda: all(follower.revision == site.fresh(event).revision for follower in followers))
    for follower in followers:
        follower.stopped.set()
    for follower in followers:
        follower.join(10)
        assert follower.numbers == expected
    assert sum(follower.comebacks for follower in followers) >= 1, "some were on a process that went"
    if happening == "replaced":
        assert set(author.statuses) == {302}, "nobody is refused while processes are replaced"
    assert "Traceback" not in site.log


def test_each_process_keeps_to_its_release_until_it_is_replaced(server: Callable[..., Site], tmp_path: Path) -> None:
    site = server(PROCESSES="2")
    site.stop()
    site.root = tmp_path / "program"
    site.root.mkdir()
    copy_program(site.root)
    site.start()
    until(lambda: len(children_of(site)) == 2)
    event = site.event(updates=1)

    def releases() -> set[str]:
        return {site.get(site.changes(event, event.revision)).headers["Release"] for _ in range(10)}

    before = set(children_of(site))
    (former,) = releases()
    card = site.root / "templates" / "liveblog" / "update.html"
    card.write_text(card.read_text().replace('<p class="update-when">', '<p class="update-when is-next">'))
    assert releases() == {former}
    assert not any("is-next" in site.get(site.page(event)).text for _ in range(10))

    os.kill(site.process_id, signal.SIGHUP)
    until(lambda: len(now := set(children_of(site))) == 2 and not now & before)
    until(lambda: former not in releases())
    assert len(releases()) == 1
    assert all("is-next" in site.get(site.page(event)).text for _ in range(10))
