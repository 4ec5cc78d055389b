"""Both servers: daphne processes on free ports of this machine, each with data of its own for as long as it runs."""

import http.client
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BACKLOG = 2048
"""As ``manage.py serve`` has it; daphne's own is 50."""
START_SECONDS = 60
STOP_SECONDS = 10
SEED_SECONDS = 120


class Servers(NamedTuple):
    """The ports of the two."""

    ours: int
    peer: int


@contextmanager
def both_servers() -> Iterator[Servers]:
    """Start both; whatever happens, they are stopped and their data is removed at the end."""
    raise_descriptor_limit()
    ours, peer = find_free_port(), find_free_port()
    endpoint = f"tcp:port={peer}:interface=127.0.0.1:backlog={BACKLOG}"
    with (
        running(
            ours,
            settings="config.settings",
            seed="benchmarks.seed",
            command=["manage.py", "serve", "--no-demo"],
        ),
        running(
            peer,
            settings="benchmarks.textbook.settings",
            seed="benchmarks.textbook.seed",
            command=["-m", "daphne", "-v", "0", "-e", endpoint, "benchmarks.textbook.asgi:application"],
        ),
    ):
        yield Servers(ours, peer)


@contextmanager
def running(port: int, *, settings: str, seed: str, command: list[str]) -> Iterator[None]:
    """Seed a database, then run the server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="liveblog-benchmark-") as folder:
        ours = {"DJANGO_SETTINGS_MODULE": settings, "DATA_DIR": folder, "HOST": "127.0.0.1", "PORT": str(port)}
        environ = {name: value for name, value in os.environ.items() if name not in SETTINGS} | ours
        subprocess.run([sys.executable, "-m", seed], cwd=ROOT, env=environ, timeout=SEED_SECONDS, check=True)
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the benchmark, which then stops it
            )
        try:
            wait_until_served(port, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_served(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers; raises ``RuntimeError`` with what it printed if it never does."""
    ends_at = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        with suppress(ConnectionError, http.client.HTTPException):
            connection.request("GET", "/accounts/login/")
            if connection.getresponse().status == 200:
                connection.close()
                return
        connection.close()
        if process.poll() is not None or time.monotonic() > ends_at:
            raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def raise_descriptor_limit() -> None:
    """Let this process and those it starts have as many sockets as the system allows; the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has a lower limit than it names
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def find_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


SETTINGS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "BASE_URL", "DEBUG", "DEMO"}
"""What a developer may have set for a server of their own."""
