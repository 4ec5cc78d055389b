"""Starting and stopping the real service, its demonstration, and the commands beside it."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client

from config import environment, installation, photo_storage
from liveblog import __version__
from liveblog.management import advice
from liveblog.management.advice import advise
from liveblog.management.commands import demo
from liveblog.models import Event, Update
from tests.server import ANSWER_SECONDS, Site, copy_data_dir, find_free_port

PROJECT = Path(__file__).resolve().parent.parent
RUNNING = "Ctrl-C stops it"
APOLLO = "apollo-11"


# The real service


@dataclass
class Service:
    """A ``manage.py serve`` that serves, and what it printed until then."""

    process: subprocess.Popen[str]
    output: str
    url: str

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        with urllib.request.urlopen(self.url + path, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read().decode()

    def stop(self, signal_number: int = signal.SIGINT) -> tuple[int, str]:
        """Return exit status and what was printed since the start."""
        self.process.send_signal(signal_number)
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A DATA_DIR in which the service has run once, and what that printed."""
    data_dir = tmp_path_factory.mktemp("start") / "data"
    with serving(data_dir) as service:
        assert service.get("/healthz")[0] == 200
        status, page = service.get(f"/events/{APOLLO}/")
        assert status == 200
        assert "Apollo 11" in page
        assert service.get("/")[0] == 200
    return data_dir, service.output


def test_the_first_start_prints_where_to_go_and_keeps_its_data_to_itself(first_start: tuple[Path, str]) -> None:
    data_dir, output = first_start
    assert f"/events/{APOLLO}/\n" in output
    assert "/desk/\n" in output
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "secret_key").stat().st_mode & 0o777 == 0o600


def test_nothing_in_the_data_dir_can_be_committed_by_accident(first_start: tuple[Path, str]) -> None:
    data_dir, _ = first_start
    subprocess.run(["git", "init", "--quiet", data_dir.parent], check=True)
    seen = subprocess.run(["git", "-C", data_dir.parent, "status", "--porcelain"], capture_output=True, check=True)
    assert seen.stdout == b""


def test_the_printed_password_is_the_editors_and_stands_nowhere_else(first_start: tuple[Path, str]) -> None:
    data_dir, output = first_start
    found = re.search(r"editor with the password (\S+)", output)
    assert found
    assert check_password(found[1], ask(data_dir, "SELECT password FROM auth_user WHERE username = 'editor'"))
    for path in data_dir.rglob("*"):
        assert path.is_dir() or found[1].encode() not in path.read_bytes()


def test_a_second_start_keeps_what_was_posted_makes_nothing_anew_and_hears_of_other_processes(
    first_start: tuple[Path, str],
) -> None:
    data_dir, first_output = first_start
    collected_at = (data_dir / "static" / ".collected").stat().st_mtime_ns
    post(data_dir, "The night shift brought **sandwiches**.")
    count = ask(data_dir, "SELECT count(*) FROM liveblog_event")
    with serving(data_dir) as service:
        assert "<strong>sandwiches</strong>" in service.get(f"/events/{APOLLO}/")[1]
        check_that_a_post_from_another_process_arrives(service, data_dir)
    assert "password" in first_output
    assert "with the password" not in service.output
    assert f"DATA_DIR={data_dir} .venv/bin/python manage.py changepassword editor" in service.output
    assert ask(data_dir, "SELECT count(*) FROM liveblog_event") == count
    assert (data_dir / "static" / ".collected").stat().st_mtime_ns == collected_at


def check_that_a_post_from_another_process_arrives(service: Service, data_dir: Path) -> None:
    revision, edition = (
        ask(data_dir, f"SELECT {column} FROM liveblog_event WHERE slug = '{APOLLO}'")
        for column in ("revision", "edition")
    )
    changes = f"/events/{APOLLO}/changes/?after={revision}&edition={edition}"
    assert service.get(changes)[0] in (200, 204)  # the feed is awake, whatever the replay said meanwhile
    answer = post(data_dir, "A word from elsewhere.")
    assert re.fullmatch(rf"Update \d+: http://\S+/events/{APOLLO}/updates/\d+/\n", answer)
    wait_until(lambda: "A word from elsewhere." in service.get(changes)[1], seconds=20)


def test_a_signal_stops_it_without_a_trace(first_start: tuple[Path, str]) -> None:
    """``serving()`` looks at the same for SIGINT, wherever it ends."""
    data_dir, _ = first_start
    with serving(data_dir) as service:
        service.get("/healthz")
        children = children_of(service.process.pid)
        assert children  # the replay
        status, rest = service.stop(signal.SIGTERM)
    assert status == 0
    assert rest.split() == ["Stopped."]
    assert not any(is_running(child) for child in children)


def test_a_killed_server_leaves_no_replay_behind(first_start: tuple[Path, str]) -> None:
    data_dir, _ = first_start
    with serving(data_dir) as service:
        children = children_of(service.process.pid)
        assert children
        service.stop(signal.SIGKILL)
        wait_until(lambda: not any(is_running(child) for child in children), seconds=20)


def test_it_runs_without_the_demonstration(prepared_data_dir: Path, tmp_path: Path) -> None:
    data_dir = copy_data_dir(prepared_data_dir, tmp_path / "data")
    with serving(data_dir, DEMO="0") as service:
        assert service.get("/")[0] == 200
    assert "createsuperuser" in service.output
    assert ask(data_dir, "SELECT count(*) FROM liveblog_event") == 0


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_refused(tmp_path, rf"CommandError: Port {port} is taken .*\n", PORT=str(port))


def test_an_address_of_another_machine_is_one_line(tmp_path: Path) -> None:
    assert_refused(tmp_path, r"CommandError: HOST 192\.0\.2\.1 is no address of this machine.*\n", HOST="192.0.2.1")


def test_an_unwritable_data_dir_is_one_line() -> None:
    assert_refused(Path(os.devnull) / "data", r"liveblog: DATA_DIR /dev/null/data can't be made: .*\n")


def test_a_bad_port_is_one_line(tmp_path: Path) -> None:
    assert_refused(tmp_path, r"liveblog: PORT must be a number from 1 to 65535, not '80b'\.\n", PORT="80b")


def test_a_database_out_of_reach_is_one_line(tmp_path: Path) -> None:
    url = "postgres://nobody:a-secret@127.0.0.1:9/none"
    refusal = assert_refused(tmp_path, r"CommandError: The database can't be used: .*\n", DATABASE_URL=url)
    assert "a-secret" not in refusal


# Settings


@pytest.mark.parametrize(
    "url",
    ["ftp://live.example.org", "live.example.org", "http://", "http://a/b", "http://a:x", "http://u@a", "http://a?"],
)
def test_a_base_url_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"^BASE_URL must be .*\Z"):
        environment.read_base_url("BASE_URL", host="127.0.0.1", port=8000)


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "liveblog.sqlite3", "sqlite://", "sqlite://:memory:", "postgres://u:hush@h:port/n"]
)
def test_a_database_that_is_none_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL must .*\Z") as refusal:
        environment.read_database("DATABASE_URL", default=Path("liveblog.sqlite3"))
    assert "hush" not in str(refusal.value)


def test_a_database_may_lie_in_a_folder_with_any_name(tmp_path: Path) -> None:
    path = tmp_path / "50% of my data? #1" / "liveblog.sqlite3"
    assert environment.read_database("NO_SUCH_VARIABLE", default=path)["NAME"] == str(path)


def test_other_settings_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"REDIS_URL": "http://a", "DEBUG": "perhaps", "ALLOWED_HOSTS": "a,*", "PORT": "65536"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        environment.read_redis_url("REDIS_URL")
    with pytest.raises(ImproperlyConfigured, match="DEBUG"):
        environment.read_switch("DEBUG", default=False)
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        environment.read_allowed_hosts("ALLOWED_HOSTS", host="127.0.0.1", base_url="http://a")
    with pytest.raises(ImproperlyConfigured, match="PORT"):
        environment.read_port("PORT", default=8000)


def test_static_files_may_lie_elsewhere_but_not_around_the_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    assert environment.read_static_root("STATIC_ROOT", data_dir=data_dir) == data_dir / "static"
    monkeypatch.setenv("STATIC_ROOT", str(tmp_path / "public" / "static"))
    assert environment.read_static_root("STATIC_ROOT", data_dir=data_dir) == tmp_path / "public" / "static"
    file = tmp_path / "file"
    file.touch()
    for folder, reason in {data_dir: "holds DATA_DIR", tmp_path: "holds DATA_DIR", file: "is not a folder"}.items():
        monkeypatch.setenv("STATIC_ROOT", str(folder))
        with pytest.raises(ImproperlyConfigured, match=rf"^STATIC_ROOT \S+ {reason}.*\.\Z"):
            environment.read_static_root("STATIC_ROOT", data_dir=data_dir)


def test_another_static_root_is_filled_and_an_unwritable_one_is_one_line(
    prepared_data_dir: Path, tmp_path: Path
) -> None:
    data_dir, elsewhere = copy_data_dir(prepared_data_dir, tmp_path / "data"), tmp_path / "public" / "static"
    with serving(data_dir, DEMO="0", STATIC_ROOT=str(elsewhere)):
        assert (elsewhere / "staticfiles.json").exists()
    refusal = r"Collecting static files\nCommandError: STATIC_ROOT /dev/null/static can't be written to: .*\n"
    assert_refused(data_dir, refusal, DEMO="0", STATIC_ROOT="/dev/null/static")


@pytest.mark.parametrize(
    ("value", "processes", "server"),
    [("", 1, "daphne"), ("", 4, "uvicorn"), ("uvicorn", 1, "uvicorn"), ("uvicorn", 4, "uvicorn")],
)
def test_several_processes_are_uvicorn_s(
    monkeypatch: pytest.MonkeyPatch, value: str, processes: int, server: str
) -> None:
    monkeypatch.setenv("SERVER", value)
    assert environment.read_server("SERVER", processes=processes) == server


def test_servers_and_numbers_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER", "daphne")
    with pytest.raises(ImproperlyConfigured, match=r"SERVER=daphne serves from one process; PROCESSES=2"):
        environment.read_server("SERVER", processes=2)
    monkeypatch.setenv("SERVER", "gunicorn")
    with pytest.raises(ImproperlyConfigured, match=r"^SERVER must be daphne or uvicorn, not 'gunicorn'\.$"):
        environment.read_server("SERVER", processes=1)
    for value in ("0", "-1", "two"):
        monkeypatch.setenv("PROCESSES", value)
        with pytest.raises(ImproperlyConfigured, match="PROCESSES must be a number, at least 1"):
            environment.read_number("PROCESSES", default=1)
    monkeypatch.setenv("HSTS_DAYS", "-1")
    with pytest.raises(ImproperlyConfigured, match="HSTS_DAYS"):
        environment.read_days("HSTS_DAYS", default=1)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("LIVE_POLL_SECONDS", "0", "must be from 1 to 60"),
        ("LIVE_POLL_SECONDS", "61", "must be from 1 to 60"),
        ("ENDED_POLL_SECONDS", "4", "must be from 5 to 3600"),
        ("ENDED_POLL_SECONDS", "1h", "must be from 5 to 3600"),
        ("SOCKETS_PER_PROCESS", "-1", "must be from 0 to 100000"),
        ("SOCKETS_PER_PROCESS", "many", "must be from 0 to 100000"),
        ("TAIL_UPDATES", "49", "must be from 50 to 10000"),
        ("TAIL_UPDATES", "10001", "must be from 50 to 10000"),
    ],
)
def test_what_is_tuned_out_of_bounds_is_one_line(name: str, value: str, rule: str, tmp_path: Path) -> None:
    assert_refused(tmp_path, rf"liveblog: {name} {rule}, not '{value}'\.\n", **{name: value})


def test_what_an_operator_tunes_holds(server: Callable[..., Site]) -> None:
    site = server(LIVE_POLL_SECONDS="7", ENDED_POLL_SECONDS="90", SOCKETS_PER_PROCESS="40", TAIL_UPDATES="50")
    live, ended = site.event(updates=52), site.event(status="ended")
    assert site.get(site.changes(live, live.revision)).headers["Poll-Seconds"] == "7"
    assert site.get(site.changes(ended, ended.revision)).headers["Poll-Seconds"] == "90"
    revisions = [update.revision for update in site.updates(live)]
    assert "data-reload" in site.get(site.changes(live, revisions[0])).text
    assert "data-reload" not in site.get(site.changes(live, revisions[2])).text
    assert "Up to 40 sockets in this process" in site.log
    assert f'data-live-url="/events/{live.slug}/live/"' in site.get(site.page(live)).text


@pytest.mark.parametrize(
    ("environ", "refusal"),
    [
        ({"S3_ENDPOINT": "https://s3.example.org"}, "S3_ENDPOINT says nothing without S3_BUCKET."),
        ({"S3_REGION": "eu-central-1"}, "S3_REGION says nothing without S3_BUCKET."),
        (
            {"S3_BUCKET": "photos", "S3_ENDPOINT": "s3.example.org"},
            "S3_ENDPOINT must be an address like https://s3.example.org, not 's3.example.org'.",
        ),
        (
            {"S3_BUCKET": "photos", "S3_ENDPOINT": "https://key:hush@s3.example.org"},
            "S3_ENDPOINT must be an address like https://s3.example.org, without a user or a key.",
        ),
    ],
)
def test_a_bucket_that_is_none_is_one_line(environ: dict[str, str], refusal: str, tmp_path: Path) -> None:
    assert_refused(tmp_path, rf"liveblog: {re.escape(refusal)}\n", **environ)


def test_a_bucket_without_its_packages_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET", "photos")
    monkeypatch.setattr(photo_storage, "find_spec", lambda name: None if name == "storages" else name)
    with pytest.raises(ImproperlyConfigured) as refusal:
        photo_storage.read_photo_storage("S3_BUCKET", endpoint="S3_ENDPOINT", region="S3_REGION")
    assert str(refusal.value) == "S3_BUCKET needs django-storages and boto3: pip install 'liveblog[s3]'."


NO_SQLITE = ": several machines may share that, but no SQLite file. For them set DATABASE_URL."
EACH_NEEDS = "If several machines serve, each needs"
WHERE = "(docs/operations.md, Several machines)."
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "HOST": "10.0.0.5"}


FILE = {"ENGINE": "django.db.backends.sqlite3"}
BUCKET, KEY = {"S3_BUCKET": "photos"}, {"SECRET_KEY": "a key"}
FOLDER = "the same S3_BUCKET, or the same folder at /srv/media"
KEY_IN_FILE = "the same SECRET_KEY, which is now read from a file"


@pytest.mark.parametrize(
    ("database", "redis", "environ", "lines", "machines"),
    [
        (FILE, "", {}, [], 1),
        (FILE, "redis://127.0.0.1", BUCKET, [f"REDIS_URL and S3_BUCKET{NO_SQLITE}"], 1),
        (POSTGRESQL | {"HOST": "127.0.0.1"}, "redis://localhost/0", {}, [], 1),
        (POSTGRESQL | {"HOST": "127.0.0.1"}, "redis://localhost/0", BUCKET, [f"{EACH_NEEDS} {KEY_IN_FILE} {WHERE}"], 2),
        (POSTGRESQL | {"HOST": ""}, "unix:///run/redis.sock", {}, [], 1),
        (POSTGRESQL, "redis://10.0.0.5", BUCKET, [f"{EACH_NEEDS} {KEY_IN_FILE} {WHERE}"], 1),
        (POSTGRESQL, "", KEY, [f"{EACH_NEEDS} the same REDIS_URL, {FOLDER} {WHERE}"], 1),
        (POSTGRESQL, "redis://10.0.0.5", BUCKET | KEY, [], 2),
    ],
)
def test_what_several_machines_would_lack_is_said_in_a_line(
    database: dict[str, str],
    redis: str,
    environ: dict[str, str],
    lines: list[str],
    machines: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"REDIS_URL": redis, "S3_BUCKET": "", "SECRET_KEY": "", **environ}.items():
        monkeypatch.setenv(name, value)
    read = SimpleNamespace(DATABASES={"default": database}, REDIS_URL=redis, MEDIA_ROOT="/srv/media", MACHINES=machines)
    monkeypatch.setattr(advice, "settings", read)
    assert advise() == lines


def test_several_machines_with_a_file_for_a_database_are_one_line(tmp_path: Path) -> None:
    refusal = r"liveblog: MACHINES=2 needs PostgreSQL in DATABASE_URL: a SQLite file serves one machine\.\n"
    assert_refused(tmp_path, refusal, MACHINES="2")


def test_the_advice_is_given_at_the_start(prepared_data_dir: Path, tmp_path: Path) -> None:
    data_dir = copy_data_dir(prepared_data_dir, tmp_path / "data")
    with serving(data_dir, DEMO="0", REDIS_URL="redis://127.0.0.1:1/0") as service:
        assert f"REDIS_URL{NO_SQLITE}\n" in service.output


def test_nobody_else_can_read_what_is_kept_and_everybody_the_static_files(
    prepared_data_dir: Path, tmp_path: Path
) -> None:
    data_dir, public = copy_data_dir(prepared_data_dir, tmp_path / "data"), tmp_path / "public" / "static"
    for path in data_dir.glob("*sqlite3*"):
        path.chmod(0o644)  # as a former release made it
    with serving(data_dir, DEMO="0", STATIC_ROOT=str(public)):
        assert_private(data_dir)
    with serving(tmp_path / "new"):
        assert_private(tmp_path / "new")
    collected = [path for path in public.rglob("*") if path.suffix in {".css", ".js", ".gz", ".br"}]
    assert collected
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in collected)


def assert_private(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "liveblog.sqlite3")) as database:  # so that -wal and -shm are there
        database.execute("SELECT count(*) FROM liveblog_event").fetchall()
        names = ["liveblog.sqlite3", "liveblog.sqlite3-shm", "liveblog.sqlite3-wal", "secret_key"]
        modes = {name: (data_dir / name).stat().st_mode & 0o777 for name in names}
    assert modes == dict.fromkeys(names, 0o600)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert environment.read_port("PORT", default=8000) == 8000


def test_serving_every_address_allows_this_machines_names_and_no_others() -> None:
    hosts = environment.read_allowed_hosts("NO_SUCH_VARIABLE", host="0.0.0.0", base_url="http://live.example.org")
    assert {"127.0.0.1", "localhost", "live.example.org", socket.gethostname().lower()} <= set(hosts)
    assert "*" not in hosts


# Where the program lies


def test_the_version_is_the_programs_own(tmp_path: Path) -> None:
    process = run("--version", data_dir=tmp_path)
    assert process.communicate(timeout=60)[0] == f"{__version__}\n"


def test_a_command_of_our_own_starts_in_any_folder(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("raise ImportError('This is not ours.')")
    words, environ = installation.own_command("demo", "--help")
    environ["DATA_DIR"] = str(tmp_path / "data")
    done = subprocess.run(words, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--play" in done.stdout


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the commands of an environment that the program is installed in; the PATH leads elsewhere."""
    monkeypatch.setattr(installation, "IS_INSTALLED", True)
    monkeypatch.setattr(installation, "PROGRAM", "liveblog")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    for name in ("PATH", "UV", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("UV")
    script = tmp_path / "bin" / "liveblog"
    script.parent.mkdir()
    script.touch(mode=0o700)
    return script.parent


def test_installed_the_commands_it_prints_are_the_shells_own(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_full = f"{installed}/python -m liveblog createsuperuser"
    assert environment.command("createsuperuser") == in_full
    monkeypatch.setenv("PATH", str(installed))
    assert environment.command("createsuperuser") == "liveblog createsuperuser"
    monkeypatch.setenv("UV", "/usr/bin/uv")  # uvx sets both, for what it runs alone
    assert environment.command("createsuperuser") == in_full


def test_installed_for_all_shells_by_a_link(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = installed.parent / "links"
    links.mkdir()
    monkeypatch.setenv("PATH", str(links))
    (links / "liveblog").write_text("another program")
    (links / "liveblog").chmod(0o700)
    assert environment.command("serve") == f"{installed}/python -m liveblog serve"
    (links / "liveblog").unlink()
    (links / "liveblog").symlink_to(installed / "liveblog")
    assert environment.command("serve") == "liveblog serve"


def test_installed_it_keeps_its_data_in_the_users_folder_and_else_in_the_work_tree(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installation.default_data_dir() == PROJECT / "var"
    request.getfixturevalue("installed")
    monkeypatch.setattr(sys, "platform", "linux")
    assert installation.default_data_dir() == Path("~/.local/share/liveblog")
    monkeypatch.setenv("XDG_DATA_HOME", "here")  # the specification has relative ones ignored
    assert installation.default_data_dir() == Path("~/.local/share/liveblog")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert installation.default_data_dir() == Path("/srv/data/liveblog")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert installation.default_data_dir() == Path("~/Library/Application Support/liveblog")


def test_who_has_no_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    default = Path("~nobody-at-all/liveblog")
    monkeypatch.setenv("DATA_DIR", "")
    with pytest.raises(ImproperlyConfigured, match=r"^DATA_DIR must be set: "):
        environment.read_data_dir("DATA_DIR", default=default)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert environment.read_data_dir("DATA_DIR", default=default).stat().st_mode & 0o777 == 0o700


def test_a_folder_of_ours_that_others_could_read_is_theirs_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for content in ("", "secret_key"):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        if content:
            (folder / content).write_text("key")
        assert environment.read_data_dir("DATA_DIR", default=folder).stat().st_mode & 0o777 == 0o700


def test_a_folder_with_other_things_in_it_is_not_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "srv"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "other").mkdir()
    monkeypatch.setenv("DATA_DIR", str(folder))
    with pytest.raises(ImproperlyConfigured, match=r"^DATA_DIR .*/srv holds other things .*: name an empty folder"):
        environment.read_data_dir("DATA_DIR", default=folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    folder.chmod(0o700)
    assert environment.read_data_dir("DATA_DIR", default=folder) == folder


# The demonstration


@pytest.mark.django_db
def test_seeding_again_changes_nothing() -> None:
    seeded = demo.seed()
    assert seeded.password
    before = state_of_everything()
    assert demo.seed() == demo.Seeded()
    assert state_of_everything() == before


@pytest.mark.django_db
def test_the_demonstration_is_as_promised() -> None:
    demo.seed()
    assert set(Event.objects.values_list("status", flat=True)) == {"live", "ended", "upcoming"}
    apollo = Event.objects.get(slug=APOLLO)
    assert apollo.updates.count() + demo.REPLAYED_UPDATES >= 40
    assert apollo.pinned_number
    assert apollo.updates.values("byline").distinct().count() > 1
    editor = User.objects.get(username="editor")
    assert set(editor.events.all()) == set(Event.objects.all())
    assert not editor.is_staff
    assert not any(user.has_usable_password() for user in User.objects.exclude(pk=editor.pk))
    for script in demo.read_scripts():
        assert len({script.key(update) for update in script.updates}) == len(script.updates)


@pytest.mark.django_db
def test_an_event_of_ones_own_with_the_same_address_is_left_alone() -> None:
    author = User.objects.create_user("ada")
    own = Event.objects.create(title="Our Apollo evening", slug=APOLLO)
    own.go_live()
    own.publish(author=author, body="Doors are open.")
    seeded = demo.seed()
    assert any(APOLLO in line and "left alone" in line for line in seeded.lines)
    assert play() == 0
    own.refresh_from_db()
    assert (own.title, own.status, own.updates.count()) == ("Our Apollo evening", "live", 1)
    assert not own.authors.exists()
    assert demo.find_public_event() is None
    assert Event.objects.count() == 3


@pytest.mark.django_db
def test_people_of_ones_own_with_the_same_names_are_left_alone() -> None:
    for name in ("editor", "quill"):
        User.objects.create_user(name, password="one's own")
    seeded = demo.seed()
    assert not seeded.password
    assert any("editor" in line and "left alone" in line for line in seeded.lines)
    for name in ("editor", "quill"):
        own = User.objects.get(username=name)
        assert own.check_password("one's own")
        assert not own.events.exists()
        assert not own.updates.exists()


@pytest.mark.django_db
def test_the_replay_tells_the_rest_ends_the_event_and_does_not_start_again() -> None:
    demo.seed()
    apollo = Event.objects.get(slug=APOLLO)
    told = apollo.updates.count()
    assert play() == demo.REPLAYED_UPDATES
    apollo.refresh_from_db()
    assert apollo.status == "ended"
    assert apollo.updates.count() == told + demo.REPLAYED_UPDATES
    numbers = list(apollo.updates.order_by("published_at").values_list("number", flat=True))
    assert numbers == sorted(numbers)
    apollo.reopen()
    assert play() == 0
    apollo.refresh_from_db()
    assert apollo.status == "live"


@pytest.mark.django_db
def test_an_interrupted_replay_goes_on_and_leaves_what_people_did_alone() -> None:
    demo.seed()
    apollo = Event.objects.get(slug=APOLLO)
    editor = User.objects.get(username="editor")
    replay = demo.find_replay()
    assert replay
    first = demo.publish_next(*replay)
    assert first
    first.withdraw()
    edited = apollo.updates.get(number=3)
    edited.edit(body="Put otherwise.")
    own = apollo.publish(author=editor, body="Hello from the desk.")
    apollo.pin(update=own)
    assert play() == demo.REPLAYED_UPDATES - 1
    apollo.refresh_from_db()
    assert apollo.pinned_number == own.number
    assert Update.objects.get(pk=first.pk).withdrawn_at is not None
    assert Update.objects.get(pk=edited.pk).body == "Put otherwise."
    assert Update.objects.get(pk=own.pk).body == "Hello from the desk."


@pytest.mark.django_db
def test_whoever_ends_the_event_ends_the_replay() -> None:
    demo.seed()
    apollo = Event.objects.get(slug=APOLLO)
    told = apollo.updates.count()
    pauses = []

    def end_during_the_second_pause(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 2:
            apollo.end()
        return False

    assert demo.publish_rest(end_during_the_second_pause, demo.PAUSE_SECONDS) == 1
    assert apollo.updates.count() == told + 1
    assert all(10 <= seconds <= 20 for seconds in pauses)


@pytest.mark.django_db
def test_a_removed_demonstration_stays_removed() -> None:
    demo.seed()
    Event.objects.all().delete()
    demo.seed()
    assert not Event.objects.exists()


# The other commands


@pytest.mark.django_db
def test_a_script_posts_with_everything_an_update_may_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    event, author = make_event()
    key = "0d9f3f0e-7d3f-4a49-8f53-0a1c7e0a9b11"
    options = {"headline": "Doors", "key_moment": True, "author": "ada", "key": key}
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", StringIO("They are *open*.\n"))
        call_command("post", event.slug, stdout=StringIO(), **options)
    update = event.updates.get()
    assert (update.headline, update.body, update.is_key) == ("Doors", "They are *open*.", True)
    assert (str(update.key), update.author) == (key, author)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "text", "complaint"),
    [
        (["no-such-event"], "Hello.", "There is no event “no-such-event”."),
        (["evening"], " \n", "Write something first."),
        (["evening"], "x" * 20_001, "20,001 characters are too many"),
        (["evening", "--headline", "x" * 201], "Hello.", "201 characters are too many"),
        (["evening", "--author", "nobody"], "Hello.", "There is no user “nobody”."),
        (["evening", "--key", "12"], "Hello.", "The key must be a UUID, not “12”."),
        (["evening"], "\udcff", "no UTF-8 text"),
    ],
)
def test_a_post_that_cannot_be_is_one_line(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str, complaint: str
) -> None:
    event, _ = make_event()
    monkeypatch.setattr(sys, "stdin", StringIO(text))
    with pytest.raises(CommandError, match=re.escape(complaint)) as refusal:
        call_command("post", *arguments, stdout=StringIO())
    assert "\n" not in str(refusal.value)
    assert not event.updates.exists()


@pytest.mark.django_db
def test_a_key_used_for_another_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    event, author = make_event()
    first = event.publish(author=author, body="One.")
    monkeypatch.setattr(sys, "stdin", StringIO("Another."))
    with pytest.raises(CommandError, match="has published update 1, with other content"):
        call_command("post", event.slug, key=str(first.key), stdout=StringIO())


@pytest.mark.django_db
def test_after_a_restore_every_event_has_a_new_edition() -> None:
    event, _ = make_event()
    output = StringIO()
    call_command("restored", stdout=output)
    before, after = event.edition, Event.objects.get().edition
    assert after != before
    assert re.fullmatch("[0-9a-f]{8}", after)
    assert "restart" in output.getvalue()


@pytest.mark.django_db
def test_after_a_release_that_draws_cards_anew_open_pages_fetch_themselves_again(client: Client) -> None:
    event, author = make_event()
    event.publish(author=author, body="Wind.")
    event.go_live()
    before = event.revision
    output = StringIO()
    call_command("reload_readers", stdout=output)
    assert "1 event" in output.getvalue()
    event.refresh_from_db()
    address = f"/events/{event.slug}/changes/"
    assert "data-reload" in client.get(address, {"after": before}).content.decode()
    assert client.get(address, {"after": event.revision}).status_code == 204


@contextmanager
def serving(data_dir: Path, **settings: str) -> Iterator[Service]:
    """Run the real service on a free port; it must stop well, whatever happens meanwhile."""
    port = find_free_port()
    process = run("serve", data_dir=data_dir, PORT=str(port), **settings)
    assert process.stdout
    output = ""
    for line in process.stdout:
        output += line
        if RUNNING in line:
            break
    else:
        pytest.fail(f"It did not start: {output}")
    service = Service(process, output, f"http://127.0.0.1:{port}")
    try:
        yield service
    finally:
        if process.poll() is None:
            children = children_of(process.pid)
            status, rest = service.stop()
            assert (status, rest.splitlines()[-1]) == (0, "Stopped.")
            assert "Traceback" not in rest
            assert not any(is_running(child) for child in children)


def run(*arguments: str, data_dir: Path, **settings: str) -> subprocess.Popen[str]:
    """Start ``manage.py`` with none of this process's own settings."""
    ours = {"DATABASE_URL", "REDIS_URL", "BASE_URL", "ALLOWED_HOSTS", "SECRET_KEY", "STATIC_ROOT"}
    ours |= {"DEBUG", "DEMO", "HOST", "PORT", "EMAIL_URL"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**inherited, "DATA_DIR": str(data_dir), **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def post(data_dir: Path, text: str) -> str:
    """Post to the demonstration from a process of its own, and return what that printed."""
    process = run("post", APOLLO, data_dir=data_dir)
    output, _ = process.communicate(text, timeout=60)
    assert process.returncode == 0, output
    return output


def assert_refused(data_dir: Path, pattern: str, **settings: str) -> str:
    """Check that the service does not start and says why, and return what it said."""
    process = run("serve", data_dir=data_dir, **settings)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(pattern, output), output
    return output


def ask(data_dir: Path, query: str) -> Any:
    """Return the first column of the first row that the service's database has for ``query``."""
    connection = sqlite3.connect(data_dir / "liveblog.sqlite3", timeout=20)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Wait for ``condition``; fail if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.02)


def children_of(process_id: int) -> list[int]:
    """Return the replay that a server has started (Linux says so under /proc)."""
    text = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(child) for child in text.split() if b"--play" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_running(process_id: int) -> bool:
    """Return whether a process does anything still; a zombie doesn't."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def play() -> int:
    """Tell the rest of the demonstration without pauses."""
    return demo.publish_rest(lambda seconds: False, (0, 0))


def make_event() -> tuple[Event, User]:
    """A live event with one author."""
    author = User.objects.create_user("ada")
    event = Event.objects.create(title="An evening", slug="evening")
    event.authors.add(author)
    event.go_live()
    return event, author


def state_of_everything() -> list[object]:
    """All rows that seeding could touch."""
    return [list(model.objects.order_by("pk").values()) for model in (User, Event, Update)]
