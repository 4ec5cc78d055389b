"""Real servers in processes of their own, and the way to change what is in their database."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import dj_database_url
import httpx
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connections
from django.db.utils import load_backend
from django.test import Client, override_settings
from django.utils import timezone

from liveblog.models import Event, Update

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 10
ANSWER_SECONDS = 30
"""An answer may take this while the other workers' servers and browsers have the machine and its disk."""
PASSWORD = "correct horse battery staple"


class Site:
    """A running server, and its database as another process sees it.

    What changes the database runs in a thread of its own: a test that drives a browser has an event
    loop in its own thread, where Django refuses to query. Nobody rings the server's bell for these
    changes, as with ``manage.py post`` without Redis: readers have them within two seconds.
    """

    def __init__(
        self,
        data_dir: Path,
        unblocked: Callable[[], AbstractContextManager[Any]],
        *,
        open_files: int | None = None,
        host: str = "127.0.0.1",
        inside: Sequence[str] = (),
        **environ: str,
    ) -> None:
        self.data_dir = data_dir
        self.root = ROOT
        """Where the program lies; tests/test_release.py makes other releases."""
        self.host, self.port = host, find_free_port()
        self.url = f"http://{host}:{self.port}"
        self._inside = inside
        """What stands before the command, to run it on another machine than this one."""
        self.database_url = environ.get("DATABASE_URL", f"sqlite:///{data_dir / 'liveblog.sqlite3'}")
        self._environ = environ
        self._open_files = open_files
        self._setup = () if "DATABASE_URL" in environ else ("--no-setup",)
        self._unblocked = unblocked
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="site", initializer=self._connect)

    # The process.

    def start(self) -> None:
        """Start the server and wait until it can serve."""
        self._process = subprocess.Popen(
            [*self._inside, sys.executable, "manage.py", "serve", "--no-demo", *self._setup],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=(self.data_dir / "log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if self._open_files is not None:  # before Python has begun
            resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (self._open_files, self._open_files))
        ends_at = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            if self._process.poll() is not None or time.monotonic() > ends_at:
                self.kill()
                raise AssertionError(f"The server did not start:\n{self.log}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server as an operator does; what does not stop is killed and counted as a fault."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The server did not stop:\n{self.log}") from None
        self._process = None

    def kill(self) -> None:
        """End the server without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop the server and start it again at the same address."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop the server's process in its tracks; connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything."""
        try:
            if self._process is not None:
                self._process.send_signal(signal.SIGCONT)
            self.stop()
        finally:
            self._thread.submit(connections.close_all).result()
            self._thread.shutdown()

    def is_healthy(self) -> bool:
        """Whether the server says that it can serve."""
        try:
            # To read certificates for https would cost 20 ms of CPU, fifty times a second, beside a server that starts.
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False, verify=False).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def process_id(self) -> int:
        """The process that was started, which may have others below it."""
        assert self._process is not None
        return self._process.pid

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the server's process."""
        kept = {name: value for name, value in os.environ.items() if name not in _OUR_SETTINGS}
        ours = {"DATA_DIR": str(self.data_dir), "HOST": self.host, "PORT": str(self.port)}
        return kept | ours | self._environ

    @property
    def log(self) -> str:
        """What the server has printed."""
        return (self.data_dir / "log").read_text(errors="replace")

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run one of ``manage.py``'s commands on the same settings and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # Its addresses.

    def page(self, event: Event, query: str = "") -> str:
        """Return the address of an event's page."""
        return f"{self.url}/events/{event.slug}/{query}"

    def changes(self, event: Event, after: int = 0) -> str:
        """Return the address of a poll."""
        return f"{self.url}/events/{event.slug}/changes/?after={after}&edition={event.edition}"

    def live(self, event: Event, after: int = 0) -> str:
        """Return the address of a socket."""
        address = f"/events/{event.slug}/live/?after={after}&edition={event.edition}"
        return f"ws://{self.host}:{self.port}{address}"

    # Its visitors.

    def get(self, address: str, **query: Any) -> httpx.Response:
        """Return what somebody gets who has no cookie; ``address`` is a path or whole."""
        with self.visitor() as visitor:
            return visitor.get(address, params=query or None)

    def refresh(self, address: str = "/") -> None:
        """Have everybody get a page as it is now, though nobody rang for what has changed: an author has a look."""
        with self.visitor() as author:
            author.cookies.set("sessionid", "nobody's")
            assert author.get(address).status_code < 500

    def visitor(self) -> httpx.Client:
        """Return a client that keeps its cookies."""
        return httpx.Client(base_url=self.url, timeout=ANSWER_SECONDS, trust_env=False, verify=False)

    def log_in(self, visitor: httpx.Client, username: str = "ada") -> None:
        """Let a client in as the user of this name, without the form, which test_login.py tests."""
        visitor.get("/accounts/login/")  # brings the cookie against forged requests
        visitor.cookies.set("sessionid", self.session_key(username))

    def session_key(self, username: str) -> str:
        """Return the key of a new session of this user, made if need be: it is signed with the server's own key."""
        self.user(username)
        return self.do(make_session, username, self.secret_key)

    @property
    def secret_key(self) -> str:
        """The key with which the server signs."""
        return self.environ.get("SECRET_KEY") or (self.data_dir / "secret_key").read_text().strip()

    # Its database.

    def do[T](self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run ``work`` on the server's database and return what it returns: ``site.do(event.end)``."""
        with self._unblocked():
            return self._thread.submit(work, *args, **kwargs).result()

    def user(self, username: str = "ada", **fields: Any) -> User:
        """Return the user of that name, made if need be, who logs in with ``PASSWORD``."""
        return self.do(make_user, username, **fields)

    def event(
        self,
        title: str = "The landing",
        *,
        status: str = "live",
        updates: int = 0,
        author: User | None = None,
        **fields: Any,
    ) -> Event:
        """Make an event in ``status`` with so many updates, one author and a slug of its own."""
        return self.do(make_event, title, status=status, updates=updates, author=author, **fields)

    def publish(
        self, event: Event, body: str = "Something happened.", *, author: User | None = None, **rest: Any
    ) -> Update:
        """Publish an update; ``rest`` as for ``Event.publish``."""
        return self.do(publish, event, body, author=author, **rest)

    def fresh(self, event: Event) -> Event:
        """Return the event as it is now."""
        return self.do(Event.objects.get, pk=event.pk)

    def updates(self, event: Event) -> list[Update]:
        """Return the updates that readers can see, oldest first."""
        return self.do(lambda: list(Event.objects.get(pk=event.pk).updates.visible().oldest_first()))

    def _connect(self) -> None:
        """Give this thread the server's database in place of the tests' own."""
        settings = {**connections["default"].settings_dict, **dj_database_url.parse(self.database_url)}
        if "sqlite3" not in settings["ENGINE"]:
            settings["OPTIONS"] = {}
        connections["default"] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")


def publish(event: Event, body: str = "Something happened.", *, author: User | None = None, **rest: Any) -> Update:
    """Publish an update by ``author``, else by the event's first author."""
    author = author or event.authors.order_by("pk").first() or make_user("ada")
    return event.publish(author=author, body=body, **rest)


def make_user(username: str = "ada", **fields: Any) -> User:
    """Return the user of that name, made if need be, who logs in with ``PASSWORD``."""
    user = User.objects.filter(username=username).first()
    return user or User.objects.create(username=username, password=_quick_password(), **fields)


def signed_in(user: User) -> Client:
    """Return a client of Django's own that is signed in as ``user``."""
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    """Return the text of an answer as people read it."""
    return unescape(response.content.decode())


def make_session(username: str, secret_key: str) -> str:
    """Return the key of a new session of this user."""
    client = Client()
    with override_settings(SECRET_KEY=secret_key):
        client.force_login(User.objects.get(username=username))
    return client.cookies["sessionid"].value


def make_event(
    title: str = "The landing", *, status: str = "live", updates: int = 0, author: User | None = None, **fields: Any
) -> Event:
    """Make an event in ``status`` with so many updates, one author and a slug of its own."""
    slug = fields.pop("slug", f"landing-{uuid.uuid4().hex[:8]}")
    event = Event.objects.create(title=title, slug=slug, **fields)
    event.authors.add(author or make_user("ada"))
    if status == "upcoming":
        event.announce()
    elif status != "draft":
        event.go_live()
    for number in range(1, updates + 1):
        publish(event, f"This is update {number}.", headline=f"Headline {number}")
    if status == "ended":
        event.end()
    return event


def set_ended(event: Event, *, minutes_ago: float) -> None:
    """Let an ended event have ended so long ago; its feed learns of it with the next change, open pages never do."""
    Event.objects.filter(pk=event.pk).update(ended_at=timezone.now() - timedelta(minutes=minutes_ago))


def prepare(folder: Path) -> None:
    """Make ``folder`` what a deployment leaves for servers, at once or not at all: it is copied for each server."""
    unfinished = folder.with_suffix(".unfinished")
    site = Site(unfinished, unblocked=_nothing)
    site.manage("migrate", "--verbosity=0")
    site.manage("collectstatic", "--noinput", "--verbosity=0")
    site.close()
    unfinished.rename(folder)


def copy_data_dir(prepared: Path, folder: Path) -> Path:
    """Copy a prepared folder."""
    return shutil.copytree(prepared, folder)


def find_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@cache
def _quick_password() -> str:
    """Hash ``PASSWORD`` so that a server accepts it, with as little work as that allows."""
    return PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1_000)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


_OUR_SETTINGS = {
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SECRET_KEY",
    "STATIC_ROOT",
    "ALLOWED_HOSTS",
    "BASE_URL",
    "DEBUG",
    "DEMO",
    "S3_BUCKET",
    "S3_ENDPOINT",
    "S3_REGION",
    "DJANGO_SETTINGS_MODULE",
}
