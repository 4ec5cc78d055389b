"""Moving about in a long event: order, older and newer parts, jumps, links to single updates."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.late import LateAnswers
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


def test_the_last_of_two_key_moments_that_are_pressed_is_shown(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=150)
    for number in (10, 40):
        live_site.do(live_site.updates(event)[number - 1].mark_key)
    open_page(page, live_site, event)
    page.evaluate(
        """() => {
          window.said = [];
          const line = document.getElementById('announcement');
          const hear = () => line.textContent && said.push(line.textContent);
          new MutationObserver(hear).observe(line, { childList: true });
        }"""
    )
    late = LateAnswers(page, "around=10")
    page.click("#keys a[data-jump='10']")
    late.wait()
    page.click("#keys a[data-jump='40']")
    expect(page.locator("#update-40")).to_be_focused()
    late.deliver()
    expect(page.locator("#update-40")).to_be_in_viewport()
    page.click("#keys a[data-jump='10']")
    expect(page.locator("#update-10")).to_be_focused()
    assert page.evaluate("window.said") == []
    expect_right(page, live_site, event)


def test_a_press_on_what_is_there_counts_more_than_a_jump_that_is_under_way(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    for number in (10, 100):
        live_site.do(live_site.updates(event)[number - 1].mark_key)
    open_page(page, live_site, event)
    late = LateAnswers(page, "around=10")
    page.click("#keys a[data-jump='10']")
    late.wait()
    page.click("#keys a[data-jump='100']")
    expect(page.locator("#update-100")).to_be_focused()
    late.deliver()
    page.wait_for_timeout(300)
    expect(page.locator("#update-100")).to_be_focused()
    assert 10 not in numbers(page)


def test_an_order_that_is_under_way_is_kept_by_a_jump(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event)
    late = LateAnswers(page, "?sort=oldest")
    page.click("#sort-oldest")
    late.wait()
    page.click("#jump-last")
    late.wait(2)
    late.deliver()
    expect(page.locator("#update-120")).to_be_focused()
    assert numbers(page)[-1] == 120
    expect_right(page, live_site, event)


@pytest.mark.parametrize("press", ["#keys a", "#sort-oldest", "#jump-first", "#edge-bottom a"])
def test_a_part_that_is_on_its_way_is_seen_to_be(page: Page, live_site: Site, press: str) -> None:
    event = live_site.event(updates=120)
    live_site.do(live_site.updates(event)[9].mark_key)
    open_page(page, live_site, event)
    bar = "getComputedStyle(document.getElementById('feed'), '::before').borderTopWidth"
    late = LateAnswers(page, "?sort=")
    page.click(press)
    late.wait()
    expect(page.locator("#feed")).to_have_attribute("aria-busy", "true")
    assert page.evaluate(bar) == "4px"
    late.deliver()
    expect(page.locator("#feed:not([aria-busy])")).to_have_count(1)
    assert page.evaluate(bar) == "0px"
    expect_right(page, live_site, event)


@pytest.mark.parametrize("press", ["#keys a", "#sort-oldest", "#edge-bottom a"])
def test_a_part_that_does_not_come_is_said_and_can_be_asked_for_again(page: Page, live_site: Site, press: str) -> None:
    event = live_site.event(updates=120)
    live_site.do(live_site.updates(event)[9].mark_key)
    open_page(page, live_site, event)
    before = numbers(page)
    said = page.locator("#announcement")
    hotel = "<!doctype html><title>Welcome, guest</title><h1>Sign in</h1>"
    answers: list[Callable[[Route], None]] = [
        lambda route: route.abort(),
        lambda route: route.fulfill(status=503, body="later"),
        lambda route: route.fulfill(status=200, content_type="text/html", body=hotel),
    ]
    for answer in answers:
        page.route("**/?sort=*", answer)
        page.click(press)
        expect(said).to_have_text("That could not be loaded. Please try again.")
        expect(page.locator("#feed:not([aria-busy])")).to_have_count(1)
        page.unroute("**/?sort=*", answer)
        page.evaluate("document.getElementById('announcement').textContent = ''")
        assert numbers(page) == before
    page.click(press)
    until(page, lambda: numbers(page) != before)
    expect_right(page, live_site, event)


def test_a_key_moment_that_was_withdrawn_meanwhile_is_said_to_be_gone(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    live_site.do(live_site.updates(event)[9].mark_key)
    open_page(page, live_site, event)
    late = LateAnswers(page, "around=10")
    live_site.do(live_site.updates(event)[9].withdraw)
    page.evaluate("document.querySelector('#keys a')?.click()")
    page.evaluate("location.hash = '#update-10'")
    late.wait()
    late.deliver()
    expect(page.locator("#announcement")).to_have_text("That update is not here any more.")


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_what_was_loaded_comes_next_for_the_keyboard(page: Page, live_site: Site, order: str) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event, f"?sort={order}&around=60")
    there = numbers(page)
    page.focus("#edge-bottom a")
    page.keyboard.press("Enter")
    until(page, lambda: len(numbers(page)) > len(there))
    first = numbers(page)[numbers(page).index(there[-1]) + 1]
    expect(page.locator(f"#update-{first}")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(f"#update-{first} .permalink")).to_be_focused()
    there = numbers(page)
    page.focus("#edge-top a")
    page.keyboard.press("Enter")
    until(page, lambda: len(numbers(page)) > len(there))
    expect(page.locator(f"#update-{numbers(page)[0]}")).to_be_focused()
    expect(page.locator(f"#update-{numbers(page)[0]}")).to_be_in_viewport()
    expect_right(page, live_site, event)


def test_what_was_loaded_takes_the_focus_from_nothing_else(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event)
    late = LateAnswers(page, "before=")
    page.click("#edge-bottom a")
    late.wait()
    page.focus("#update-80 .permalink")
    late.deliver()
    until(page, lambda: len(numbers(page)) == 100)
    expect(page.locator("#update-80 .permalink")).to_be_focused()


def test_an_order_leaves_the_focus_and_what_plays_where_they_are(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=5)
    open_page(page, live_site, event)
    page.evaluate(
        """() => {
          const frame = document.createElement('iframe');
          frame.srcdoc = 'playing';
          document.querySelector('#update-2 .prose').append(frame);
          return new Promise((done) => { frame.onload = done; });
        }"""
    )
    page.evaluate("document.querySelector('#update-2 iframe').contentWindow.isTheSame = true")
    page.focus("#sort-oldest")
    page.keyboard.press("Enter")
    until(page, lambda: numbers(page) == [1, 2, 3, 4, 5])
    assert page.evaluate("document.querySelector('#update-2 iframe').contentWindow.isTheSame")
    expect(page.locator("#sort-oldest")).to_be_focused()


def test_the_zone_that_was_chosen_is_remembered(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1, time_zone="America/Chicago")
    open_page(page, live_site, event)
    time = page.locator("#update-1 time").first
    expect(time).not_to_have_text(re.compile("C[SD]T"))
    page.click("#zone")
    expect(time).to_have_text(re.compile("C[SD]T"))
    for _ in range(2):
        open_page(page, live_site, event)
        expect(time).to_have_text(re.compile("C[SD]T"))
        expect(page.locator("#zone")).to_have_text("Times: Chicago")
        expect(page.locator("#zone")).to_have_attribute("aria-pressed", "true")
    page.click("#zone")
    open_page(page, live_site, event)
    expect(time).not_to_have_text(re.compile("C[SD]T"))


def test_after_a_jump_to_an_end_the_address_names_no_update_any_more(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    open_page(page, live_site, event, "?sort=newest&from=a-letter&around=60#update-60")
    expect(page.locator("#update-60")).to_be_focused()
    page.click("#jump-last")
    expect(page.locator("#update-120")).to_be_focused()
    assert page.url == live_site.page(event, "?sort=newest&from=a-letter")
    page.go_back()
    expect(page.locator("#update-60")).to_be_focused()
    page.click("#jump-first")
    expect(page.locator("#update-1")).to_be_focused()
    page.click("#sort-oldest")
    until(page, lambda: state(page)["order"] == "oldest")
    assert page.url == live_site.page(event, "?sort=oldest&from=a-letter")
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
    live_site.refresh()
    page.goto(live_site.url)
    teaser = page.locator(".teaser", has_text=event.title)
    expect(teaser).to_be_visible()
    live_site.publish(event, headline="The very latest")
    live_site.refresh()
    page.clock.run_for(61_000)
    expect(teaser.filter(has_text="The very latest")).to_be_visible()
