"""The desk of the former release: the page, its files and its service worker, as in browsers that are still open.

``former/desk.zip`` was made of commit c3ef6e7: the page of a live event without updates, what it loads, and
``/desk/sw.js``. What differs from site to site stands in parentheses there, as ``(slug)``.
"""

import mimetypes
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from liveblog.models import Event
from tests.server import Site

ZIP = Path(__file__).parent / "former" / "desk.zip"
TOKEN = "former" * 5 + "xy"


@contextmanager
def former_desk(site: Site, event: Event, user: int) -> Iterator[None]:
    """Serve the former release's desk at the address of a site that is stopped, for a user's primary key."""
    answers = _answers(event, user)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", mimetypes.guess_type(self.path)[0] or "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("Set-Cookie", f"csrftoken={TOKEN}; Path=/; SameSite=Lax")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with _Server(("127.0.0.1", site.port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
        server.cut_connections()


class _Server(ThreadingHTTPServer):
    """A server that leaves no connection behind: browsers keep some ready, and would use them for the next release."""

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def server_activate(self) -> None:
        self.connections: list[socket.socket] = []
        super().server_activate()

    def cut_connections(self) -> None:
        for connection in self.connections:
            with suppress(OSError):  # most are closed
                connection.shutdown(socket.SHUT_RDWR)


def _answers(event: Event, user: int) -> dict[str, bytes]:
    values = {
        "slug": event.slug,
        "title": event.title,
        "edition": event.edition,
        "revision": str(event.revision),
        "user": str(user),
        "token": TOKEN,
    }
    with zipfile.ZipFile(ZIP) as kept:
        found = {f"/{name}": kept.read(name) for name in kept.namelist()}
    page = found.pop("/desk/page.html").decode()
    for name, value in values.items():
        page = page.replace(f"({name})", value)
    return found | {f"/desk/{event.slug}/": page.encode()}
