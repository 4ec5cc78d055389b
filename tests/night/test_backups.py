"""Backups: the commands of docs/operations.md, as they stand there, on a service at which somebody posts meanwhile."""

import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from websockets.sync.client import connect as dial

from liveblog.models import Event, Photo
from tests.page import Page
from tests.server import ANSWER_SECONDS, PASSWORD, ROOT, Site
from tests.test_photo_files import jpeg

pytestmark = pytest.mark.night

PATIENCE_SECONDS = 300
DATABASES = pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
BEFORE, MEANWHILE = 5, 5
"""So many posts must have been taken before the backup begins, and so many more while and after it is made."""


def commands(section: str, kind: str) -> str:
    """Return the commands below a heading of docs/operations.md for one kind of database."""
    documents = (ROOT / "docs/operations.md").read_text()
    (text,) = re.findall(rf"^### {section}\n(.*?)(?=^##|\Z)", documents, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^(\S[^\n]*)\n(?:\S[^\n]*\n)*\n((?: {4}[^\n]*\n)+)", text, re.MULTILINE)
    others = {"SQLite", "PostgreSQL"} - {kind}
    wanted = [block for said, block in blocks if not any(f"With {other}" in said for other in others)]
    assert len(wanted) == len(blocks) - 1 == 3, "the section has other blocks now"
    return "\n".join(wanted)


def carry_out(section: str, kind: str, backup: Path, site_environ: dict[str, str]) -> None:
    """Run them in a shell that was made ready as the document says."""
    script = commands(section, kind).replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["sh", "-e", "-c", f'run() {{ {sys.executable} manage.py "$@"; }}\numask 077\n{script}'],
        cwd=ROOT,
        env={"SECRET_KEY": "", **site_environ, "BACKUP": str(backup)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout


class Author:
    """Somebody who posts over and over, and knows what was taken."""

    def __init__(self, site: Site, event: Event) -> None:
        self.event = event
        self.taken: list[str] = []
        self.client = site.visitor()
        site.log_in(self.client)
        self._headers = {
            "X-CSRFToken": self.client.cookies["csrftoken"],
            "Liveblog-Author": str(site.user("ada").pk),
        }

    def post(self, body: str, **fields: str) -> None:
        """Post once."""
        sent = {"key": str(uuid.uuid4()), "body": body} | fields
        answer = self.client.post(f"/desk/{self.event.slug}/updates/", data=sent, headers=self._headers)
        assert answer.status_code == 200, answer.text
        self.taken.append(body)

    def add_photo(self) -> str:
        """Upload a photo and post it; return its name."""
        key = str(uuid.uuid4())
        answer = self.client.post(
            f"/desk/{self.event.slug}/photos/",
            data={"key": key},
            files={"photo": ("photo.jpg", jpeg(), "image/jpeg")},
            headers=self._headers,
        )
        assert answer.status_code == 200, answer.text
        self.post("Look.", photo=key)
        name: str = answer.json()["name"]
        return name

    @contextmanager
    def posting(self) -> Iterator[None]:
        """Post without a pause."""
        may_end = threading.Event()

        def post_on() -> None:
            while not may_end.is_set():
                self.post(f"Post {len(self.taken)}")

        thread = threading.Thread(target=post_on)
        thread.start()
        try:
            yield
        finally:
            may_end.set()
            thread.join(PATIENCE_SECONDS)

    def wait_for(self, number: int) -> None:
        """Wait until so many more were taken."""
        number += len(self.taken)
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while len(self.taken) < number:
            assert time.monotonic() < ends_at, "nothing is taken any more"
            time.sleep(0.02)


@pytest.fixture
def make_database(request: pytest.FixtureRequest) -> Callable[[str, Path], dict[str, str]]:
    """Return the settings of a service on a database of its own."""
    made: list[str] = []

    def make(kind: str, data_dir: Path) -> dict[str, str]:
        if kind == "SQLite":
            return {"DATABASE_URL": f"sqlite:///{data_dir / 'liveblog.sqlite3'}"}
        url: str = request.getfixturevalue("postgres_url")
        made.append(url)
        if len(made) == 1:
            return {"DATABASE_URL": url}
        other = f"{url}_{len(made)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{other.rpartition("/")[2]}"')
        request.addfinalizer(lambda: _drop(url, other))
        return {"DATABASE_URL": other}

    return make


def _drop(url: str, other: str) -> None:
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{other.rpartition("/")[2]}" WITH (FORCE)')


def bodies_of(site: Site, event: Event) -> list[str]:
    return [update.body for update in site.updates(event)]


@DATABASES
def test_a_backup_made_while_somebody_posts_is_restored_in_an_empty_place(
    kind: str,
    server: Callable[..., Site],
    make_database: Callable[[str, Path], dict[str, str]],
    tmp_path: Path,
) -> None:
    first, second, backup = tmp_path / "first", tmp_path / "second", tmp_path / "backup"
    first.mkdir(0o700)
    site = server(data_dir=first, **make_database(kind, first))
    event = site.event(updates=2, author=site.user("ada"))
    author = Author(site, event)
    name = author.add_photo()
    drafts = site.event("A draft", status="draft", updates=1)
    with author.posting():
        author.wait_for(BEFORE)
        before = list(author.taken)
        carry_out("To make one", kind, backup, site.environ)
        author.wait_for(MEANWHILE)
    site.stop()

    environ = make_database(kind, second)
    carry_out("To restore one", kind, backup, site.environ | environ | {"DATA_DIR": str(second)})
    restored = server(data_dir=second, **environ)
    bodies = bodies_of(restored, event)[2:]
    assert bodies[: len(before)] == before, "what was taken before it began is there"
    assert bodies == author.taken[: len(bodies)], "and of what came later the first, in order"
    now = restored.fresh(event)
    assert now.edition != event.edition
    assert now.last_number == len(bodies) + 2
    assert restored.do(lambda: list(Event.objects.get(pk=drafts.pk).updates.values_list("body", flat=True)))
    page = restored.get(f"/events/{event.slug}/")
    assert page.status_code == 200
    for width in restored.do(lambda: Photo.objects.get(name=name).widths):
        assert restored.get(f"/events/{event.slug}/photos/{name}-{width}.webp").status_code == 200
    check_accounts(restored, author)


def check_accounts(restored: Site, author: Author) -> None:
    """Somebody who was signed in still is, and signs in with the same password."""
    with restored.visitor() as returning:
        returning.cookies.update(author.client.cookies)
        assert returning.get(f"/desk/{author.event.slug}/").status_code == 200
    with restored.visitor() as newcomer:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', newcomer.get("/accounts/login/").text)
        assert token
        for password, status in (("wrong", 200), (PASSWORD, 302)):
            sent = {"username": "ada", "password": password, "csrfmiddlewaretoken": token[1]}
            assert newcomer.post("/accounts/login/", data=sent).status_code == status


@DATABASES
def test_pages_that_stay_open_while_an_older_backup_is_restored_show_what_it_holds(
    kind: str, server: Callable[..., Site], make_database: Callable[[str, Path], dict[str, str]], tmp_path: Path
) -> None:
    """One that polls and one with a socket; both show more than the backup has, under numbers that it will use anew."""
    folder, backup = tmp_path / "data", tmp_path / "backup"
    folder.mkdir(0o700)
    site = server(data_dir=folder, **make_database(kind, folder))
    event = site.event(updates=2, author=site.user("ada"))
    author = Author(site, event)
    carry_out("To make one", kind, backup, site.environ)
    for number in range(3):
        author.post(f"Lost {number}")
    polling, following = (Page.open(site.get(f"/events/{event.slug}/").text) for _ in range(2))
    assert [card.number for card in polling.cards] == [5, 4, 3, 2, 1]

    site.stop()
    carry_out("To restore one", kind, backup, site.environ)
    site.start()
    author.post("Told anew")
    polling.take(site.get(site.changes(event, polling.cursor)).text)
    assert polling.is_stale, "it is told to fetch itself, though its cursor is ahead"
    with dial(site.live(event, following.cursor), open_timeout=ANSWER_SECONDS, proxy=None) as socket:
        following.take(str(socket.recv(timeout=ANSWER_SECONDS)))
    assert following.is_stale
    for page in (polling, following):
        page.load(site.get(f"/events/{event.slug}/?{urlencode({'at': site.fresh(event).revision})}").text)
        assert [card.number for card in page.cards] == [3, 2, 1]
        assert "Lost" not in "".join(card.text for card in page.cards)
        assert "Told anew" in page.cards[0].text
        answer = site.get(f"/events/{event.slug}/changes/?after={page.cursor}&edition={page.edition}")
        assert answer.status_code == 204
