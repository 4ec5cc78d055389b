"""``manage.py serve`` makes everything ready and serves; ``make run`` calls it."""

import contextlib
import hashlib
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

SAFE_SQLITE = (3, 51, 3)
"""The first SQLite without a rare corruption of databases in WAL mode."""


class Command(BaseCommand):
    """Serve the live blog from one process."""

    help = "Migrate, seed the demonstration, and serve on HOST and PORT until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the way to do without the demonstration."""
        parser.add_argument("--no-demo", action="store_true", help="seed no demonstration (also: DEMO=0)")

    def handle(self, *, no_demo: bool, **options: Any) -> None:
        """Serve; whatever hinders it is one line and exit status 1."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            address = find_free_address()
            raise_descriptor_limit()
            try:
                self.make_ready()
                password = "" if no_demo or not settings.DEMO else self.seed()
                with_replay = not no_demo and settings.DEMO and is_replay_due()
            except OperationalError as error:
                raise CommandError(f"The database can't be used: {error}".strip()) from error
            with replay() if with_replay else contextlib.nullcontext():
                self.serve(address, password)
        except KeyboardInterrupt:
            pass

    def make_ready(self) -> None:
        """Bring database and static files to this release's state."""
        if connection.vendor == "sqlite" and sqlite3.sqlite_version_info < SAFE_SQLITE:
            self.stderr.write(
                f"SQLite {sqlite3.sqlite_version} is fine for trying things out; it can in rare cases damage"
                " its file, so use PostgreSQL (DATABASE_URL) for the night that counts."
            )
        call_command("migrate", interactive=False, verbosity=0)
        stamp, sources = settings.DATA_DIR / "static.stamp", describe_static_sources()
        if not stamp.exists() or stamp.read_text() != sources or not settings.STATIC_ROOT.is_dir():
            self.stdout.write("Collecting static files")
            stamp.unlink(missing_ok=True)
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(sources)

    def seed(self) -> str:
        """Seed the demonstration on the first start; return the password if one was made."""
        from liveblog.management.commands.demo import seed

        seeded = seed()
        if seeded.is_new:
            for line in seeded.lines:
                self.stdout.write(line)
        return seeded.password

    def serve(self, address: str, password: str) -> None:
        """Run daphne here until a signal stops it."""
        from daphne.server import Server

        from config.asgi import application

        server = Server(
            application,
            endpoints=[
                # Its backlog of 50 makes 1,000 readers who return at once wait 1.3 s.
                f"tcp:port={settings.PORT}:interface={address.replace(':', chr(92) + ':')}:backlog=2048"
            ],
            ready_callable=lambda: self.announce(password),
            verbosity=0,
        )
        server.run()
        if server.abort_start:
            raise CommandError(f"{settings.HOST}:{settings.PORT} was taken by another program just now.")

    def announce(self, password: str) -> None:
        """Print where to go, and with what to log in."""
