"""A part of the stream that comes late is older than the page: nothing stands where a newcomer would not see it."""

import pytest
from playwright.sync_api import Page, expect

from liveblog.models import Event
from tests.browser.late import LateAnswers, arrived
from tests.browser.reading import expect_right, numbers, open_page, state, until
from tests.server import Site


def move(site: Site, event: Event, number: int, *, to: int) -> None:
    """Give an update the time of another."""
    updates = {update.number: update for update in site.updates(event)}
    site.do(updates[number].move, published_at=updates[to].published_at)


def expect_newcomers_page(page: Page, site: Site, event: Event) -> None:
    """Hold the page against the promise, and against what somebody sees who opens its address just now."""
    expect_right(page, site, event)
    shown = state(page)
    if shown["oldest"] and shown["newest"]:
        return
    newcomer = page.context.new_page()
    newcomer.goto(site.page(event, f"?sort={shown['order']}&around={'first' if shown['newest'] else 'last'}"))
    theirs = numbers(newcomer)
    newcomer.close()
    ours = numbers(page)
    shared = min(len(ours), len(theirs))  # how far each window reaches is its own affair
    is_at_top = (shown["order"] == "oldest") == bool(shown["newest"])
    assert ours[:shared] == theirs[:shared] if is_at_top else ours[-shared:] == theirs[-shared:]


@pytest.mark.parametrize(("order", "number", "to"), [("newest", 40, 20), ("newest", 20, 60), ("oldest", 40, 1)])
def test_an_order_that_comes_late_leaves_moved_updates_where_they_belong(
    page: Page, live_site: Site, order: str, number: int, to: int
) -> None:
    event = live_site.event(updates=60)
    other = {"newest": "oldest", "oldest": "newest"}[order]
    open_page(page, live_site, event, f"?sort={order}")
    late = LateAnswers(page, f"sort={other}")
    page.click(f"#sort-{other}")
    late.wait()
    move(live_site, event, number, to=to)
    until(page, lambda: int(state(page)["revision"]) == live_site.fresh(event).revision)
    late.deliver()
    until(page, lambda: state(page)["order"] == other)
    expect_newcomers_page(page, live_site, event)


@pytest.mark.parametrize(("number", "to"), [(80, 74), (80, 120)])
def test_a_jump_that_comes_late_leaves_moved_updates_where_they_belong(
    page: Page, live_site: Site, number: int, to: int
) -> None:
    event = live_site.event(updates=120)
    live_site.do(live_site.updates(event)[59].mark_key)
    open_page(page, live_site, event)
    late = LateAnswers(page, "around=60")
    page.click("#keys a")
    late.wait()
    move(live_site, event, number, to=to)
    until(page, lambda: int(state(page)["revision"]) == live_site.fresh(event).revision)
    late.deliver()
    expect(page.locator("#update-60")).to_be_focused()
    expect_right(page, live_site, event)


@pytest.mark.parametrize(("number", "to"), [(100, 30), (30, 100)])
@pytest.mark.parametrize("edge", ["older", "newer"])
def test_older_and_newer_updates_that_come_late_leave_moved_ones_where_they_belong(
    page: Page, live_site: Site, edge: str, number: int, to: int
) -> None:
    event = live_site.event(updates=120)
    if edge == "newer":
        number, to = 121 - number, 121 - to
    open_page(page, live_site, event, f"?sort=newest&around={'last' if edge == 'older' else 'first'}")
    late = LateAnswers(page, "before=" if edge == "older" else "after=2")
    page.click("#edge-bottom a" if edge == "older" else "#edge-top a")
    late.wait()
    move(live_site, event, number, to=to)
    until(page, lambda: int(state(page)["revision"]) == live_site.fresh(event).revision)
    late.deliver()
    until(page, lambda: len(numbers(page)) > 90)
    expect_newcomers_page(page, live_site, event)


# Notes the updates that are put into the stream.
SHOWN = """() => {
  window.shown = [];
  const note = (records) => records.forEach(({ addedNodes }) => shown.push(...[...addedNodes].map((one) => one.id)));
  new MutationObserver(note).observe(document.getElementById('cards'), { childList: true });
}"""


def test_what_is_withdrawn_or_new_while_an_order_is_under_way_is_gone_or_there(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=5)
    open_page(page, live_site, event)
    late = LateAnswers(page, "sort=oldest")
    page.click("#sort-oldest")
    late.wait()
    page.evaluate(SHOWN)
    live_site.do(live_site.updates(event)[2].withdraw)
    live_site.publish(event, "New meanwhile.")
    live_site.do(live_site.updates(event)[0].edit, body="Edited meanwhile.")
    until(page, lambda: int(state(page)["revision"]) == live_site.fresh(event).revision)
    late.deliver()
    until(page, lambda: numbers(page) == [1, 2, 4, 5, 6])
    expect_newcomers_page(page, live_site, event)
    assert "update-6" in page.evaluate("window.shown")
    assert "update-3" not in page.evaluate("window.shown"), "not even for a moment"


def test_what_is_withdrawn_while_older_updates_are_under_way_is_not_shown(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=60)
    open_page(page, live_site, event)
    late = LateAnswers(page, "before=")
    page.click("#edge-bottom a")
    late.wait()
    page.evaluate(SHOWN)
    live_site.do(live_site.updates(event)[4].withdraw)
    until(page, lambda: int(state(page)["revision"]) == live_site.fresh(event).revision)
    late.deliver()
    until(page, lambda: 1 in numbers(page))
    expect_newcomers_page(page, live_site, event)
    assert "update-4" in page.evaluate("window.shown")
    assert "update-5" not in page.evaluate("window.shown")


def test_held_back_updates_take_their_places_in_an_order_that_comes_late(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=5)
    open_page(page, live_site, event)
    page.click("#pause")
    live_site.publish(event, "Held back.")
    until(page, lambda: numbers(page, held=True) == [6])
    late = LateAnswers(page, "sort=oldest")
    page.click("#sort-oldest")
    late.wait()
    live_site.publish(event, "Held back as well.")
    until(page, lambda: numbers(page, held=True) == [7, 6])
    move(live_site, event, 6, to=2)
    until(page, lambda: numbers(page) == [7, 5, 4, 3, 6, 2, 1])
    late.deliver()
    until(page, lambda: numbers(page) == [1, 2, 6, 3, 4, 5, 7])
    expect_newcomers_page(page, live_site, event)


@pytest.mark.parametrize("first", ["#sort-newest", "#edge-bottom a", "#jump-last"])
def test_the_last_press_counts_whatever_comes_first(page: Page, live_site: Site, first: str) -> None:
    event = live_site.event(updates=60)
    open_page(page, live_site, event, "?sort=oldest")
    late = LateAnswers(page, "sort=")
    page.click(first)
    late.wait()
    given_up = page.expect_event("requestfailed", lambda one: "sort=" in one.url, timeout=15_000)
    with given_up:  # htmx itself gives up after 20 s
        page.click("#sort-oldest")
    late.wait(2)
    late.deliver()
    until(page, lambda: arrived(page))
    assert numbers(page) == list(range(1, 51))
    expect(page.locator("#sort-oldest")).to_have_attribute("aria-current", "true")
    expect_newcomers_page(page, live_site, event)


def test_a_reload_that_comes_late_does_not_take_the_reader_back(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event)
    late = LateAnswers(page, "at=")
    live_site.do(event.revise, time_zone="Asia/Tokyo")  # every open page fetches its feed anew
    late.wait()
    page.click("#sort-oldest")
    until(page, lambda: state(page)["order"] == "oldest")
    page.click("#jump-last")
    expect(page.locator("#update-120")).to_be_in_viewport()
    late.deliver()
    until(page, lambda: state(page)["zone"] == "Asia/Tokyo" and "JST" in str(_home(page)))
    assert state(page)["order"] == "oldest"
    assert 120 in numbers(page)
    expect_newcomers_page(page, live_site, event)


def test_a_reload_waits_for_what_its_reader_waits_for(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event)
    late = LateAnswers(page, "before=")
    page.click("#edge-bottom a")
    late.wait()
    live_site.do(event.revise, time_zone="Asia/Tokyo")
    page.wait_for_timeout(3_000)  # for the reload, which would replace the link
    late.deliver()
    until(page, lambda: "JST" in str(_home(page)))
    expect_newcomers_page(page, live_site, event)


def _home(page: Page) -> str | None:
    return page.locator("#cards > article time").first.get_attribute("data-home")
