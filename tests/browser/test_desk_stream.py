"""Two authors at one desk, each on a device of their own, and what arrives at the other."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from liveblog.models import Event, Role
from tests.server import PASSWORD, Site

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
SCREEN = {"viewport": {"width": 1280, "height": 800}}

ITEMS = """() => [...document.querySelectorAll('#items > .item')].map((item) => ({
  number: Number(item.dataset.number),
  revision: Number(item.dataset.revision),
  isPinned: item.classList.contains('is-pinned'),
  isWithdrawn: item.classList.contains('is-withdrawn'),
  text: (item.querySelector('article .prose') ?? item.querySelector('.withdrawn-text'))?.textContent.trim(),
}))"""


@pytest.fixture
def desks(browser: Browser, live_site: Site) -> Iterator[Callable[..., Page]]:
    """Open a desk as a user of this name: ``desks("ada", event, **PHONE)``. A script that fails fails the test."""
    contexts = []
    errors: list[str] = []

    def open_desk(name: str, event: Event, *, role: Role = Role.EDITOR, query: str = "", **options: object) -> Page:
        who = live_site.user(name, first_name=name.capitalize())
        live_site.do(lambda: event.memberships.get_or_create(user=who, defaults={"role": role}))
        context = browser.new_context(timezone_id="UTC", **options)  # type: ignore[arg-type]
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda said: said.type == "error" and "htmx" in said.text and errors.append(said.text))
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{live_site.url}/desk/{event.slug}/{query}")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#items", state="attached")
        return page

    yield open_desk
    for context in contexts:
        context.close()
    assert not errors


def shown(page: Page) -> list[dict[str, object]]:
    """Return what the desk shows, from the top."""
    found: list[dict[str, object]] = page.evaluate(ITEMS)
    return found


def nudge(*pages: Page) -> None:
    """Have desks ask at once, as the presence socket does."""
    for page in pages:
        page.evaluate("document.dispatchEvent(new CustomEvent('desk:nudge'))")


def write(page: Page, text: str) -> None:
    """Post by the composer."""
    page.fill("#composer [name=body]", text)
    page.click("#composer .post")


def test_posts_edits_pins_and_withdrawals_of_one_arrive_at_the_other(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=2)
    ada, bo = desks("ada", event, **SCREEN), desks("bo", event, **PHONE)
    write(ada, "From Ada.")
    expect(bo.locator("#item-3 .prose")).to_have_text("From Ada.", timeout=8000)
    assert [item["number"] for item in shown(bo)] == [3, 2, 1]
    bo.tap("#edit-3")
    bo.fill("#item-3 [name=body]", "Put right by Bo.")
    bo.tap("#item-3 .post")
    expect(bo.locator("#item-3 .prose")).to_have_text("Put right by Bo.")
    expect(ada.locator("#item-3 .prose")).to_have_text("Put right by Bo.", timeout=8000)
    ada.click("#pin-1")
    expect(bo.locator("#item-1.is-pinned")).to_be_visible(timeout=8000)
    bo.tap("#pin-2")
    expect(bo.locator("#item-1:not(.is-pinned)")).to_be_visible()
    expect(ada.locator("#item-2.is-pinned")).to_be_visible(timeout=8000)
    expect(ada.locator("#item-1:not(.is-pinned)")).to_be_visible()
    ada.click("#withdraw-3")
    expect(bo.locator("#item-3.is-withdrawn")).to_be_visible(timeout=8000)
    expect(bo.locator("#restore-3")).to_have_text("Restore")
