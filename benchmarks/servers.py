"""The servers: processes on free ports of this machine, each with data of its own for as long as it runs."""

import http.client
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import content
from benchmarks.nchan import find_nginx, write_configuration

ROOT = Path(__file__).resolve().parent.parent
OURS = ["benchmarks.seed", *content.OURS]
BACKLOG = 2048
"""As ``manage.py serve`` has it; daphne's own is 50."""
START_SECONDS = 60
STOP_SECONDS = 10
SEED_SECONDS = 600


class Running(NamedTuple):
    """One server: its port, and its process, which leads a session of its own."""

    port: int
    process: int

    def cpu_seconds(self) -> float:
        """Return what CPU time it has taken so far, its children's too."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process:  # its session
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Return what memory it has now, its children's too."""
        pages = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process:
                    pages += int(fields[21])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Servers(NamedTuple):
    """The ports of ours and the textbook's, both on daphne; and on uvicorn ours and one that sends bytes."""

    ours: int
    peer: int
    uvicorn: Running
    bare: Running
    nchan: Running | None
    """nginx with nchan, where there is one."""


@contextmanager
def all_servers() -> Iterator[Servers]:
    """Start all; whatever happens, they are stopped and their data is removed at the end."""
    raise_descriptor_limit()
    ours, peer, bare, nchan = (find_free_port() for _ in range(4))
    endpoint = f"tcp:port={peer}:interface=127.0.0.1:backlog={BACKLOG}"
    serve = ["manage.py", "serve", "--no-demo"]
    quick = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with (
        running(ours, settings="config.settings", seed=OURS, command=serve),
        running(
            peer,
            settings="benchmarks.textbook.settings",
            seed=["benchmarks.textbook.seed"],
            command=["-m", "daphne", "-v", "0", "-e", endpoint, "benchmarks.textbook.asgi:application"],
        ),
        running_on_uvicorn() as uvicorn,
        running(
            bare, command=["-m", "uvicorn", "--port", str(bare), *quick, "benchmarks.bare:application"]
        ) as bare_process,
        running_nchan(nchan) as nchan_process,
    ):
        yield Servers(
            ours,
            peer,
            uvicorn,
            Running(bare, bare_process),
            Running(nchan, nchan_process) if nchan_process else None,
        )


@contextmanager
def running_on_uvicorn(events: Sequence[str] = content.OURS) -> Iterator[Running]:
    """Run ours on uvicorn, with data of its own, until the block ends."""
    port, command = find_free_port(), ["manage.py", "serve", "--no-demo"]
    seed, environ = ["benchmarks.seed", *events], {"SERVER": "uvicorn"}
    with running(port, settings="config.settings", seed=seed, command=command, environ=environ) as process:
        yield Running(port, process)


@contextmanager
def running_nchan(port: int) -> Iterator[int]:
    """Run nginx with nchan until the block ends; 0 stands for its process where there is none."""
    program = find_nginx()
    if program is None:
        yield 0
        return
    with tempfile.TemporaryDirectory(prefix="liveblog-nchan-") as folder:
        configuration = write_configuration(Path(folder), port)
        with running(port, program=program, command=["-p", folder, "-c", str(configuration)]) as process:
            yield process


@contextmanager
def running(
    port: int,
    *,
    command: list[str],
    program: str = sys.executable,
    settings: str = "",
    seed: Sequence[str] = (),
    environ: dict[str, str] | None = None,
) -> Iterator[int]:
    """Seed a database, if there is one, then run the server until the block ends; its process is returned.

    ``seed`` is the module that does it, and its arguments.
    """
    with tempfile.TemporaryDirectory(prefix="liveblog-benchmark-") as folder:
        ours = {"DJANGO_SETTINGS_MODULE": settings, "DATA_DIR": folder, "HOST": "127.0.0.1", "PORT": str(port)}
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        environ = kept | ours | (environ or {})
        if seed:
            subprocess.run([sys.executable, "-m", *seed], cwd=ROOT, env=environ, timeout=SEED_SECONDS, check=True)
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *command],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the benchmark, which then stops it
            )
        try:
            wait_until_served(port, process, log, "/accounts/login/" if seed else "/")
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_served(port: int, process: subprocess.Popen[bytes], log: Path, path: str) -> None:
    """Return once the server answers; raises ``RuntimeError`` with what it printed if it never does."""
    ends_at = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        with suppress(ConnectionError, http.client.HTTPException):
            connection.request("GET", path)
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


SETTINGS = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "BASE_URL",
    "DEBUG",
    "DEMO",
    "SERVER",
    "PROCESSES",
}
"""What a developer may have set for a server of their own."""
