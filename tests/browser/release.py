"""The former release, commit 0d0abec: a reader's page, the desk, their files and the worker, as browsers have them.

``former/make.py`` has made ``former/pages.zip`` of it, and makes it of the next.
"""

import mimetypes
import socket
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from liveblog.models import Event
from tests.server import Site

ZIP = Path(__file__).parent / "former" / "pages.zip"
TOKEN = "former" * 5 + "xy"


@contextmanager
def former_release(site: Site, event: Event, user: int = 0) -> Iterator[None]:
    """Serve the former release's pages at the address of a site that is stopped; the desk for a user's primary key."""
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
        "csrfmiddlewaretoken": TOKEN,
        "key": str(uuid.uuid4()),
    }
    with zipfile.ZipFile(ZIP) as kept:
        found = {f"/{name}": kept.read(name) for name in kept.namelist()}
    addresses = {"event": f"/events/{event.slug}/", "desk": f"/desk/{event.slug}/"}
    pages = {address: found.pop(f"/{name}.html").decode() for name, address in addresses.items()}
    for name, value in values.items():
        pages = {address: page.replace(f"({name})", value) for address, page in pages.items()}
    return found | {address: page.encode() for address, page in pages.items()} | {"/desk/sw.js": found.pop("/sw.js")}
