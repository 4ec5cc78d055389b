"""Machines in network namespaces of this one, on one network, and what keeps the data of all of them."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.daemons import CanNotBeMade, PostgreSQL, Redis


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
        folder, address, before = Path(room), machine.address, machine.inside
        postgresql = PostgreSQL(folder, port=5432, address=address, before=before)
        bell = Redis(folder, port=6379, address=address, before=before)
        for daemon in (postgresql, bell):
            running.callback(daemon.stop)
            daemon.start()
        yield {"DATABASE_URL": postgresql.url, "REDIS_URL": bell.url}
