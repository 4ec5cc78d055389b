"""Sites of publishers: pages of their own on a port of their own, which is another origin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Frame, Page

from tests.browser.reading import until

# Sums up what moved without the reader's doing, from the first paint on (Layout Instability API).
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""

ARTICLE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An article</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><h1>An article</h1><p>Words before it.</p>{body}<p id="after">Words after it.</p>{tail}</body></html>"""


type Headers = dict[str, str] | None


class Host:
    """A publisher's site: ``publish`` a page, with headers if need be, and open it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://localhost:{port}"
        self.pages: dict[str, tuple[str, bytes, dict[str, str]]] = {}

    def publish(self, path: str, content: str, *, kind: str = "text/html", headers: Headers = None) -> str:
        """Put content at a path and return its address."""
        self.pages[path] = (f"{kind}; charset=utf-8", content.encode(), headers or {})
        return self.url + path

    def article(
        self,
        body: str,
        *,
        path: str = "/article",
        head: str = "",
        tail: str = "",
        headers: Headers = None,
    ) -> str:
        """Publish an article with ``body`` in the middle of it."""
        return self.publish(path, ARTICLE.format(head=head, body=body, tail=tail), headers=headers)


@contextmanager
def serving() -> Iterator[Host]:
    """Serve a publisher's site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content, headers = host.pages.get(self.path.split("?")[0], ("text/plain", b"not here", {}))
            self.send_response(200 if self.path.split("?")[0] in host.pages else 404)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = Host(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield host
    server.shutdown()
    server.server_close()


def frame_in(page: Page, part: str) -> Frame:
    """Return the frame whose address holds ``part``, once its page has its scripts at work."""

    def find() -> Frame | None:
        return next((frame for frame in page.frames[1:] if part in frame.url), None)

    frame: Frame = until(page, find)
    until(page, lambda: frame.locator("#connection:not([data-state=still])").count())
    return frame


def shifts(page: Page) -> float:
    """Return the layout shift score of the host's page up to now."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return float(page.evaluate("window.shifts.reduce((sum, value) => sum + value, 0)"))
