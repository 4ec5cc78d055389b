"""PostgreSQL and Redis of a test's own, each in a folder and at a port of its own, to be stopped and frozen."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
import redis

START_SECONDS = 120


class CanNotBeMade(Exception):
    """There is no such thing here; the reason."""


class Daemon:
    """A program that serves until it is stopped. ``folder`` has its log, and is the folder it runs in."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers; one that runs is left alone."""
        if not self.is_running:
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        ends_at = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.is_running, self.log
            assert time.monotonic() < ends_at, self.log
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it as an operator does; for PostgreSQL: whoever is connected is sent away."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop all its processes in their tracks: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes go on."""
        self._signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def answers(self) -> bool:
        """Whether it serves."""
        raise NotImplementedError

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        for child in children_of(self._process.pid):
            try:
                os.kill(child, number)
            except ProcessLookupError:
                continue


class PostgreSQL(Daemon):
    """A database server that trusts everybody in its network; raises ``CanNotBeMade``."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        address: str = "127.0.0.1",
        before: Sequence[str] = (),
        wrapped: Sequence[str] = (),
        **options: str,
    ) -> None:
        """``before`` stands before its command for root, ``wrapped`` for its owner; ``options`` are settings."""
        owner = _owner()
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        if os.getuid() != 0:
            as_owner = []
        self.data = folder / "postgresql"
        initdb = [*as_owner, find_program("initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {address}/24 trust\n")
        settings = {
            "listen_addresses": address,
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "off",
            **options,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*before, *as_owner, *wrapped, find_program("postgres"), "-D", str(self.data), *words]
        super().__init__(command, folder)
        self.url = f"postgres://postgres@{address}:{port}/postgres"

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class Redis(Daemon):
    """A Redis that keeps nothing on the disk; raises ``CanNotBeMade``."""

    def __init__(self, folder: Path, *, port: int, address: str = "127.0.0.1", before: Sequence[str] = ()) -> None:
        """``before`` stands before its command."""
        words = ["--bind", address, "--port", str(port), "--protected-mode", "no", "--save", ""]
        super().__init__([*before, find_program("redis-server"), *words], folder)
        self.url = f"redis://{address}:{port}/0"

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started itself; none if it is gone."""
    listed = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def find_program(name: str) -> str:
    """Return the path of a program, also of those that Debian keeps out of the PATH; raises ``CanNotBeMade``."""
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin")), "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise CanNotBeMade(f"{name} is not installed")
    return found


def _owner() -> pwd.struct_passwd:
    """Return who PostgreSQL runs as, which refuses to be root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CanNotBeMade("neither postgres nor nobody is a user here")
