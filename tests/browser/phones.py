"""Phones whose owners are at the desk, and what they do there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from liveblog.models import Event
from tests.browser.reading import PATIENCE_SECONDS, until
from tests.browser.sessions import start_session
from tests.server import PASSWORD, Site

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
BODY = "#composer [name=body]"

FILL = """() => {
  let size = 1 << 20, number = 0;
  while (size >= 1) {
    try { localStorage.setItem(`filler-${number++}`, "x".repeat(size)); } catch { size = size >> 1; }
  }
}"""
EMPTY = """() => {
  for (const key of Object.keys(localStorage)) if (key.startsWith('filler-')) localStorage.removeItem(key);
}"""
LEAVE_SOME = """() => {
  const fillers = Object.keys(localStorage).filter((key) => key.startsWith('filler-'));
  fillers.sort((a, b) => localStorage[b].length - localStorage[a].length);
  localStorage.removeItem(fillers.find((key) => localStorage[key].length < 4000));
}"""
OUTBOX = """() => [...document.querySelectorAll('#entries .entry')].map((entry) => ({
  state: entry.dataset.state, text: entry.innerText, key: entry.dataset.key,
}))"""

# Whoever comes back to the page has it send at once, and need not wait for its next try by itself.
LOOK_AGAIN = "() => { window.dispatchEvent(new Event('focus')); }"


@contextmanager
def phones(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make phones whose owners are signed in: ``make("ada", site)``. A script that fails in a page is an error."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(name: str, site: Site, *, url: str = "", **options: Any) -> BrowserContext:
        context = browser.new_context(**PHONE | options)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
        start_session(context, site, name, url=url)
        return context

    yield make
    for context in made:
        context.close()
    assert not errors


def sign_in(page: Page, url: str, name: str) -> None:
    """Sign in by the form, where that is what the test is about; ``start_session`` needs no page."""
    if "/accounts/login/" not in page.url:
        page.goto(f"{url}/accounts/login/?next=/desk/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.click(".post")
    page.wait_for_url(lambda address: "/accounts/" not in address)


def write(page: Page, text: str) -> None:
    """Write an update and post it."""
    page.fill(BODY, text)
    page.tap("#composer .post")


def nudge(*pages: Page) -> None:
    """Have desks ask at once what is new, as when somebody comes back to the tab, instead of within five seconds."""
    for page in pages:
        page.evaluate("() => { document.dispatchEvent(new Event('visibilitychange')); }")


def outbox(page: Page) -> list[dict[str, str]]:
    """Return what the page's outbox shows."""
    found: list[dict[str, str]] = page.evaluate(OUTBOX)
    return found


def bodies(site: Site, event: Event) -> list[str]:
    """Return what readers have, oldest first."""
    return [update.body for update in site.updates(event)]


def expect_posted(page: Page, site: Site, event: Event, *texts: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until these updates and no others are published, and the outbox is empty: nothing more can come."""
    until(page, lambda: bodies(site, event) == [*texts] and not outbox(page), seconds=seconds)
