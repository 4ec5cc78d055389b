"""Two people at one desk, in two browsers, and readers who come and go."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from liveblog.models import Attendance, Event, Role
from tests.browser.reading import open_page, until
from tests.server import PASSWORD, Site

type SitDown = Callable[..., Page]

FORMER = Path(__file__).parent / "former"
"""Scripts as a former release served them: pages that are still open run them."""
PATIENCE_MS = 60_000
"""What comes by a poll comes within 5 s, and a slow machine takes its time."""


@pytest.fixture
def sit_down(browser: Browser, live_site: Site) -> Iterator[SitDown]:
    """Open an event's desk as somebody, on a phone of their own. A script that fails fails the test."""
    contexts = []
    errors: list[str] = []

    def open_desk(name: str, event: Event, site: Site = live_site, *, is_frozen: bool = False) -> Page:
        context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/desk/{event.slug}/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        if is_frozen:  # no timer of the desk's runs until the test lets it
            page.clock.install()
            page.clock.pause_at(timezone.now() + timedelta(hours=1))
        page.click("main form button")
        expect(here(page)).not_to_be_empty()
        return page

    yield open_desk
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def event(live_site: Site) -> Event:
    """An event that Ada and Bo write."""
    return event_of(live_site)


def event_of(site: Site, **fields: Any) -> Event:
    """Make an event that Ada and Bo write."""
    event = site.event(author=site.user("ada-here", first_name="Ada"), updates=1, **fields)
    site.do(event.appoint, user=site.user("bo-here", first_name="Bo"), role=Role.EDITOR)
    return event


def here(page: Page) -> Any:
    """Return the line that says who else is at the desk."""
    return page.locator("#presence")


def expect_line(page: Page, line: str) -> None:
    """Wait until the desk says who is there."""
    expect(here(page)).to_have_text(line, timeout=PATIENCE_MS)


def sockets_of(page: Page) -> list[str]:
    """Return the addresses of the sockets that a page opens from now on, as they come."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


def put_worker_to_rest(page: Page) -> None:
    """Stop the service worker, as the browser does with one that has had nothing to do."""
    page.wait_for_function("navigator.serviceWorker.controller?.state === 'activated'")
    browser = page.context.new_cdp_session(page)
    browser.send("ServiceWorker.enable")
    browser.send("ServiceWorker.stopAllWorkers")


def test_two_desks_see_each_other_and_how_many_read(
    sit_down: SitDown, page: Page, live_site: Site, event: Event
) -> None:
    ada = sit_down("ada-here", event)
    expect_line(ada, "Nobody else is here · no readers")
    bo = sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo · no readers")
    expect_line(bo, "Also here: Ada · no readers")
    open_page(page, live_site, event)
    expect_line(ada, "Also here: Bo · 1 reader")
    page.goto("about:blank")
    expect_line(ada, "Also here: Bo · no readers")
    found = Axe().run(ada)
    assert found.violations_count == 0, found.generate_report()
    box = here(ada).bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 320
    assert ada.locator("[aria-live] #presence, #presence[aria-live], [role=status] #presence").count() == 0


@pytest.mark.parametrize("way", ["closes the tab", "goes elsewhere", "signs out"])
def test_who_leaves_is_gone_at_once(way: str, sit_down: SitDown, live_site: Site, event: Event) -> None:
    ada, bo = sit_down("ada-here", event), sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo · no readers")
    put_worker_to_rest(bo)
    match way:
        case "closes the tab":
            bo.close(run_before_unload=True)
        case "goes elsewhere":
            bo.click("a.site-name")
        case "signs out":
            bo.click("form.who button")
    rows = Attendance.objects.filter(event=event, user__username="bo-here")
    until(ada, lambda: not live_site.do(rows.exists), seconds=PATIENCE_MS / 1000)  # a row without a beacon would stay
    expect_line(ada, "Nobody else is here · no readers")


def test_who_is_cut_off_is_gone_after_ninety_seconds(sit_down: SitDown, live_site: Site, event: Event) -> None:
    ada, bo = sit_down("ada-here", event), sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo · no readers")
    bo.context.set_offline(True)
    expect(bo.locator("#stream-state")).to_contain_text("Offline since", timeout=PATIENCE_MS)
    expect(here(bo)).to_be_empty()
    rows = Attendance.objects.filter(event=event, user__username="bo-here")
    assert live_site.do(rows.exists)
    live_site.do(rows.update, seen_at=timezone.now() - timedelta(seconds=91))
    expect_line(ada, "Nobody else is here · no readers")


def test_a_page_that_rests_in_the_browser_s_memory_has_left_and_is_there_again_on_return(
    sit_down: SitDown, event: Event
) -> None:
    ada, bo = sit_down("ada-here", event), sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo · no readers")
    turn = "(type) => { dispatchEvent(new PageTransitionEvent(type, { persisted: true })) }"
    bo.evaluate(turn, "pagehide")
    expect_line(ada, "Nobody else is here · no readers")
    ada.wait_for_timeout(6_000)  # longer than from one poll to the next
    expect_line(ada, "Nobody else is here · no readers")
    opened = sockets_of(bo)
    bo.evaluate(turn, "pageshow")
    expect_line(ada, "Also here: Bo · no readers")
    until(bo, lambda: opened)


def test_whoever_loses_the_role_is_told_and_is_here_no_more(sit_down: SitDown, live_site: Site, event: Event) -> None:
    ada, bo = sit_down("ada-here", event), sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo · no readers")
    live_site.do(event.dismiss, user=live_site.user("bo-here"))
    state = bo.locator("#stream-state")
    expect(state).to_contain_text("This event is gone, or you no longer work on it.", timeout=PATIENCE_MS)
    expect(here(bo)).to_be_empty()
    expect_line(ada, "Nobody else is here · no readers")


def test_the_desk_of_a_draft_shows_the_others_and_follows_when_it_goes_live(sit_down: SitDown, live_site: Site) -> None:
    event = event_of(live_site, status="draft")
    ada, bo = sit_down("ada-here", event), sit_down("bo-here", event)
    expect_line(ada, "Also here: Bo")
    expect_line(bo, "Also here: Ada")
    live_site.publish(event, "Not public yet")
    expect(ada.locator("#item-2")).to_be_attached(timeout=PATIENCE_MS)
    opened = sockets_of(ada)
    live_site.do(event.go_live)
    expect_line(ada, "Also here: Bo · no readers")
    until(ada, lambda: opened)
    assert f"/events/{event.slug}/live/" in opened[0]


def test_who_has_come_asks_at_once_and_hears_at_once_of_what_readers_can_see(
    sit_down: SitDown, live_site: Site, event: Event
) -> None:
    ada = sit_down("ada-here", event, is_frozen=True)
    expect_line(ada, "Nobody else is here · no readers")
    number = 1
    for _ in range(2):
        number = live_site.publish(event, "At once").number
        expect(ada.locator(f"#item-{number}")).to_be_attached(timeout=PATIENCE_MS)
        ada.clock.run_for(1_500)  # one nudge a second, and no further poll is due
    assert number == 3


def test_a_burst_of_posts_is_fetched_together(sit_down: SitDown, live_site: Site, event: Event) -> None:
    ada = sit_down("ada-here", event)
    polls: list[str] = []
    ada.on("request", lambda request: "/changes/" in request.url and polls.append(request.url))
    began_at = time.monotonic()
    for _ in range(40):
        live_site.publish(event, "Goal!")
    expect(ada.locator("#item-41")).to_be_attached(timeout=PATIENCE_MS)
    seconds = time.monotonic() - began_at
    assert 1 <= len(polls) <= 2 + 1.3 * seconds, "one a second, and those that come every five"


def test_the_line_says_nothing_while_nobody_knows_and_comes_back(
    sit_down: SitDown, server: Callable[..., Site]
) -> None:
    site = server()
    event = event_of(site)
    ada = sit_down("ada-here", event, site)
    opened = sockets_of(ada)
    site.kill()
    expect(here(ada)).to_be_empty(timeout=PATIENCE_MS)
    site.start()
    expect_line(ada, "Nobody else is here · no readers")
    until(ada, lambda: opened, seconds=PATIENCE_MS / 1000)


def test_a_page_of_the_former_release_stops_asking_for_its_socket(
    sit_down: SitDown, live_site: Site, event: Event
) -> None:
    ada = sit_down("ada-here", event)

    def serve(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body=(FORMER / "presence.js").read_text())

    ada.route("**/former/presence.js", serve)
    opened = sockets_of(ada)
    ada.evaluate(
        """(address) => {
            const place = document.createElement("div");
            place.id = "presence-place";
            place.dataset.socket = address;
            document.querySelector(".desk-head").append(place);
        }""",
        f"/desk/{event.slug}/presence/",
    )
    ada.add_script_tag(url="/former/presence.js", type="module")
    until(ada, lambda: opened)
    assert opened[0].endswith(f"/desk/{event.slug}/presence/")
    ada.wait_for_timeout(5_000)  # it would try again after half a second, then after one, after two
    assert len(opened) == 1
    expect(ada.locator("#presence-place")).to_be_empty()
