"""Moving about in a long event: order, older and newer parts, jumps, links to single updates."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.reading import catch_up, expect_right, is_ready, listen, numbers, open_page, state, until
from tests.server import Site


def test_the_order_is_a_link_that_keeps_the_page_live_and_is_remembered(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    open_page(page, live_site, event)
    assert numbers(page) == [3, 2, 1]
    page.click("#sort-oldest")
    until(page, lambda: numbers(page) == [1, 2, 3])
    expect(page.locator("#sort-oldest")).to_have_attribute("aria-current", "true")
    expect(page.locator("#sort-newest")).not_to_have_attribute("aria-current", "true")
    assert page.url.endswith("?sort=oldest")
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: numbers(page) == [1, 2, 3, 4])
    expect_right(page, live_site, event)
    page.goto(live_site.page(event))
    until(page, lambda: is_ready(page) and numbers(page) == [1, 2, 3, 4])
    page.goto(live_site.page(event, "?sort=newest"))  # a link that was shared says what it says
    assert numbers(page) == [4, 3, 2, 1]


def test_older_updates_are_loaded_by_place_until_there_are_none(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event)
    assert len(numbers(page)) == 50
    page.click("#edge-bottom a")
    until(page, lambda: len(numbers(page)) == 100)
    live_site.publish(event)  # shifts every offset, and no place
    catch_up(live_site, event)
    until(page, lambda: 121 in numbers(page))
    page.click("#edge-bottom a")
    until(page, lambda: numbers(page) == list(range(121, 0, -1)))
    expect(page.locator("#edge-bottom a")).to_have_count(0)
    expect_right(page, live_site, event)
    live_site.do(live_site.updates(event)[0].edit, body="The very first, corrected.")
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_contain_text("corrected")
    expect_right(page, live_site, event)


def test_what_changes_outside_the_window_stays_outside(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=60)
    open_page(page, live_site, event)
    first = live_site.updates(event)[0]
    live_site.do(first.edit, body="Changed beyond the window.")
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: 61 in numbers(page))
    assert 1 not in numbers(page)
    expect_right(page, live_site, event)
    last = live_site.updates(event)[-1]
    live_site.do(last.move, published_at=first.published_at)
    catch_up(live_site, event)
    until(page, lambda: 61 not in numbers(page))
    expect_right(page, live_site, event)


def test_oldest_first_counts_what_lies_beyond_until_the_window_reaches_it(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=70)
    open_page(page, live_site, event, "?sort=oldest")
    assert numbers(page) == list(range(1, 51))
    live_site.publish(event)
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#jump-last")).to_have_text("Jump to latest (2 new)")
    live_site.do(live_site.updates(event)[-1].withdraw)
    catch_up(live_site, event)
    expect(page.locator("#jump-last")).to_have_text("Jump to latest (1 new)")
    live_site.do(live_site.updates(event)[55].edit, body="An edit is nothing new.")
    expect_right(page, live_site, event)
    expect(page.locator("#jump-last")).to_have_text("Jump to latest (1 new)")
    page.click("#edge-bottom a")
    until(page, lambda: numbers(page)[-1] == 71)
    expect(page.locator("#jump-last")).to_have_text("Latest")
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: numbers(page)[-1] == 73)
    expect_right(page, live_site, event)


def test_jump_to_latest_and_to_start(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=130)
    open_page(page, live_site, event, "?sort=oldest")
    page.click("#jump-last")
    expect(page.locator("#update-130")).to_be_in_viewport()
    expect_right(page, live_site, event)
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: numbers(page)[-1] == 131)
    page.click("#jump-first")
    expect(page.locator("#update-1")).to_be_in_viewport()
    expect_right(page, live_site, event)


def test_a_key_moment_on_a_part_not_loaded_is_jumped_to(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    live_site.do(live_site.updates(event)[9].mark_key)
    open_page(page, live_site, event)
    assert 10 not in numbers(page)
    page.click("#keys a")
    expect(page.locator("#update-10")).to_be_in_viewport()
    expect(page.locator("#update-10")).to_be_focused()
    expect_right(page, live_site, event)
    assert state(page)["newest"]
    page.locator("#edge-top a").click()
    until(page, lambda: len(numbers(page)) > 50)
    expect_right(page, live_site, event)


def test_a_link_to_one_update_opens_the_stream_around_it(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    page.goto(f"{live_site.page(event)}updates/60/")
    expect(page.locator("article")).to_have_count(1)
    page.click(".onward a")
    expect(page.locator("#update-60")).to_be_in_viewport()
    expect(page.locator("#update-60")).to_have_attribute("data-marked", "")
    until(page, lambda: is_ready(page))
    expect_right(page, live_site, event)
    page.goto(f"{live_site.page(event)}#update-3")
    expect(page.locator("#update-3")).to_be_in_viewport()


def test_the_link_of_an_update_is_copied(browser: Browser, live_site: Site) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    event = live_site.event(updates=1)
    open_page(page, live_site, event)
    said = listen(page)
    page.click("#update-1 .permalink")
    until(page, lambda: said() == ["Link copied"])
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_site.page(event)}updates/1/"
    context.close()


def test_a_link_that_cannot_be_copied_is_opened_and_not_called_copied(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false"
    )
    open_page(page, live_site, event)
    with page.context.expect_page() as opened:
        page.click("#update-1 .permalink")
    opened.value.wait_for_url(f"{live_site.page(event)}updates/1/")
    assert page.locator("#announcement").inner_text() == ""


def test_everything_can_be_read_without_javascript(browser: Browser, live_site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    event = live_site.event(updates=120, summary="What it is *about*.", time_zone="America/Chicago")
    live_site.do(live_site.updates(event)[4].mark_key)
    page.goto(live_site.page(event))
    expect(page.locator("article.update")).to_have_count(50)
    expect(page.locator(".summary em")).to_have_text("about")
    expect(page.locator("#update-120 time").first).to_have_text(re.compile(r"\d\d:\d\d C[SD]T"))
    expect(page.locator("#controls")).to_be_hidden()
    assert page.locator("noscript").count() == 1
    page.click("#edge-bottom a")
    expect(page.locator("#update-70")).to_be_visible()
    page.click("#edge-bottom a")
    expect(page.locator("#update-1")).to_be_visible()
    page.click("#edge-top a")
    expect(page.locator("#update-70")).to_be_visible()
    page.click("#sort-oldest")
    expect(page.locator("article.update").first).to_have_id("update-1")
    page.click("#jump-last")
    expect(page.locator("article.update").last).to_have_id("update-120")
    page.click("#keys a")
    expect(page.locator("#update-5")).to_be_visible()
    page.click("#update-5 .permalink")
    expect(page.locator("article.update")).to_have_count(1)
    context.close()


def test_the_list_of_events_renews_itself(page: Page, live_site: Site) -> None:
    page.clock.install()
    event = live_site.event("The list", updates=1)
    page.goto(live_site.url)
    teaser = page.locator(".teaser", has_text=event.title)
    expect(teaser).to_be_visible()
    live_site.publish(event, headline="The very latest")
    page.clock.run_for(61_000)
    expect(teaser.filter(has_text="The very latest")).to_be_visible()
