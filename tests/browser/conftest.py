"""Real Chromium for the tests in this folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.phones import phones

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
SHELL_NAME = "chromium-headless-shell"
"""Takes a third less of the processor: 23 s instead of 33 for test_open_page and test_place."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The live badge breathes for ever: drawn without a GPU, that takes half a core for each open page.
    "--force-prefers-reduced-motion",
)


expect.set_options(timeout=60_000)  # what is right is so at once; a machine that others use too may take its time


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright itself. Its event loop stays in this thread, so tests without a browser run in another process."""
    with sync_playwright() as started:
        yield started


def find_chromium() -> str | None:
    """Return the Chromium that is installed; ``None`` leaves it to Playwright's own."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def launch(playwright: Playwright) -> Callable[..., Browser]:
    """Start a Chromium: the shell without windows where it is installed, unless the test needs the whole."""

    def start(*, whole: bool = False, **options: Any) -> Browser:
        is_shell_enough = not whole and "CHROMIUM" not in os.environ
        found = (is_shell_enough and shutil.which(SHELL_NAME)) or find_chromium()
        return playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS], **options)

    return start


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """One Chromium for all tests."""
    started = launch()
    yield started
    started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of the test's own. A script that fails in a page fails the test."""
    made = browser.new_context(viewport={"width": 1000, "height": 700}, timezone_id="UTC")
    errors: list[str] = []
    made.on("weberror", lambda error: errors.append(str(error.error)))
    yield made
    made.close()
    assert not errors


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab."""
    return context.new_page()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a browser of somebody's own, which is closed at the end; what fails in a script fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def start(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context.new_page()

    yield start
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make a phone whose owner is signed in: ``phone("ada", live_site)``."""
    with phones(browser) as make:
        yield make
