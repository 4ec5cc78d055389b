"""What an author posts on a phone arrives once and in order, whatever becomes of network, tab and server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.server import PASSWORD, Site

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}


def sign_in(page: Page, url: str, name: str) -> None:
    """Sign in on the page that asks for it, or on the login page."""
    if "/accounts/login/" not in page.url:
        page.goto(f"{url}/accounts/login/?next=/desk/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.click(".post")
    page.wait_for_url(lambda url: "/accounts/" not in url)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make a phone whose owner has signed in: ``phone("ada", url)``. A script that fails in a page fails the test."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(name: str, url: str, **options: Any) -> BrowserContext:
        context = browser.new_context(**PHONE, **options)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
        sign_in(context.new_page(), url, name)
        return context

    yield make
    for context in made:
        context.close()
    assert not errors


def write(page: Page, body: str) -> None:
    page.fill("#composer [name=body]", body)
    page.tap("#composer .post")


def bodies(site: Site, event: Any) -> list[str]:
    return [update.body for update in site.updates(event)]


def test_a_post_goes_through_the_outbox_and_stands_in_the_stream(phone: Any, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    page = phone("ada", live_site.url).pages[0]
    page.on("console", lambda m: print("CONSOLE", m.text))
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect(page.locator("#composer [name=body]")).to_be_focused()
    write(page, "First.")
    expect(page.locator("#items article")).to_contain_text("First.")
    expect(page.locator("#said")).to_contain_text("connected now")
    expect(page.locator("#outbox")).to_be_hidden()
    expect(page.locator("#composer [name=body]")).to_be_focused()
    expect(page.locator("#composer [name=body]")).to_have_value("")
    assert bodies(live_site, event) == ["First."]
