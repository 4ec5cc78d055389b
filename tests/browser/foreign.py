"""Answers that are not ours: the sign-in page of a hotel's network, the error page of a proxy."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route

PORTAL = """<!doctype html><html lang="en"><head><title>Hotel Sacher</title></head>
<body><main><h1>Welcome to our network</h1><form action="/login"><input name="room"><button>Go on</button></form></main>
</body></html>"""


@contextmanager
def foreign_answers(page: Page, *, status: int = 200, body: str = PORTAL) -> Iterator[list[str]]:
    """Let something else answer what the page's scripts ask; the addresses that were asked for are listed."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.resource_type not in {"xhr", "fetch"}:
            route.fallback()
            return
        asked.append(route.request.url)
        route.fulfill(status=status, content_type="text/html; charset=utf-8", body=body)

    page.route("**/*", answer)
    yield asked
    page.unroute("**/*", answer)
