"""What hosts install: the wheel alone, in an environment of its own, replays the demonstration and takes posts."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveblog import __version__
from liveblog.release import digest
from tests.server import ANSWER_SECONDS, find_free_port

pytestmark = pytest.mark.night

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300
"""For what takes ten seconds on an idle machine: a start, or the replay's pause between two updates."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the hatchling that the lock names."""
    folder = tmp_path_factory.mktemp("built")
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the pinned versions of what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    python = folder / "bin" / "python"
    run([sys.executable, "-m", "venv", folder])
    pip(python, "install", "--require-hashes", "-r", ROOT / "requirements.txt")
    pip(python, "install", "--no-deps", wheel)
    pip(python, "check")
    return folder


class Installed:
    """The command ``liveblog`` in an empty folder, for a user who has set nothing but a port."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.command = environment / "bin" / "liveblog"
        self.here, self.home = folder / "here", folder / "home"
        self.here.mkdir()
        self.home.mkdir()
        self.data_dir = self.home / ".local" / "share" / "liveblog"
        self.port = find_free_port()
        self.log = folder / "log"
        self._process: subprocess.Popen[str] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """What the user's shell hands on."""
        return {"HOME": str(self.home), "PATH": os.defpath, "PORT": str(self.port), "LANG": "C.UTF-8"}

    def run(self, *words: str, text: str = "") -> str:
        """Run a command and return what it printed."""
        return run([self.command, *words], text=text, cwd=self.here, env=self.environ)

    def serve(self) -> str:
        """Serve, and return what was printed until it did."""
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [self.command, "serve"], cwd=self.here, env=self.environ, stdout=log, stderr=log, text=True
            )
        wait_until(lambda: "Ctrl-C stops it" in self.log.read_text() or not self.is_running())
        assert self.is_running(), self.log.read_text()
        return self.log.read_text()

    def is_running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int | None:
        """Stop the server as an operator does, if it runs, and return its exit status."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()

    def count_updates(self) -> int:
        """Return how many updates the database holds."""
        connection = sqlite3.connect(self.data_dir / "liveblog.sqlite3", timeout=ANSWER_SECONDS)
        try:
            return int(connection.execute("SELECT count(*) FROM liveblog_update").fetchone()[0])
        finally:
            connection.close()


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Iterator[Installed]:
    """An installation, whose server is stopped whatever happens."""
    program = Installed(environment, tmp_path)
    yield program
    program.stop()


def test_the_wheel_holds_the_program_with_all_its_files_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith(f"liveblog-{__version__}.dist-info/")}
    places = {
        "liveblog": "liveblog",
        "config": "config",
        "liveblog/templates": "templates",
        "liveblog/static": "static",
    }
    assert names == {f"{place}/{name}" for place, folder in places.items() for name in files_of(ROOT / folder)}


def test_a_bucket_without_the_extra_s_packages_is_one_line(installed: Installed) -> None:
    environ = installed.environ | {"S3_BUCKET": "photos"}
    done = subprocess.run(
        [installed.command, "serve"], cwd=installed.here, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == ("liveblog: S3_BUCKET needs django-storages and boto3: pip install 'liveblog[s3]'.\n")


def test_the_installed_program_serves_and_posts_and_writes_into_the_users_folder_alone(
    environment: Path, installed: Installed
) -> None:
    before = files_of(environment)
    assert installed.run("--version") == f"{__version__}\n"

    output = installed.serve()
    found = re.search(r"The event +(http://\S+/events/apollo-11/)\n", output)
    assert found, output
    page = fetch(found[1])
    assert "Apollo 11" in page
    assert f'data-release="{digest()}"' in page, "on all machines it is the same release"
    style = re.search(r'href="(/static/css/site\.\w+\.css)"', page)
    assert style
    assert "@layer" in fetch(f"http://127.0.0.1:{installed.port}{style[1]}")
    assert "password" in fetch(f"http://127.0.0.1:{installed.port}/desk/")
    told = installed.count_updates()
    wait_until(lambda: installed.count_updates() > told)  # the replay is a process of its own

    posted = installed.run("post", "apollo-11", text="The night shift brought **sandwiches**.")
    assert re.fullmatch(r"Update \d+: http://\S+/events/apollo-11/updates/\d+/\n", posted)
    wait_until(lambda: "<strong>sandwiches</strong>" in fetch(found[1]))

    assert installed.stop() == 0
    assert installed.log.read_text().endswith("Stopped.\n")
    assert "Traceback" not in installed.log.read_text()
    assert files_of(environment) == before
    assert not list(installed.here.iterdir())
    assert installed.data_dir.stat().st_mode & 0o777 == 0o700


def pip(python: str | Path, *words: str | Path) -> None:
    """Run the pip of an environment as bin/bootstrap does, with the registry of whoever runs the tests."""
    run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words])


def run(words: list[str | Path], *, text: str = "", cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed and return what it printed."""
    done = subprocess.run(
        words, input=text, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fetch(url: str) -> str:
    """Return the text at an address."""
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
        return str(answer.read().decode())


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the files in ``folder`` with size and time of change, without what Python compiles for itself."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``; fail if it does not come true in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.1)
