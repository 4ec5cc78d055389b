"""Two people at one desk, in two browsers, and a reader who comes and goes."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from liveblog.models import Event, Role
from tests.browser.reading import open_page, until
from tests.server import PASSWORD, Site

type SitDown = Callable[..., Page]

LOOK_MS = 12_000
"""A look every 5 s, and a slow machine."""


@pytest.fixture
def sit_down(browser: Browser, live_site: Site) -> Iterator[SitDown]:
    """Open an event's desk as somebody, on a phone of their own."""
    contexts = []

    def open_desk(name: str, event: Event, site: Site = live_site) -> Page:
        context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/desk/{event.slug}/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main form button")
        expect(page.locator("#presence")).to_be_visible(timeout=LOOK_MS)
        return page

    yield open_desk
    for context in contexts:
        context.close()


@pytest.fixture
def event(live_site: Site) -> Event:
    """An event that Ada and Bo write."""
    event = live_site.event(author=live_site.user("ada-here", first_name="Ada"), updates=1)
    live_site.do(event.appoint, user=live_site.user("bo-here", first_name="Bo"), role=Role.EDITOR)
    return event


def test_two_desks_see_each_other_and_how_many_read(
    sit_down: SitDown, page: Page, live_site: Site, event: Event
) -> None:
    ada = sit_down("ada-here", event)
    expect(ada.locator("#presence")).to_have_text("Nobody else is here · no readers")
    bo = sit_down("bo-here", event)
    expect(ada.locator("#presence")).to_have_text("Also here: Bo · no readers", timeout=LOOK_MS)
    expect(bo.locator("#presence")).to_have_text("Also here: Ada · no readers", timeout=LOOK_MS)
    open_page(page, live_site, event)
    expect(ada.locator("#presence")).to_have_text("Also here: Bo · 1 reader", timeout=LOOK_MS)
    page.goto("about:blank")
    expect(ada.locator("#presence")).to_have_text("Also here: Bo · no readers", timeout=LOOK_MS)
    found = Axe().run(ada)
    assert found.violations_count == 0, found.generate_report()
    box = ada.locator("#presence").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 320
    assert ada.locator("[aria-live] #presence, #presence[aria-live], [role=status] #presence").count() == 0
    bo.close()
    expect(ada.locator("#presence")).to_have_text("Nobody else is here · no readers", timeout=LOOK_MS)


def test_what_changes_elsewhere_nudges_the_page(sit_down: SitDown, live_site: Site, event: Event) -> None:
    ada = sit_down("ada-here", event)
    ada.evaluate(
        "document.addEventListener('desk:nudge', ({ detail }) => { document.body.dataset.nudged = detail.revision })"
    )
    live_site.publish(event)
    revision = live_site.fresh(event).revision
    until(ada, lambda: ada.evaluate("Number(document.body.dataset.nudged)") == revision)


def test_the_line_comes_back_after_its_server_was_gone_and_does_not_lie_meanwhile(
    sit_down: SitDown, server: Callable[..., Site]
) -> None:
    site = server()
    event = site.event(author=site.user("ada"))
    ada = sit_down("ada", event, site)
    site.kill()
    expect(ada.locator("#presence")).to_have_count(0, timeout=20_000)
    site.start()
    expect(ada.locator("#presence")).to_be_visible(timeout=40_000)


def test_who_was_thrown_out_stops_asking(sit_down: SitDown, live_site: Site, event: Event) -> None:
    bo = sit_down("bo-here", event)
    opened: list[str] = []
    bo.on("websocket", lambda socket: opened.append(socket.url))
    live_site.do(event.dismiss, user=live_site.user("bo-here"))
    expect(bo.locator("#presence")).to_have_count(0, timeout=30_000)
    bo.wait_for_timeout(3_000)
    assert opened == []
