"""The list of events and the page of one update stay right while they are open, and what is used in them stays."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from liveblog.models import Event
from tests.browser.foreign import PORTAL, foreign_answers
from tests.browser.reading import until
from tests.browser.test_place import VIDEO
from tests.server import Site

FOREIGN = {"portal": (200, PORTAL), "error page": (502, PORTAL), "lost page": (404, PORTAL), "nothing": (200, "")}

COUNT_POLLS = "window.polls = 0; document.addEventListener('htmx:afterRequest', () => { window.polls += 1; });"


@pytest.fixture
def reader(page: Page) -> Page:
    """A tab whose clock stands still but for what ``tick`` adds, and which counts its polls."""
    page.add_init_script(COUNT_POLLS)
    page.clock.install()
    return page


def tick(page: Page, *, polls: int = 1) -> None:
    """Let time pass until so many more polls have been answered."""
    wanted = page.evaluate("window.polls") + polls
    until(page, lambda: page.evaluate("window.polls") >= wanted or page.clock.run_for(61_000))


def follow(page: Page, condition: Callable[[], object]) -> None:
    """Let time pass until the page is as it should be."""
    until(page, lambda: condition() or page.clock.run_for(61_000))


def select(page: Page, selector: str) -> str:
    """Select the text of an element as a reader does, and return it."""
    page.evaluate("(selector) => getSelection().selectAllChildren(document.querySelector(selector))", selector)
    selected: str = page.evaluate("getSelection().toString()")
    assert selected
    return selected


def selected(page: Page) -> str:
    found: str = page.evaluate("getSelection().toString()")
    return found


def teaser(event: Event) -> str:
    """Return how an event's part of the list is found."""
    return f"article:has(a[href='/events/{event.slug}/'])"


def update_page(site: Site, event: Event, number: int = 1) -> str:
    return f"{site.page(event)}updates/{number}/"


# Answers of others.


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_answer_of_something_else_changes_neither_the_list_nor_its_polls(
    reader: Page, live_site: Site, kind: str
) -> None:
    status, body = FOREIGN[kind]
    event = live_site.event("Before the hotel")
    live_site.refresh()
    reader.goto(live_site.url)
    title = reader.title()
    with foreign_answers(reader, status=status, body=body) as asked:
        tick(reader)
        assert asked
        expect(reader.locator(teaser(event))).to_be_visible()
        assert "Welcome to our network" not in reader.content()
        assert reader.title() == title
        tick(reader)
    later = live_site.event("After the hotel")
    follow(reader, lambda: reader.locator(teaser(later)).count())


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_answer_of_something_else_changes_neither_an_update_nor_its_polls(
    reader: Page, live_site: Site, kind: str
) -> None:
    status, body = FOREIGN[kind]
    event = live_site.event(updates=1)
    reader.goto(update_page(live_site, event))
    reader.evaluate("window.isTheSame = true")
    title = reader.title()
    with foreign_answers(reader, status=status, body=body) as asked:
        tick(reader)
        assert asked
        expect(reader.locator("#update-1")).to_contain_text("This is update 1.")
        assert reader.title() == title
        tick(reader)
    live_site.do(live_site.updates(event)[0].edit, body="Put right.")
    follow(reader, lambda: "Put right." in reader.inner_text("main"))
    assert reader.evaluate("window.isTheSame"), "the page was loaded anew"


# Nothing has changed.


def test_polls_without_news_leave_the_list_alone(reader: Page, live_site: Site) -> None:
    event = live_site.event("Held still", updates=1)
    live_site.refresh()
    reader.goto(live_site.url)
    link = f"{teaser(event)} h3 a"
    reader.focus(link)
    words = select(reader, f"{teaser(event)} .latest")
    reader.evaluate("window.kept = [document.activeElement, document.querySelector('main')]")
    tick(reader, polls=2)
    assert reader.evaluate("window.kept.every((one) => one.isConnected)")
    expect(reader.locator(link)).to_be_focused()
    assert selected(reader) == words


def test_polls_without_news_leave_a_playing_video_the_selection_and_the_focus(reader: Page, live_site: Site) -> None:
    event = live_site.event()
    update = live_site.publish(event, "Before.\n\nSee [this](https://example.org/).\n\nA video stands here.")
    reader.goto(update_page(live_site, event, update.number))
    _use(reader)
    tick(reader, polls=2)
    _check_in_use(reader)


# Something has.


def test_an_edit_leaves_a_playing_video_the_selection_and_the_focus_in_other_paragraphs(
    reader: Page, live_site: Site
) -> None:
    event = live_site.event()
    update = live_site.publish(event, "Before.\n\nSee [this](https://example.org/).\n\nA video stands here.")
    reader.goto(update_page(live_site, event, update.number))
    _use(reader)
    live_site.do(
        update.edit, body="Before, changed.\n\nInserted.\n\nSee [this](https://example.org/).\n\nA video stands here."
    )
    follow(reader, lambda: "Inserted." in reader.inner_text("main"))
    _check_in_use(reader)


def _use(page: Page) -> None:
    """Play a video in the third paragraph, and put focus and selection into the second."""
    page.evaluate(VIDEO, "#update-1 .prose p:nth-of-type(3)")
    page.focus("#update-1 .prose a")
    select(page, "#update-1 .prose a")
    page.evaluate("window.link = document.activeElement")


def _check_in_use(page: Page) -> None:
    assert page.evaluate("document.activeElement === window.link")
    assert selected(page) == "this"
    assert page.evaluate("video.isConnected && !video.paused")


def test_the_list_follows_its_events_from_their_announcement_to_their_end(reader: Page, live_site: Site) -> None:
    still = live_site.event("Goes on", updates=1)
    event = live_site.event("Comes and goes", status="draft")
    live_site.refresh()
    reader.goto(live_site.url)
    words = select(reader, f"{teaser(still)} .latest a")
    reader.focus(f"{teaser(still)} h3 a")
    reader.evaluate("window.link = document.activeElement")
    steps: list[tuple[Callable[[], object], str]] = [
        (event.announce, "#upcoming"),
        (event.go_live, "#live-now"),
        (event.end, "#past"),
    ]
    for step, heading in steps:
        live_site.do(step)
        where = reader.locator(f"section[aria-labelledby='{heading[1:]}'] {teaser(event)}")
        follow(reader, where.count)
        expect(reader.locator(teaser(event))).to_have_count(1)
    live_site.do(event.revise, title="Came and went")
    follow(reader, lambda: "Came and went" in reader.inner_text(teaser(event)))
    live_site.do(event.make_draft)
    follow(reader, lambda: not reader.locator(teaser(event)).count())
    assert reader.evaluate("document.activeElement === window.link")
    assert selected(reader) == words


def test_whoever_stands_on_an_event_stands_on_it_when_it_has_moved(reader: Page, live_site: Site) -> None:
    event = live_site.event("Starts soon", status="upcoming")
    live_site.refresh()
    reader.goto(live_site.url)
    link = f"{teaser(event)} h3 a"
    reader.focus(link)
    live_site.do(event.go_live)
    follow(reader, reader.locator(f"section[aria-labelledby='live-now'] {link}").count)
    expect(reader.locator(link)).to_be_focused()


def test_the_list_shows_times_in_the_readers_zone_also_when_they_have_changed(
    browser: Browser, live_site: Site
) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.clock.install()
    event = live_site.event(status="upcoming", starts_at=datetime(2030, 1, 1, 12, tzinfo=UTC))
    live_site.refresh()
    page.goto(live_site.url)
    time = page.locator(f"{teaser(event)} time")
    expect(time).to_contain_text("21:00")
    live_site.do(event.revise, starts_at=datetime(2030, 1, 1, 13, tzinfo=UTC))
    follow(page, lambda: "22:00" in time.inner_text())
    context.close()


def test_the_page_of_one_update_follows_its_day_and_the_title_of_its_event(reader: Page, live_site: Site) -> None:
    event = live_site.event("First title", updates=1)
    update = live_site.updates(event)[0]
    reader.goto(update_page(live_site, event))
    live_site.do(update.move, published_at=datetime(2001, 2, 3, 12, tzinfo=UTC))
    follow(reader, lambda: "Saturday 3 February 2001" in reader.inner_text(".day"))
    live_site.do(event.revise, title="Second title")
    follow(reader, lambda: reader.inner_text("h1") == "Second title")
    expect(reader).to_have_title("Headline 1 – Second title")
    live_site.do(update.edit, headline="Another headline", body="This is update 1.")
    follow(reader, lambda: reader.title() == "Another headline – Second title")
    live_site.do(event.revise, time_zone="Pacific/Kiritimati")  # fourteen hours ahead
    follow(reader, lambda: "Sunday 4 February 2001" in (reader.locator(".day time").get_attribute("title") or ""))


@pytest.mark.parametrize("opened", ["before", "meanwhile"])
def test_the_page_of_one_update_follows_its_withdrawal_and_its_return(
    reader: Page, live_site: Site, opened: str
) -> None:
    event = live_site.event(updates=1)
    update = live_site.updates(event)[0]
    if opened == "before":
        reader.goto(update_page(live_site, event))
    live_site.do(update.withdraw)
    if opened == "meanwhile":
        reader.goto(update_page(live_site, event))
    follow(reader, lambda: "This update was withdrawn" in reader.inner_text("main"))
    expect(reader).to_have_title(f"Withdrawn – {event.title}")
    assert "This is update 1." not in reader.inner_text("body")
    live_site.do(update.restore)
    follow(reader, lambda: "This is update 1." in reader.inner_text("main"))
    expect(reader).to_have_title(f"Headline 1 – {event.title}")
    assert "withdrawn" not in reader.inner_text("main")


def test_the_page_of_one_update_says_that_its_event_is_no_longer_public_and_comes_back_with_it(
    reader: Page, live_site: Site
) -> None:
    event = live_site.event(updates=1)
    reader.goto(update_page(live_site, event))
    reader.evaluate("window.isTheSame = true")
    live_site.do(event.make_draft)
    follow(reader, lambda: "no longer available" in reader.inner_text("main"))
    assert "This is update 1." not in reader.inner_text("body")
    assert event.title not in reader.title()
    live_site.do(event.go_live)
    follow(reader, lambda: "This is update 1." in reader.inner_text("main"))
    expect(reader).to_have_title(f"Headline 1 – {event.title}")
    assert reader.evaluate("window.isTheSame"), "the page was loaded anew"
    live_site.do(event.remove)
    follow(reader, lambda: "no longer available" in reader.inner_text("main"))


def test_who_comes_back_to_the_tab_has_the_present_state_at_once(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.goto(update_page(live_site, event))
    live_site.do(live_site.updates(event)[0].edit, body="Put right.")
    live_site.refresh(update_page(live_site, event))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#update-1")).to_contain_text("Put right.")  # half a minute before the next poll is due


def test_a_link_is_copied_and_said_to_be(browser: Browser, live_site: Site) -> None:
    event = live_site.event(updates=1)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(update_page(live_site, event))
    page.click("#update-1 .permalink")
    expect(page.locator("#announcement")).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == update_page(live_site, event)
    context.close()


# Without scripts, and with those of the release before.


def test_both_pages_are_whole_without_javascript(browser: Browser, live_site: Site) -> None:
    event = live_site.event(updates=1)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_site.url)
    page.locator(f"{teaser(event)} h3 a").click()
    page.locator("#update-1 .permalink").click()
    expect(page.locator("main")).to_contain_text("This is update 1.")
    expect(page.locator(".day")).to_be_visible()
    page.get_by_role("link", name="Read it in its place").click()
    expect(page.locator("#update-1")).to_be_visible()
    context.close()


FORMER_LIST = """<!doctype html><html><head><title>Former</title><script src="{htmx}"></script></head><body>
<div id="main"><main class="index" id="events" hx-get="/" hx-trigger="every 60s" hx-select="#events" hx-swap="outerHTML"
 hx-disinherit="*"><h1>Former</h1></main></div></body></html>"""

FORMER_UPDATE = """<!doctype html><html><head><title>Former</title><script src="{htmx}"></script></head><body>
<div id="main"><main class="single"><h1>Former</h1><div id="cards" hx-get="{path}" hx-trigger="every 30s"
 hx-select="#cards" hx-target="#cards" hx-swap="outerHTML"></div></main></div></body></html>"""


@pytest.mark.parametrize("former", [FORMER_LIST, FORMER_UPDATE], ids=["list", "update"])
def test_a_page_of_the_release_before_goes_on_following(reader: Page, live_site: Site, former: str) -> None:
    event = live_site.event("Old acquaintance", updates=1)
    path = f"/events/{event.slug}/updates/1/"
    library = live_site.get("/").text.split('<script src="')[1].split('"')[0]
    html = former.format(htmx=library, path=path)
    address = live_site.url + (path if former is FORMER_UPDATE else "/")
    reader.route(
        address,
        lambda route: (
            route.fulfill(body=html, content_type="text/html")
            if route.request.resource_type == "document"
            else route.fallback()
        ),
    )
    reader.goto(address)
    follow(reader, lambda: "Headline 1" in reader.inner_text("main"))
    live_site.do(live_site.updates(event)[0].edit, headline="Put right", body="As well.")
    follow(reader, lambda: "Put right" in reader.inner_text("main"))
    live_site.do(live_site.updates(event)[0].edit, headline="And again", body="As well.")
    follow(reader, lambda: "And again" in reader.inner_text("main"))


def test_a_page_whose_script_did_not_come_stays_as_it_was_loaded(reader: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    reader.route("**/js/reader/follow*.js", lambda route: route.abort())
    for address in (update_page(live_site, event), live_site.url):
        reader.goto(address)
        before = reader.inner_text("body")
        reader.clock.run_for(121_000)
        reader.wait_for_load_state("networkidle")
        assert reader.inner_text("body") == before
        assert reader.locator("main").count() == 1
