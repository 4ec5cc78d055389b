"""Several machines with one database, one Redis and one bucket: each dies in turn, and no reader is wrong."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from liveblog.models import Event
from tests.balancer import Balancer
from tests.bucket import Bucket, serving_buckets
from tests.machines import CanNotBeMade, networked, serving_data
from tests.server import ROOT, Site
from tests.test_processes import Author, Follower

pytestmark = pytest.mark.night

READERS = 6
MAKE_EVENT = "from liveblog.models import Event; Event.objects.create(title='Storm', slug='storm')"
MORE = 4
"""So many updates everybody has seen while a machine was gone."""
QUIET_SECONDS = 2.0
"""After so long without news these readers ask; a page is more patient."""
GIVEN_UP_SECONDS = 5.0
PATIENCE_SECONDS = 240

type Happening = tuple[Callable[[], None], Callable[[], None]]
"""What happens to a machine, and what ends it."""


class Front:
    """The service as people reach it: whichever machine answers."""

    def __init__(self, site: Site, balancer: Balancer) -> None:
        self._site = site
        self._machine, self._own = f"{site.host}:{site.port}", f"127.0.0.1:{balancer.port}"

    def live(self, event: Event, after: int = 0) -> str:
        return self._site.live(event, after).replace(self._machine, self._own)

    def changes(self, event: Event, after: int = 0) -> str:
        return self._site.changes(event, after).replace(self._machine, self._own)

    def visitor(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://{self._own}", timeout=GIVEN_UP_SECONDS, trust_env=False)

    def log_in(self, visitor: httpx.Client, username: str = "ada") -> None:
        visitor.get("/accounts/login/")
        visitor.cookies.set("sessionid", self._site.session_key(username))


class Poller(Follower):
    """A reader who has no sockets."""

    def run(self) -> None:
        while not self.stopped.wait(0.3):
            self.poll()

    def poll(self) -> None:
        """Ask once, whichever machine answers."""
        address = self.site.changes(self.event, self.revision)
        try:
            answer = httpx.get(address, timeout=GIVEN_UP_SECONDS, trust_env=False)
        except httpx.TransportError:
            self.comebacks += 1
            return
        if answer.status_code == 200:
            self.take(answer.text)


class Reader(Poller):
    """A reader with a socket, who asks too when it is quiet, and leaves one that has kept something back."""

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                with connect(
                    self.site.live(self.event, self.revision), proxy=None, open_timeout=5, close_timeout=1
                ) as socket:
                    self.follow(socket)
            except (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, EOFError):
                self.comebacks += 1
                time.sleep(0.1)

    def follow(self, socket: ClientConnection) -> None:
        while not self.stopped.is_set():
            try:
                self.take(str(socket.recv(QUIET_SECONDS)))
            except TimeoutError:
                before = self.revision
                self.poll()
                if self.revision > before:
                    self.comebacks += 1
                    return


class PersistentAuthor(Author):
    """Posts one update after the other, each until it is taken, until told that it is enough."""

    def __init__(self, site: Any, event: Event) -> None:
        super().__init__(site, event)
        self.posted: list[str] = []
        self.finished = threading.Event()

    def run(self) -> None:
        with self.site.visitor() as visitor:
            self.site.log_in(visitor)
            while not self.finished.wait(0.2):
                body, key = f"Post {len(self.posted)}", str(uuid.uuid4())
                while not self.post(visitor, body, key):
                    time.sleep(0.2)
                self.posted.append(body)


def until(condition: Callable[[], Any], said: Callable[[], object] = str) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain {said()}"
        time.sleep(0.1)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What a test has started."""
    with ExitStack() as stack:
        yield stack


def start_machines(
    running: ExitStack, folder: Path, unblocked: Any, places: Sequence[tuple[str, Sequence[str]]], **environ: str
) -> tuple[Front, list[Site]]:
    """Start the service at each address, with what stands before its command; all have the same settings."""
    balancer = running.enter_context(Balancer())
    shared = {
        "SERVER": "uvicorn",
        "SECRET_KEY": "the same for all of them, and long enough to be one",
        "BASE_URL": f"http://127.0.0.1:{balancer.port}",
        "ALLOWED_HOSTS": ",".join(["127.0.0.1", *(host for host, _ in places)]),
    }
    sites = []
    for number, (host, inside) in enumerate(places):
        data_dir = folder / f"machine-{number}"
        data_dir.mkdir(mode=0o700)
        site = Site(data_dir, unblocked, host=host, inside=inside, **shared, **environ)
        running.callback(site.close)
        site.start()
        sites.append(site)
    balancer.lead_to(*((site.host, site.port) for site in sites))
    return Front(sites[0], balancer), sites


def check_that_no_reader_is_wrong(
    front: Any, sites: list[Site], bucket: Bucket, happenings: Sequence[Happening]
) -> None:
    """Let each thing happen while readers follow and an author posts; all end with just what the database has."""
    event = sites[0].event(author=sites[0].user("ada"))
    readers = [kind(front, event) for kind in (Reader, Poller) for _ in range(READERS)]
    author = PersistentAuthor(front, event)
    for thread in (*readers, author):
        thread.start()
    until(lambda: all(reader.numbers for reader in readers))
    for happen, end in happenings:
        happen()
        wanted = len(author.posted) + MORE
        until(lambda wanted=wanted: len(author.posted) >= wanted, lambda: author.statuses)
        until(
            lambda wanted=wanted: all(len(reader.numbers) >= wanted for reader in readers),
            lambda: [(type(reader), reader.revision, reader.comebacks, reader.is_alive()) for reader in readers],
        )
        end()
        until(lambda: all(site.is_healthy() for site in sites))
    author.finished.set()
    author.join(PATIENCE_SECONDS)
    assert not author.is_alive()
    check_that_photos_are_everywhere(sites, event, bucket)
    updates = sites[0].updates(event)
    assert [update.body for update in updates] == [*author.posted, "Look."], "each once, in the order it was sent"
    revision = sites[0].fresh(event).revision
    until(lambda: all(reader.revision == revision for reader in readers))
    for reader in readers:
        reader.stopped.set()
    for reader in readers:
        reader.join(30)
        assert reader.numbers == [update.number for update in updates]
    assert sum(reader.comebacks for reader in readers) >= 1, "some were on a machine that went"
    for site in sites:
        assert "Traceback" not in site.log, site.log


def check_that_photos_are_everywhere(sites: list[Site], event: Event, bucket: Bucket) -> None:
    """Upload a photo to one machine: each hands it out."""
    file = io.BytesIO()
    Image.new("RGB", (600, 400)).save(file, "JPEG")
    key = str(uuid.uuid4())
    with sites[0].visitor() as visitor:
        sites[0].log_in(visitor)
        headers = {"X-CSRFToken": visitor.cookies["csrftoken"], "Liveblog-Author": str(sites[0].user("ada").pk)}
        photo = {"photo": ("photo.jpg", file.getvalue(), "image/jpeg")}
        sent = visitor.post(f"/desk/{event.slug}/photos/", data={"key": key}, files=photo, headers=headers)
        assert sent.status_code == 200, sent.text
        fields = {"key": str(uuid.uuid4()), "body": "Look.", "photo": key}
        assert visitor.post(f"/desk/{event.slug}/updates/", data=fields, headers=headers).status_code == 200
    address = f"/events/{event.slug}/photos/{sent.json()['name']}-600.webp"
    answers = [site.get(address) for site in sites]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(bucket.photos) == 2


def test_machines_on_a_network_die_in_turn(tmp_path: Path, running: ExitStack, django_db_blocker: Any) -> None:
    try:
        data, *apps = running.enter_context(networked("data", "one", "two"))
        found = running.enter_context(serving_data(data))
    except CanNotBeMade as error:
        pytest.skip(f"no network of namespaces, or nothing to run in it: {error}")
    bucket = Bucket("photos", running.enter_context(serving_buckets(tmp_path, host=data.address, inside=data.inside)))
    places = [(machine.address, machine.inside) for machine in apps]
    front, sites = start_machines(running, tmp_path, django_db_blocker.unblock, places, **bucket.environ, **found)
    killed = [(site.kill, site.start) for site in sites]
    unplugged = [(machine.unplug, machine.plug_in) for machine in apps]
    check_that_no_reader_is_wrong(front, sites, bucket, [*killed, *unplugged])


HOLD = """
import os, time
import config.asgi  # as a server does when it starts
from liveblog.models import Event
with Event.objects.get(slug="storm").change():
    print("held", flush=True)
    time.sleep(3600)
"""


@contextmanager
def holding(database_url: str, folder: Path, inside: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Let a process that is like a server's have the lock of an event."""
    environ = {**os.environ, "DATABASE_URL": database_url, "DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    for code in ("from django.core.management import call_command; call_command('migrate', verbosity=0)", MAKE_EVENT):
        command = [sys.executable, "-c", f"import django; django.setup()\n{code}"]
        subprocess.run(command, env=environ, cwd=ROOT, check=True, timeout=PATIENCE_SECONDS)
    command = [*inside, sys.executable, "-c", HOLD]
    process = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def check_that_the_lock_is_free(database_url: str) -> None:
    with psycopg.connect(database_url, options=f"-c lock_timeout={PATIENCE_SECONDS}s") as connection:
        connection.execute("SELECT id FROM liveblog_event WHERE slug = 'storm' FOR UPDATE")


def test_a_machine_that_is_unplugged_in_a_transaction_lets_go_of_the_event(tmp_path: Path, running: ExitStack) -> None:
    try:
        data, one = running.enter_context(networked("data", "one"))
        url = running.enter_context(serving_data(data))["DATABASE_URL"]
    except CanNotBeMade as error:
        pytest.skip(f"no network of namespaces, or nothing to run in it: {error}")
    running.enter_context(holding(url, tmp_path, one.inside))
    one.unplug()
    check_that_the_lock_is_free(url)


@pytest.mark.postgres
def test_a_process_that_hangs_in_a_transaction_lets_go_of_the_event(tmp_path: Path, postgres_url: str) -> None:
    with holding(postgres_url, tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        check_that_the_lock_is_free(postgres_url)


@pytest.mark.postgres
@pytest.mark.redis
def test_machines_on_addresses_of_this_one_die_in_turn(
    tmp_path: Path, running: ExitStack, django_db_blocker: Any, postgres_url: str, redis_url: str, bucket: Bucket
) -> None:
    places: list[tuple[str, Sequence[str]]] = [("127.0.0.2", ()), ("127.0.0.3", ())]
    found = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    front, sites = start_machines(running, tmp_path, django_db_blocker.unblock, places, **bucket.environ, **found)
    killed, frozen = [(site.kill, site.start) for site in sites], [(sites[0].freeze, sites[0].thaw)]
    check_that_no_reader_is_wrong(front, sites, bucket, [*killed, *frozen])
