"""An event's page stays right while it is open."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from liveblog.models import Event
from tests.browser.late import LateAnswers
from tests.browser.reading import catch_up, expect_right, is_ready, numbers, open_page, state, until
from tests.server import Site, set_ended


def test_a_new_update_appears_at_its_place_in_both_orders(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    for order, right in (("newest", [4, 3, 2, 1]), ("oldest", [1, 2, 3, 4, 5])):
        open_page(page, live_site, event, f"?sort={order}")
        live_site.publish(event, "Something **new**.")
        catch_up(live_site, event)
        until(page, lambda right=right: numbers(page) == right)
        expect_right(page, live_site, event)


def test_edits_withdrawals_and_restorations_reach_an_open_page(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    open_page(page, live_site, event)
    _, second, third = live_site.updates(event)
    live_site.do(second.edit, body="Put *right*.", headline="Corrected")
    catch_up(live_site, event)
    expect(page.locator("#update-2 em")).to_have_text("right")
    live_site.do(third.withdraw)
    catch_up(live_site, event)
    expect(page.locator("#update-3")).to_have_count(0)
    expect_right(page, live_site, event)
    live_site.do(third.restore)
    catch_up(live_site, event)
    expect(page.locator("#update-3")).to_be_visible()
    expect_right(page, live_site, event)


def test_a_changed_time_moves_a_card(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    open_page(page, live_site, event)
    first, _, third = live_site.updates(event)
    live_site.do(third.move, published_at=first.published_at)
    catch_up(live_site, event)
    until(page, lambda: numbers(page) == [2, 3, 1])
    expect_right(page, live_site, event)


def test_title_summary_pin_and_key_moments_arrive(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)
    first, second = live_site.updates(event)
    live_site.do(event.revise, title="Another title", summary="In *short*.")
    catch_up(live_site, event)
    expect(page.locator("h1")).to_have_text("Another title")
    expect(page).to_have_title("Another title")
    live_site.do(event.pin, update=first)
    catch_up(live_site, event)
    expect(page.locator("#pinned")).to_be_visible()
    live_site.do(second.mark_key)
    catch_up(live_site, event)
    expect(page.locator("#keys li")).to_have_count(1)
    expect_right(page, live_site, event)
    live_site.do(event.unpin)
    catch_up(live_site, event)
    expect(page.locator("#pinned")).to_be_hidden()
    live_site.do(second.withdraw)
    catch_up(live_site, event)
    expect(page.locator("#keys")).to_be_hidden()
    expect_right(page, live_site, event)


def test_the_end_and_the_reopening_reach_an_open_page(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_page(page, live_site, event)
    live_site.do(event.end)
    catch_up(live_site, event)
    expect(page.locator("#masthead")).to_contain_text("Coverage ended")
    expect(page.locator("#connection")).to_have_attribute("data-state", "ended")
    assert state(page)["order"] == "newest"
    live_site.do(event.reopen)
    catch_up(live_site, event)
    page.click("#check")  # an ended event is asked about once a minute, or when the reader wants to know
    until(page, lambda: is_ready(page))
    live_site.publish(event)
    expect_right(page, live_site, event)
    assert numbers(page) == [2, 1]


def test_what_comes_after_the_end_arrives_at_once(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_page(page, live_site, event)
    live_site.do(event.end)
    line = page.locator("#connection")
    expect(line).to_have_text("Corrections arrive at once")
    posted = live_site.publish(event)
    expect(page.locator("#update-2")).to_be_visible()  # a poll would bring it in half a minute at the earliest
    live_site.do(posted.edit, body="Put right.")
    expect(page.locator("#update-2")).to_contain_text("Put right.")
    assert is_ready(page)
    expect_right(page, live_site, event)


def test_a_page_opened_just_after_the_end_has_its_socket_and_is_left_to_polls_when_the_time_is_over(
    page: Page, live_site: Site
) -> None:
    event = live_site.event(status="ended", updates=1)
    page.goto(live_site.page(event))
    until(page, lambda: is_ready(page))
    live_site.publish(event)
    expect(page.locator("#update-2")).to_be_attached()
    sockets: list[object] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    live_site.do(set_ended, event, minutes_ago=12)
    live_site.publish(event)
    expect(page.locator("#update-3")).to_be_attached()
    expect(page.locator("#connection")).to_have_text("Checking for corrections once a minute")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    live_site.publish(event)
    until(page, lambda: page.locator("#update-4").count() or page.click("#check"))
    assert numbers(page) == [1, 2, 3, 4]
    assert not sockets


def test_a_page_of_an_event_that_ended_long_ago_opens_no_socket_until_it_goes_on(page: Page, live_site: Site) -> None:
    event = live_site.event(status="ended", updates=1)
    live_site.do(set_ended, event, minutes_ago=12)
    sockets: list[object] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(live_site.page(event))
    expect(page.locator("#connection")).to_have_text("Checking for corrections once a minute")
    assert not sockets
    live_site.do(event.reopen)
    until(page, lambda: is_ready(page) or page.click("#check"))
    live_site.do(event.end)
    expect(page.locator("#connection")).to_have_text("Corrections arrive at once")
    live_site.publish(event)
    expect(page.locator("#update-2")).to_be_attached()
    expect_right(page, live_site, event)


def test_the_start_reaches_a_page_opened_before(page: Page, live_site: Site) -> None:
    event = live_site.event(status="upcoming")
    open_page(page, live_site, event)
    expect(page.locator("#empty")).to_be_visible()
    live_site.do(event.go_live)
    catch_up(live_site, event)
    expect(page.locator("#masthead .badge")).to_have_text("Live")
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_be_visible()
    expect(page.locator("#empty")).to_be_hidden()
    expect_right(page, live_site, event)


def take_away(page: Page, site: Site, event: Event, leave: Callable[[], object]) -> None:
    """Take an event away and wait until its page says so: it believes the second 404, five seconds after the first."""
    site.do(leave)
    with page.expect_response(lambda answer: answer.status == 404):
        catch_up(site, event)
    page.clock.fast_forward(6_000)
    expect(page.get_by_text("This live blog is no longer available")).to_be_visible()


@pytest.mark.parametrize("leave", ["make_draft", "delete"])
def test_an_event_that_is_taken_away_says_so(page: Page, live_site: Site, leave: str) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, live_site, event)
    take_away(page, live_site, event, getattr(event, leave))
    assert page.locator("#feed").count() == 0


def test_a_new_time_zone_reloads_the_feed(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)
    live_site.do(event.revise, time_zone="Asia/Tokyo")
    catch_up(live_site, event)
    until(page, lambda: "JST" in (page.locator("#update-1 time").get_attribute("data-home") or ""))
    expect_right(page, live_site, event)


def test_the_times_button_names_the_zone_that_the_event_has_now(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1, time_zone="America/Chicago")
    open_page(page, live_site, event)
    button = page.locator("#zone")
    button.click()
    expect(button).to_have_text("Times: Chicago")
    live_site.do(event.revise, time_zone="Asia/Tokyo")
    expect(button).to_have_text("Times: Tokyo")
    expect(page.locator("#update-1 time").first).to_have_text(re.compile("JST"))


def test_what_an_empty_event_says_follows_its_status(page: Page, live_site: Site) -> None:
    event = live_site.event(status="upcoming")
    open_page(page, live_site, event)
    words = page.locator("#empty")
    expect(words).to_contain_text("Nothing has been posted yet")
    live_site.do(event.go_live)
    expect(words).to_contain_text("The coverage has begun")
    live_site.do(event.end)
    expect(words).to_have_text("There are no updates here.")
    newcomer = page.context.new_page()
    newcomer.goto(live_site.page(event))
    expect(newcomer.locator("#empty")).to_have_text(words.inner_text())


def test_a_restored_backup_reaches_open_pages(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)

    def restore_backup() -> None:
        event.updates.filter(number=2).delete()
        type(event).objects.filter(pk=event.pk).update(revision=2, head_revision=1, last_number=1, edition="0badcafe")

    live_site.do(restore_backup)
    catch_up(live_site, event)
    until(page, lambda: numbers(page) == [1])
    expect_right(page, live_site, event)


def test_nothing_on_its_way_fails_after_an_event_is_gone(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=120)
    page.clock.install()
    now = datetime.fromtimestamp(page.evaluate("Date.now()") / 1000, UTC)
    live_site.do(event.revise, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(minutes=50))
    live_site.do(live_site.updates(event)[9].mark_key)
    open_page(page, live_site, event)
    live_site.publish(event)
    expect(page.locator("#announcement")).to_have_text("1 new update")
    live_site.publish(event)  # is to be announced with the next
    expect(page.locator("#update-122")).to_be_visible()
    late = LateAnswers(page, "around=10")
    page.click("#keys a")
    late.wait()
    live_site.do(event.make_draft)
    gone = page.get_by_text("This live blog is no longer available")
    until(page, lambda: gone.count() or page.clock.run_for(6_000))
    late.deliver()
    page.evaluate("location.hash = '#update-3'")
    page.clock.fast_forward(16_000)  # the announcement
    page.clock.fast_forward(3_600_000)  # the planned end
    expect(gone).to_be_visible()  # no script has failed, as the fixture asserts


def test_an_event_that_comes_back_is_shown_again(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, live_site, event)
    take_away(page, live_site, event, event.make_draft)
    live_site.do(event.go_live)
    page.clock.fast_forward(60_000)
    expect(page.locator("#update-1")).to_be_visible()
    expect_right(page, live_site, event)


def test_the_page_of_one_update_follows_its_edit_and_its_withdrawal(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    page.goto(f"{live_site.page(event)}updates/1/")
    live_site.do(live_site.updates(event)[0].edit, body="Put right.")
    catch_up(live_site, event)
    until(page, lambda: "Put right." in page.inner_text("main") or page.clock.run_for(31_000))
    live_site.do(live_site.updates(event)[0].withdraw)
    catch_up(live_site, event)
    until(page, lambda: "was withdrawn" in page.inner_text("main") or page.clock.run_for(31_000))


def test_deep_quotes_and_lists_do_not_widen_the_page(page: Page, live_site: Site) -> None:
    event = live_site.event()
    live_site.publish(event, ">" * 200 + " deep")
    live_site.publish(event, "\n".join("    " * depth + "- item" for depth in range(40)))
    page.set_viewport_size({"width": 320, "height": 700})
    open_page(page, live_site, event)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
