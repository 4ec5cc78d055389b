"""Machines in network namespaces of this one, on one network, and what keeps the data of all of them."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import redis

START_SECONDS = 60


class CanNotBeMade(Exception):
    """There are no such machines here; the reason."""


class Machine:
    """A namespace with one link to the network; ``inside`` stands before a command that is to run there."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self.inside = ["ip", "netns", "exec", name]

    def unplug(self) -> None:
        """Take its link down: nobody is told, and nothing comes through any more."""
        _ip("link", "set", self.name, "down")

    def plug_in(self) -> None:
        """Take its link up again."""
        _ip("link", "set", self.name, "up")


@contextmanager
def networked(*names: str) -> Iterator[list[Machine]]:
    """Make machines of these names on one network, which this process is on too; raises ``CanNotBeMade``."""
    number = os.getpid() % 250
    bridge, net = f"lb{number}", f"10.213.{number}"
    with ExitStack() as made:
        _make("link", "add", bridge, "type", "bridge")
        made.callback(_ip, "link", "del", bridge)
        _make("addr", "add", f"{net}.1/24", "dev", bridge)
        _make("link", "set", bridge, "up")
        machines = [Machine(f"{bridge}-{name}", f"{net}.{last}") for last, name in enumerate(names, start=10)]
        for machine in machines:
            _make("netns", "add", machine.name)
            made.callback(_ip, "netns", "del", machine.name)
            _make("link", "add", machine.name, "type", "veth", "peer", "name", "eth0", "netns", machine.name)
            made.callback(_ip, "link", "del", machine.name)  # it may outlast its namespace
            _make("link", "set", machine.name, "master", bridge, "up")
            _make("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", "eth0")
            for link in ("eth0", "lo"):
                _make("-n", machine.name, "link", "set", link, "up")
        yield machines


def _make(*words: str) -> None:
    try:
        _ip(*words)
    except FileNotFoundError:
        raise CanNotBeMade("the program ip (iproute2) is not installed") from None
    except subprocess.CalledProcessError as error:
        raise CanNotBeMade(f"ip {' '.join(words)}: {error.stderr.strip()}") from None


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def serving_data(machine: Machine) -> Iterator[dict[str, str]]:
    """Run PostgreSQL and Redis on a machine; yield the settings that name them. Raises ``CanNotBeMade``."""
    with tempfile.TemporaryDirectory(prefix="liveblog-data-") as room, ExitStack() as running:
        folder, owner = Path(room), _owner()
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        data = folder / "postgresql"
        initdb = [*as_owner, _program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {machine.address}/24 trust\n")
        options = {"listen_addresses": machine.address, "unix_socket_directories": str(folder), "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        running.enter_context(
            _running([*machine.inside, *as_owner, _program("postgres"), "-D", str(data), *words], folder)
        )
        words = ["--bind", machine.address, "--protected-mode", "no", "--save", ""]
        running.enter_context(_running([*machine.inside, *as_owner, _program("redis-server"), *words], folder))
        found = {
            "DATABASE_URL": f"postgres://postgres@{machine.address}:5432/postgres",
            "REDIS_URL": f"redis://{machine.address}:6379/0",
        }
        _wait_for(found, folder / "log")
        yield found


def _owner() -> pwd.struct_passwd:
    """Return who PostgreSQL runs as, which refuses to be root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CanNotBeMade("neither postgres nor nobody is a user here")


def _program(name: str) -> str:
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise CanNotBeMade(f"{name} is not installed")
    return found


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.send_signal(2)  # for PostgreSQL: whoever is connected is sent away
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(found: dict[str, str], log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while not _answer(found):
        assert time.monotonic() < ends_at, log.read_text(errors="replace")
        time.sleep(0.1)


def _answer(found: dict[str, str]) -> bool:
    try:
        psycopg.connect(found["DATABASE_URL"], connect_timeout=5).close()
        with redis.Redis.from_url(found["REDIS_URL"], socket_connect_timeout=5) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.RedisError):
        return False
