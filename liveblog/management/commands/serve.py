"""``liveblog serve`` prepares everything and serves; ``make run`` calls it."""

import asyncio
import errno
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from config import installation
from config.environment import command
from liveblog.management import welcome
from liveblog.management.advice import advise
from liveblog.management.commands import demo

UNFINISHED_SECONDS = 2.0
UNHEARD_SECONDS = 180
"""For requests whose client has left: a photo may wait for a minute and take another."""
GRACEFUL_SECONDS = 5
"""How long requests that are under way may take at the end; sockets come back elsewhere."""
READY_SECONDS = 30
"""A new process may take so long to begin; with uvicorn's five seconds, SIGHUP gives up on a busy machine."""
LISTEN_BACKLOG = 2048
"""With daphne's own 50, 1,000 readers who return at once wait 1.3 s."""


class Command(BaseCommand):
    """Serve the live blog, from PROCESSES processes."""

    help = "Migrate, seed the demonstration, and serve on HOST and PORT until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="seed no demonstration (also: DEMO=0)")
        parser.add_argument(
            "--no-setup", action="store_true", help="neither migrate nor collect static files: a deployment did both"
        )

    def handle(self, *, no_demo: bool, no_setup: bool, **options: Any) -> None:
        """Serve; what prevents it is printed as one line, with exit status 1."""
        for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a script's background jobs begin with it ignored
            signal.signal(number, signal.default_int_handler)
        try:
            address = find_free_address(settings.HOST, settings.PORT)
            try:
                if not no_setup:
                    self.migrate()
                    self.collect_static()
                has_demo = settings.DEMO and not no_demo
                password = self.seed_demo() if has_demo else ""
                with replayed_demo() if has_demo else nullcontext():
                    self.serve(address, password)
            except OperationalError as error:
                raise CommandError(f"The database can't be used: {' '.join(str(error).split())}") from error
        except KeyboardInterrupt:
            pass
        self.say("Stopped.")
        leave_unfinished()

    def migrate(self) -> None:
        """Run migrations."""
        call_command("migrate", interactive=False, verbosity=0)

    def collect_static(self) -> None:
        """Collect static files if their sources have changed since the last time.

        The stamp lies among them, so that another or an emptied STATIC_ROOT has none.
        """
        stamp = settings.STATIC_ROOT / ".collected"
        sources = describe_static_sources()
        if stamp.exists() and stamp.read_text() == sources:
            return
        self.say("Collecting static files")
        try:
            stamp.unlink(missing_ok=True)
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(sources)
        except OSError as error:
            reason = f"STATIC_ROOT {settings.STATIC_ROOT} can't be written to: {error.strerror}."
            raise CommandError(reason) from error

    def seed_demo(self) -> str:
        """Seed the demonstration at the first start; return the password if one was made."""
        seeded = demo.seed()
        for line in seeded.lines:
            self.say(line)
        return seeded.password

    def serve(self, address: str, password: str) -> None:
        """Serve until a signal ends it."""
        for line in advise():
            self.say(line)
        greeting = welcome.describe(address, password, can_draw=welcome.can_draw(self.stdout))
        connection.close()
        run = self.run_daphne if settings.SERVER == "daphne" else self.run_uvicorn
        run(address, greeting)

    def run_uvicorn(self, address: str, greeting: str) -> None:
        """Run uvicorn, in this process or as the parent of several, which SIGHUP replaces one by one."""
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        config = uvicorn.Config(
            "config.asgi:application",
            host=address,
            port=settings.PORT,
            workers=settings.PROCESSES,
            backlog=LISTEN_BACKLOG,
            loop="uvloop",
            http="liveblog.sockets.uvicorn_http:BoundedHttpProtocol",
            ws="liveblog.sockets.uvicorn_protocol:FrameProtocol",
            access_log=False,
            log_config=None,  # its lines come as ours do, and none below a warning: a socket's names its reader
            server_header=False,
            forwarded_allow_ips=settings.TRUSTED_PROXIES,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
            timeout_worker_healthcheck=READY_SECONDS,
        )
        listener = config.bind_socket()
        if settings.PROCESSES == 1:
            self.say(greeting)
            uvicorn.Server(config).run(sockets=[listener])
            return
        share_metrics(settings.DATA_DIR / "metrics")
        if not settings.REDIS_URL:
            self.say("REDIS_URL is not set: readers of one process see within two seconds what another one takes in.")
        self.say(greeting)
        Multiprocess(config, sockets=[listener]).run()

    def run_daphne(self, address: str, greeting: str) -> None:
        """Run daphne in this process."""
        from channels.routing import get_default_application

        from liveblog.sockets.daphne_server import FrameServer

        interface = address.replace(":", r"\:")
        application = get_default_application()
        server = FrameServer(
            application,
            endpoints=[f"tcp:port={settings.PORT}:interface={interface}:backlog={LISTEN_BACKLOG}"],
            ready_callable=partial(self.begin, application, greeting),
            application_close_timeout=UNHEARD_SECONDS,
            verbosity=0,
        )
        server.run()
        application.stop()
        if server.abort_start:
            raise CommandError(f"Port {settings.PORT} was taken by another program just now.")

    def begin(self, application: Any, greeting: str) -> None:
        """Start periodic work, whether or not anybody asks for anything."""
        loop = asyncio.get_event_loop()  # daphne has just set it
        application.start(loop)
        loop.call_soon(self.say, greeting)  # not before signals are handled: one that came now would be swallowed

    def say(self, text: str) -> None:
        """Print at once, also into a pipe."""
        self.stdout.write(text)
        self.stdout.flush()


def leave_unfinished() -> None:
    """End the process soon even if requests are unfinished: their threads wait for a loop that has stopped.

    Each has committed all or nothing, and an author's device sends again what got no answer.
    """
    last_resort = threading.Timer(UNFINISHED_SECONDS, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()


def find_free_address(host: str, port: int) -> str:
    """Return the address of ``host`` if a socket can be bound to it; raises ``CommandError``."""
    try:
        family, kind, _, _, endpoint = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(endpoint)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} is taken on {host}; stop what uses it, or choose another: {_start_on(8001)}"
        elif error.errno == errno.EACCES:
            reason = f"Port {port} needs rights that this user lacks; choose one above 1023: {_start_on(8001)}"
        else:
            reason = f"HOST {host} is no address of this machine ({error.strerror})."
        raise CommandError(reason) from error
    return str(endpoint[0])


def share_metrics(folder: Path) -> None:
    """Have the processes to come keep their figures where each can add them up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _start_on(port: int) -> str:
    return f"PORT={port} {command('serve')}" if installation.IS_INSTALLED else f"make run PORT={port}"


def describe_static_sources() -> str:
    """Return a digest that changes when any static file of ours or of a package does."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


@contextmanager
def replayed_demo() -> Iterator[None]:
    """Run a child process that publishes the rest of the demonstration, if any is left.

    It ends when its standard input closes, which happens however this process ends.
    """
    if demo.find_replay() is None:
        yield
        return
    words, environ = installation.own_command("demo", "--play", "--until-eof", "--verbosity=0")
    child = subprocess.Popen(words, env=environ, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        child.terminate()
        child.wait()
