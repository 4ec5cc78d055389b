"""What is being read stays where it is: held-back updates, selection, focus, a playing video."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, Page, expect

from tests.browser.reading import catch_up, expect_right, listen, numbers, open_page, set_clock, until
from tests.server import Site

LONG = "A paragraph that is long enough to fill some lines of the page. " * 12

VIDEO = """(selector) => {
  const canvas = document.createElement('canvas');
  const draw = canvas.getContext('2d');
  setInterval(() => draw.fillRect(Math.random() * 300, 0, 5, 5), 20);
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream(30);
  document.querySelector(selector).append(video);
  return video.play().then(() => { window.video = video; });
}"""


def top_of(page: Page, number: int) -> float:
    """Return how far below the window's top edge a card begins."""
    found: float = page.evaluate(f"document.getElementById('update-{number}').getBoundingClientRect().top")
    return found


def read_in_the_middle(page: Page, number: int) -> None:
    """Scroll to a card as a reader does."""
    page.evaluate(f"document.getElementById('update-{number}').scrollIntoView({{block: 'start'}}); scrollBy(0, 30)")
    page.wait_for_function("scrollY > 0")


def test_a_reader_at_the_top_sees_new_updates_at_once(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#update-3")).to_be_visible()
    expect(page.locator("#held")).to_be_hidden()


def test_new_updates_wait_behind_a_button_while_one_reads_on(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for _ in range(6):
        live_site.publish(event, LONG)
    open_page(page, live_site, event)
    read_in_the_middle(page, 3)
    before = top_of(page, 3)
    live_site.publish(event, LONG)
    live_site.publish(event, LONG)
    catch_up(live_site, event)
    expect(page.locator("#held")).to_have_text("2 new updates")
    expect(page).to_have_title(f"(2) {event.title}")
    assert top_of(page, 3) == before
    assert numbers(page, held=True) == [8, 7]
    live_site.do(live_site.updates(event)[-1].edit, body="Changed while held back.")
    live_site.do(live_site.updates(event)[-2].withdraw)
    catch_up(live_site, event)
    expect(page.locator("#held")).to_have_text("1 new update")
    expect_right(page, live_site, event)
    page.click("#held")
    expect(page.locator("#update-8")).to_be_in_viewport()
    expect(page.locator("#update-8")).to_be_focused()
    expect(page.locator("#held")).to_be_hidden()
    expect(page).to_have_title(event.title)
    assert numbers(page, held=True) == []


def test_oldest_first_appends_and_never_moves_the_reader(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for _ in range(5):
        live_site.publish(event, LONG)
    open_page(page, live_site, event, "?sort=oldest")
    read_in_the_middle(page, 4)
    before = top_of(page, 4)
    live_site.publish(event, LONG)
    catch_up(live_site, event)
    until(page, lambda: numbers(page, held=False) == [1, 2, 3, 4, 5, 6])
    assert top_of(page, 4) == before
    expect(page.locator("#held")).to_be_hidden()


def test_an_edit_and_a_withdrawal_above_do_not_move_what_is_read(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for _ in range(6):
        live_site.publish(event, LONG)
    open_page(page, live_site, event)
    for anchoring in ("auto", "none"):  # none: as in WebKit, which has no scroll anchoring
        page.evaluate(
            """(value) => {
              const sheet = new CSSStyleSheet();
              sheet.replaceSync(`* { overflow-anchor: ${value} !important }`);
              document.adoptedStyleSheets = [sheet];
            }""",
            anchoring,
        )
        read_in_the_middle(page, 2)
        before = top_of(page, 2)
        six, five = live_site.updates(event)[5], live_site.updates(event)[4]
        live_site.do(six.edit, body=f"{LONG}\n\n{LONG} {anchoring}")
        catch_up(live_site, event)
        until(page, lambda anchoring=anchoring: anchoring in page.locator("#update-6").inner_text())
        live_site.do(five.withdraw)
        catch_up(live_site, event)
        expect(page.locator("#update-5")).to_have_count(0)
        assert abs(top_of(page, 2) - before) <= 1
        live_site.do(five.restore)
        catch_up(live_site, event)
        expect(page.locator("#update-5")).to_be_attached()
        assert abs(top_of(page, 2) - before) <= 1
        page.evaluate("scrollTo(0, 0)")
        if page.locator("#held").is_visible():
            page.click("#held")
    expect_right(page, live_site, event)


def test_a_selection_survives_an_arrival_and_an_edit_of_another_paragraph(page: Page, live_site: Site) -> None:
    event = live_site.event()
    update = live_site.publish(event, "First paragraph.\n\nSecond paragraph.\n\nThird paragraph.")
    open_page(page, live_site, event)
    page.evaluate("getSelection().selectAllChildren(document.querySelectorAll('#update-1 .prose p')[1])")
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#held")).to_be_visible()
    live_site.do(update.edit, body="First, changed.\n\nSecond paragraph.\n\nThird paragraph.\n\nFourth.")
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_contain_text("Fourth.")
    assert page.evaluate("getSelection().toString()").strip() == "Second paragraph."
    expect_right(page, live_site, event)


def test_focus_and_a_playing_video_survive_an_edit_of_another_paragraph(page: Page, live_site: Site) -> None:
    event = live_site.event()
    update = live_site.publish(event, "Before.\n\nSee [this](https://example.org/).\n\nA video stands here.")
    open_page(page, live_site, event)
    page.evaluate(VIDEO, "#update-1 .prose p:nth-of-type(3)")
    page.focus("#update-1 .prose a")
    page.evaluate("window.link = document.activeElement; window.playedAt = video.currentTime")
    live_site.publish(event)
    live_site.do(
        update.edit, body="Before, changed.\n\nInserted.\n\nSee [this](https://example.org/).\n\nA video stands here."
    )
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_contain_text("Inserted.")
    assert page.evaluate("document.activeElement === window.link")
    assert page.evaluate("video.isConnected && !video.paused")
    page.wait_for_function("video.currentTime > window.playedAt")


def test_pausing_holds_new_updates_back_and_lets_edits_in(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_page(page, live_site, event)
    page.click("#pause")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#held")).to_have_text("1 new update")
    expect(page.locator("#connection")).to_contain_text("held back")
    live_site.do(live_site.updates(event)[0].edit, body="Corrected.")
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_contain_text("Corrected.")
    expect_right(page, live_site, event)
    page.click("#pause")
    expect(page.locator("#update-2")).to_be_visible()


def test_counts_are_announced_politely(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    began_at = datetime.now(UTC)
    page.clock.install(time=began_at)
    open_page(page, live_site, event)
    page.clock.pause_at(began_at + timedelta(hours=1))
    said = listen(page)
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: numbers(page) == [2, 1])
    live_site.publish(event)
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: len(numbers(page)) == 4)
    page.clock.fast_forward(14_000)
    assert said() == ["1 new update"]
    page.clock.fast_forward(1_000)  # 15 seconds after the first
    assert said() == ["1 new update", "2 new updates"]
    assert page.locator("#feed [aria-live], #feed[aria-live], [role=log]").count() == 0


def test_counts_are_announced_also_after_the_clock_was_set_back(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, live_site, event)
    said = page.locator("#announcement")
    live_site.publish(event)
    expect(said).to_have_text("1 new update")
    set_clock(page, minutes=-10)
    live_site.publish(event)
    until(page, lambda: numbers(page) == [3, 2, 1])
    page.clock.fast_forward(16_000)
    expect(said).to_have_text("1 new update")


def test_times_are_the_readers_own_and_the_events_on_demand(browser: Browser, live_site: Site) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    event = live_site.event(time_zone="America/Chicago")
    live_site.publish(event, published_at=datetime(1969, 7, 20, 20, 18, tzinfo=UTC))
    open_page(page, live_site, event)
    time = page.locator("#update-1 .update-when time")
    expect(time).to_have_text("05:18")
    assert "Sunday 20 July 1969, 15:18 CDT" in (time.get_attribute("title") or "")
    expect(page.locator(".day")).to_have_text("Monday 21 July 1969")
    time.click()
    expect(time).to_have_text("15:18 CDT")
    expect(page.locator(".day")).to_have_text("Sunday 20 July 1969")
    page.click("#zone")
    expect(time).to_have_text("05:18")
    context.close()
