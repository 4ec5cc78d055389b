"""A whole installation of a test's own: PostgreSQL, Redis, two server processes, and nginx in front of them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
from django.db import connections

from liveblog.models import Event
from tests.daemons import CanNotBeMade, PostgreSQL, Redis, children_of
from tests.machines import Machine, networked
from tests.outages.clock import clock_before
from tests.outages.disks import small_disk
from tests.proxy import NAME, Proxy, proxying
from tests.server import Site, find_free_port

PROCESSES = 2
DATABASE_MB = 700
MEDIA_MB = 24
PATIENCE_SECONDS = 240
LOOK_SECONDS = 0.1
BEGUN = "sockets in this process"
"""What each process logs when it begins to serve."""
SMALL_LOGS = {"max_wal_size": "128MB", "min_wal_size": "32MB"}
"""So that what PostgreSQL writes fits into a small disk."""

type Unblocked = Callable[[], AbstractContextManager[Any]]


class Installation:
    """All services, running; ``elsewhere`` is a machine that reaches nginx by a network, if there is one."""

    def __init__(
        self, room: Path, running: ExitStack, elsewhere: Machine | None, *, clock: bool, unblocked: Unblocked
    ) -> None:
        """Start everything; with ``clock``, PostgreSQL and the server go by a clock of their own."""
        self.room, self.elsewhere = room, elsewhere
        self.clock = room / "clock" if clock else None
        """What says how late it is for them, if that can be set."""
        wrapped = clock_before(self.clock) if self.clock else []
        self.disks = {name: _has_disk(running, room / name, size) for name, size in _SIZES.items()}
        """Whether the database and the photos have small disks of their own; it takes the right to mount."""
        (room / "redis").mkdir()
        (room / "data").chmod(0o700)
        self.database = PostgreSQL(room / "database", port=find_free_port(), wrapped=wrapped, **SMALL_LOGS)
        self.redis = Redis(room / "redis", port=find_free_port())
        port = find_free_port()
        self.site = Site(
            room / "data",
            unblocked,
            inside=wrapped,
            DATABASE_URL=self.database.url,
            REDIS_URL=self.redis.url,
            BASE_URL=f"https://{NAME}:{port}",
            PROCESSES=str(PROCESSES),
        )
        running.callback(self._close)
        for service in (self.database, self.redis, self.site):
            service.start()
        until(lambda: self._count_begun() == PROCESSES)
        static = room / "data" / "static"
        self.proxy: Proxy = running.enter_context(
            proxying(
                room / "nginx", upstream=self.site.port, static_root=static, port=port, edited=_heard(elsewhere, port)
            )
        )

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return [child for child in children_of(self.site.process_id) if _is_worker(child)]

    def front(self, *, elsewhere: bool = False) -> tuple[str, str, int, str]:
        """Return where readers find nginx: address, name, port, and the certificate it shows."""
        address = _gateway(self.elsewhere) if elsewhere and self.elsewhere else "127.0.0.1"
        return address, NAME, self.proxy.https_port, str(self.proxy.folder / "certificate" / "fullchain.pem")

    def sign_in(self, username: str) -> httpx.Client:
        """Return a client that comes through nginx, signed in as the user of this name."""
        self.forget_connections()
        visitor = self.proxy.visitor()
        self.site.log_in(visitor, username)
        visitor.headers["Origin"] = self.proxy.url
        return visitor

    def make_event(self, **fields: Any) -> Event:
        """Make a live event that Ada and Grace write."""
        self.forget_connections()
        event = self.site.event(author=self.site.user("ada"), **fields)
        self.site.do(event.authors.add, self.site.user("grace"))
        return event

    def forget_connections(self) -> None:
        """Have this process connect to the database anew: it may have been away."""
        self.site.do(connections.close_all)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the database answers, on a connection of its own."""
        with psycopg.connect(self.database.url, autocommit=True, connect_timeout=20) as connection:
            answer = connection.execute(sql, values)
            return answer.fetchall() if answer.description else []

    def replace_processes(self) -> None:
        """Replace each process with a new one, as an upgrade does, and wait until all are there."""
        before, begun = set(self.workers), self._count_begun()
        os.kill(self.site.process_id, signal.SIGHUP)
        until(lambda: not set(self.workers) & before and self._count_begun() == begun + PROCESSES)

    def kill_one(self) -> None:
        """Kill the oldest process without a warning, and wait until another serves in its place."""
        begun = self._count_begun()
        os.kill(self.workers[0], signal.SIGKILL)
        until(lambda: self._count_begun() > begun)

    def _count_begun(self) -> int:
        """Return how many processes have begun to serve, which each says once."""
        return self.site.log.count(BEGUN)

    def wait_until_healthy(self) -> None:
        """Wait until readers get pages through nginx."""
        until(self._is_healthy)

    def _is_healthy(self) -> bool:
        try:
            return self.proxy.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _close(self) -> None:
        with suppress(AssertionError):  # a server that does not stop has been killed
            self.site.close()
        self.redis.stop()
        self.database.stop()


@contextmanager
def installed(*, clock: bool = False, unblocked: Unblocked = nullcontext) -> Iterator[Installation]:
    """Start everything, and a machine elsewhere if one can be made; raises ``CanNotBeMade``.

    ``clock`` needs faketime; ``unblocked`` lets this process use the database.
    """
    with TemporaryDirectory(prefix="liveblog-outages-") as room, ExitStack() as running:
        Path(room).chmod(0o755)  # PostgreSQL runs as somebody else
        elsewhere = None
        with suppress(CanNotBeMade):
            (elsewhere,) = running.enter_context(networked("readers"))
        yield Installation(Path(room), running, elsewhere, clock=clock, unblocked=unblocked)


def until(condition: Callable[[], Any], said: Callable[[], object] = str) -> None:
    """Wait for a condition for minutes; what is ``said`` explains why it never came."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain {said()}"
        time.sleep(LOOK_SECONDS)


_SIZES = {"database": DATABASE_MB, "data/media": MEDIA_MB}


def _has_disk(running: ExitStack, folder: Path, megabytes: int) -> bool:
    try:
        running.enter_context(small_disk(folder, megabytes))
    except CanNotBeMade:
        return False
    return True


def _heard(elsewhere: Machine | None, port: int) -> Callable[[str], str]:
    """Return what lets nginx be heard on the network of a machine."""
    if elsewhere is None:
        return str
    here = f"listen 127.0.0.1:{port} ssl http2;"
    return lambda text: text.replace(here, f"{here}\n        listen {_gateway(elsewhere)}:{port} ssl http2;")


def _gateway(machine: Machine) -> str:
    """Return the address of this machine on the network of another."""
    return f"{machine.address.rpartition('.')[0]}.1"


def _is_worker(process: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
