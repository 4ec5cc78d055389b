"""The form in which updates are written: marks, preview, count, time, draft and photos."""

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from liveblog.models import Event
from tests.browser.phones import BODY, bodies, expect_posted, outbox, write
from tests.browser.reading import catch_up, expect_accessible, open_page, until
from tests.browser.sessions import start_session
from tests.browser.test_offline import PNG
from tests.server import Site

LIBRARY = "#composer .is-pick:not(.is-camera) input"

SMALL = """() => [...document.querySelectorAll('main a, main button, main input, main summary, main textarea')]
  .map((one) => one.closest('label.tool') ?? one)
  .filter((one) => one.checkVisibility() && !one.closest('.update, .preview, .hint, [hidden]'))
  .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 43.5 || box.height < 43.5))
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""

SIZES = """async () => {
  const opening = indexedDB.open('liveblog');
  await new Promise((done) => { opening.onsuccess = done; });
  const database = opening.result;
  const photos = database.transaction('photos').objectStore('photos').getAll();
  await new Promise((done) => { photos.onsuccess = done; });
  const blobs = photos.result.map(({ bytes, type }) => new Blob([bytes], { type }));
  const pictures = blobs.map((blob) => createImageBitmap(blob).catch(() => null));
  return (await Promise.all(pictures)).filter(Boolean).map(({ width, height }) => [width, height]);
}"""


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's, in Berlin."""
    return live_site.event(author=live_site.user("ada"), time_zone="Europe/Berlin")


@pytest.fixture
def page(phone: Callable[..., BrowserContext], live_site: Site, event: Event) -> Page:
    """Ada's phone, at the event's desk."""
    page = phone("ada", live_site).new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    return page


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three photos: a large one, a small one, and one that this browser can't read."""
    folder = tmp_path_factory.mktemp("photos")
    Image.effect_noise((3000, 2000), 40).convert("RGB").save(folder / "large.jpg", quality=95)
    Image.new("RGB", (400, 300), "teal").save(folder / "small.png")
    (folder / "odd.heic").write_bytes(b"ftypheic, not read by this browser")
    return [str(folder / name) for name in ("large.jpg", "small.png", "odd.heic")]


# Words.


MARKS = (
    ("A word here", (2, 6), "Bold", "A **word** here"),
    ("A **word** here", (4, 8), "Bold", "A word here"),
    ("A word here", (1, 7), "Bold", "A **word** here"),
    ("Read this now", (5, 9), "Link", "Read [this](https://) now"),
    ("See https://example.org/", (4, 24), "Link", "See [](https://example.org/)"),
    ("One\nTwo", (0, 7), "Quotation", "> One\n> Two"),
    ("> One\n> Two", (0, 11), "Quotation", "One\nTwo"),
    ("Intro\nOne\nTwo", (6, 13), "List", "Intro\n- One\n- Two"),
    ("", (0, 0), "List", "- "),
)


def test_a_mark_works_on_the_selection_and_is_undone_as_typing_is(page: Page) -> None:
    page.tap("#tools-toggle")
    for text, selection, name, result in MARKS:
        page.fill(BODY, text)
        page.eval_on_selector(
            BODY, "(area, [from, to]) => { area.focus(); area.setSelectionRange(from, to) }", selection
        )
        page.get_by_role("button", name=name, exact=True).tap()
        expect(page.locator(BODY)).to_have_value(result)
        expect(page.locator(BODY)).to_be_focused()
        page.keyboard.press("Control+z")
        expect(page.locator(BODY)).to_have_value(text)


def test_the_preview_is_the_servers_own_and_asks_one_at_a_time(page: Page) -> None:
    under: list[int] = [0, 0]
    page.on("request", lambda request: "/render/" in request.url and under.__setitem__(0, under[0] + 1))
    for name in ("requestfinished", "requestfailed"):
        page.on(name, lambda request: "/render/" in request.url and under.__setitem__(0, under[0] - 1))
    page.fill(BODY, "Not **asked** for")
    page.tap("#tools-toggle")
    page.tap("#preview-toggle")
    expect(page.locator("#preview strong")).to_have_text("asked")
    for number in range(30):
        page.keyboard.type(f" {number}")
        under[1] = max(under)
    page.locator(BODY).press_sequentially(" _end_")
    expect(page.locator("#preview em")).to_have_text("end")
    assert under[1] <= 1
    page.tap("#preview-toggle")
    expect(page.locator("#preview")).to_be_hidden()


def test_the_count_shows_near_the_limit_and_too_much_is_refused_at_once(
    page: Page, live_site: Site, event: Event
) -> None:
    page.fill(BODY, "x" * 18_900)
    expect(page.locator("#composer-count")).to_have_text("")
    page.fill(BODY, "x" * 19_500 + "\n\n")
    expect(page.locator("#composer-count")).to_have_text("500 left")
    page.fill(BODY, "🙂" * 20_001)
    expect(page.locator("#composer-count")).to_have_text("1 too many")
    page.tap("#composer .post")
    expect(page.locator("#composer-errors")).to_contain_text("20,001 characters are too many")
    assert len(page.input_value(BODY)) == 20_001
    assert outbox(page) == []
    page.fill(BODY, " ")
    page.tap("#composer .post")
    expect(page.locator("#composer-errors")).to_have_text("Write something first.")
    assert bodies(live_site, event) == []


def test_a_time_says_what_it_will_mean_and_does_so(page: Page, live_site: Site, event: Event) -> None:
    page.locator(".more-fields summary").tap()
    page.fill("#composer [name=at]", "2021-02-03T13:05")
    expect(page.locator("#composer-when")).to_have_text("Gets the time 13:05 on 3 February 2021.")
    write(page, "From the archive.")
    expect(page.locator("#ask")).to_contain_text("far from this event")
    page.get_by_role("button", name="Change it").tap()
    expect(page.locator("#composer-at")).to_be_focused()
    page.tap("#composer .post")
    page.get_by_role("button", name="I mean it").tap()
    expect_posted(page, live_site, event, "From the archive.")
    assert live_site.updates(event)[0].published_at.isoformat() == "2021-02-03T12:05:00+00:00"
    if not page.locator("#composer [name=at]").is_visible():
        page.locator(".more-fields summary").tap()
    page.fill("#composer [name=at]", "2199-01-01T20:00")
    expect(page.locator("#composer-when")).to_have_text("Is scheduled for 20:00 on 1 January 2199.")
    write(page, "From the future.")
    page.tap("#ask-yes")
    expect(page.locator("#said")).to_contain_text("Scheduled")
    expect_posted(page, live_site, event, "From the archive.")


def test_a_headline_leads_on_and_a_key_moment_is_one(page: Page, live_site: Site, event: Event) -> None:
    page.locator(".more-fields summary").tap()
    page.fill("[name=headline]", "Breaking")
    page.press("[name=headline]", "Enter")
    expect(page.locator(BODY)).to_be_focused()
    page.keyboard.type("It happened.")
    page.get_by_label("Key moment").first.check(force=True)
    page.locator(BODY).press("Control+Enter")
    expect_posted(page, live_site, event, "It happened.")
    (update,) = live_site.updates(event)
    assert (update.headline, update.is_key) == ("Breaking", True)
    expect(page.locator("[name=headline]")).to_have_value("")


def test_the_preview_has_headline_time_key_mark_and_photos(page: Page, photos: list[str]) -> None:
    page.tap("#composer .is-tick")
    expect(page.locator("#composer [name=headline]")).to_be_focused()  # a key moment is known by its headline
    page.keyboard.type("Breaking")
    page.keyboard.press("Enter")
    page.keyboard.type("It *moves*.")
    page.set_input_files(LIBRARY, photos[1:2])
    page.locator(".more-fields summary").tap()
    page.fill("#composer [name=at]", "2026-11-28T20:15")
    page.tap("#tools-toggle")
    page.tap("#preview-toggle")
    preview = page.locator("#preview")
    expect(preview.locator(".update-headline")).to_have_text("Breaking")
    expect(preview.locator(".key-flag")).to_be_visible()
    expect(preview.locator("time")).to_have_attribute("datetime", re.compile("^2026-11-28T"))
    expect(preview.locator("em")).to_have_text("moves")
    expect(preview.get_by_role("img", name="Photo without a description")).to_be_visible()


def test_the_button_says_when_it_will_be_published(page: Page, event: Event) -> None:
    button = page.locator("#composer .post")
    expect(button).to_have_text("Post")
    page.locator(".more-fields summary").tap()
    soon = datetime.now(event.zone) + timedelta(hours=30)
    page.fill("#composer [name=at]", soon.strftime("%Y-%m-%dT%H:%M"))
    expect(button).to_contain_text(f"Schedule for {soon:%H:%M}")
    page.fill("#composer [name=at]", "")
    expect(button).to_have_text("Post")


def test_the_post_button_never_moves_under_the_thumb(page: Page, live_site: Site, event: Event) -> None:
    place = "document.querySelector('#composer .post').getBoundingClientRect().top"
    before = page.evaluate(place)
    for number in range(10):
        page.fill(BODY, f"Update {number}")
        page.tap("#composer .post")
        assert page.evaluate(place) == before
    expect_posted(page, live_site, event, *(f"Update {number}" for number in range(10)))
    expect(page.locator("#said")).to_contain_text("Posted.")
    assert page.evaluate(place) == before
    page.wait_for_timeout(1_100)  # what comes sooner is the second half of a double tap
    page.tap("#composer .post")
    expect(page.locator("#composer-errors")).to_have_text("Write something first.")
    assert page.evaluate(place) == before


def test_a_photo_dropped_or_pasted_with_its_words_is_attached(page: Page) -> None:
    hand_over = """([name, type]) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(window.png), (one) => one.charCodeAt(0));
      data.items.add(new File([bytes], 'dropped.png', {type: 'image/png'}));
      data.setData('text/plain', 'Words with it');
      const init = {bubbles: true, cancelable: true, [type]: data};
      const event = name === 'paste' ? new ClipboardEvent(name, init) : new DragEvent(name, init);
      document.querySelector('#composer [name=body]').dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    page.evaluate(f"window.png = '{base64.b64encode(PNG).decode()}'")
    assert page.evaluate(hand_over, ["dragover", "dataTransfer"])
    assert page.evaluate(hand_over, ["drop", "dataTransfer"])
    expect(page.locator(".shot")).to_have_count(1)
    assert not page.evaluate(hand_over, ["paste", "clipboardData"]), "the browser pastes the text"
    expect(page.locator(".shot")).to_have_count(2)


def test_the_author_learns_how_many_readers_are_connected(page: Page, live_site: Site, event: Event) -> None:
    reader = page.context.new_page()
    open_page(reader, live_site, event)
    live_site.publish(event)
    catch_up(live_site, event)
    expect(reader.locator("#update-1")).to_be_visible()  # it came through the socket: the reader is counted
    write(page, "Who is there?")
    expect(page.locator("#said")).to_have_text(re.compile(r"Posted\. 1 reader is connected now\."))


# The draft.


def test_a_draft_outlives_reload_crash_and_login(page: Page, live_site: Site, event: Event) -> None:
    page.locator(".more-fields summary").tap()
    page.fill("[name=headline]", "Half a headline")
    page.locator(BODY).press_sequentially("Half a sen")
    page.reload()
    expect(page.locator(BODY)).to_have_value("Half a sen")
    expect(page.locator("[name=headline]")).to_have_value("Half a headline")
    context = page.context
    page.close(run_before_unload=False)
    context.clear_cookies()
    page = context.new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    start_session(context, live_site, "ada")
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect(page.locator(BODY)).to_have_value("Half a sen")
    context.clear_cookies()
    start_session(context, live_site, "bob")
    other = live_site.event("Another", author=live_site.user("bob"))
    page.goto(f"{live_site.url}/desk/{other.slug}/")
    expect(page.locator(BODY)).to_have_value("")


def test_a_draft_whose_entry_is_in_the_outbox_does_not_come_back(page: Page, live_site: Site, event: Event) -> None:
    page.context.set_offline(True)
    page.fill(BODY, "Posted as the battery died.")
    kept = page.evaluate("Object.entries(localStorage).filter(([name]) => name.includes(':draft:'))")
    page.tap("#composer .post")
    page.evaluate("(kept) => { for (const [name, text] of kept) localStorage[name] = text; }", kept)
    page.route("**/updates/", lambda route: route.abort())
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#entries .entry")).to_have_count(1)
    expect(page.locator(BODY)).to_have_value("")


# Photos.


def test_photos_are_scaled_described_moved_removed_and_published_in_order(
    page: Page, live_site: Site, event: Event, photos: list[str]
) -> None:
    page.set_input_files(LIBRARY, photos)
    shots = page.locator(".shot")
    expect(shots).to_have_count(3)
    expect(shots.nth(2)).to_contain_text("sent as it is")
    shots.nth(0).locator("input").fill("Noise, large")
    shots.nth(1).locator("input").fill("A teal field")
    shots.nth(1).get_by_role("button", name="Move up").focus()
    page.keyboard.press("Enter")
    expect(shots.nth(0).locator("input")).to_have_value("A teal field")
    shots.nth(2).get_by_role("button", name="Remove").tap()
    expect(shots.nth(2)).to_contain_text("is taken out")
    shots.nth(0).get_by_role("button", name="Remove").tap()
    shots.nth(0).get_by_role("button", name="Put it back").tap()
    page.reload()
    expect(shots).to_have_count(3)
    expect(shots.nth(0).locator("input")).to_have_value("A teal field")
    until(page, lambda: page.locator(".shot-picture").nth(1).evaluate("(canvas) => canvas.width") > 100)
    assert sorted(page.evaluate(SIZES)) == [[400, 300], [2560, 1707]]
    write(page, "Two photos.")
    expect_posted(page, live_site, event, "Two photos.")
    (update,) = live_site.updates(event)
    assert [photo["alt"] for photo in update.photos] == ["A teal field", "Noise, large"]


def test_an_update_has_its_photos_and_they_outlive_a_closed_tab(
    page: Page, live_site: Site, event: Event, photos: list[str]
) -> None:
    lost: list[str] = []

    def lose(route: object) -> None:
        route.fetch()  # type: ignore[attr-defined]  # the server has it, and the phone does not know
        lost.append("one")
        route.abort()  # type: ignore[attr-defined]

    page.context.route("**/photos/", lose, times=1)
    page.context.set_offline(True)
    page.set_input_files(LIBRARY, photos[:2])
    expect(page.locator(".shot .shot-state").last).to_have_text("")
    write(page, "With photos.")
    write(page, "After the photos.")
    context = page.context
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    until(page, lambda: sorted(bodies(live_site, event)) == ["After the photos.", "With photos."] and not outbox(page))
    assert lost
    expect(page.locator(".item img")).to_have_count(2)


def test_what_is_no_photo_too_large_or_too_many_is_refused_at_once(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "ok.jpg")
    (tmp_path / "text.pdf").write_bytes(b"%PDF")
    (tmp_path / "vast.heic").write_bytes(b"x" * 20_100_000)
    page.set_input_files(LIBRARY, [str(tmp_path / "text.pdf"), str(tmp_path / "vast.heic"), str(tmp_path / "ok.jpg")])
    expect(page.locator("#said")).to_contain_text("text.pdf is not a photo.")
    expect(page.locator("#said")).to_contain_text("vast.heic is too large")
    expect(page.locator(".shot")).to_have_count(1)
    page.set_input_files(LIBRARY, [str(tmp_path / "ok.jpg")] * 10)
    expect(page.locator("#said")).to_have_text("10 photos picked, 1 left out: an update has at most 10 photos.")
    expect(page.locator(".shot")).to_have_count(10)


def test_a_photo_that_the_server_refuses_says_so_and_the_rest_can_be_saved(
    page: Page, live_site: Site, event: Event, photos: list[str]
) -> None:
    page.set_input_files(LIBRARY, photos[2:])
    expect(page.locator(".shot")).to_contain_text("not a photo that can be read here")
    write(page, "With a file that is no photo.")
    refused = page.locator("#entries .entry[data-state=refused]")
    expect(refused).to_contain_text("odd.heic")
    refused.locator("[data-act=edit]").tap()
    page.get_by_role("button", name="Remove").tap()
    page.tap("#composer .post")
    expect_posted(page, live_site, event, "With a file that is no photo.")


# How it looks and feels.


def test_the_composer_and_the_outbox_are_usable_by_all_on_any_phone(
    page: Page, live_site: Site, event: Event, photos: list[str]
) -> None:
    live_site.publish(event, "There already.")
    page.locator(".more-fields summary").tap()
    page.fill("#composer [name=at]", "2025-10-26T02:30")
    write(page, "At a time that came twice.")
    page.tap("#ask-yes")
    expect(page.locator("#entries .entry[data-state=refused]")).to_contain_text("comes twice in Europe/Berlin")
    page.context.set_offline(True)
    write(page, "Waits.")
    page.set_input_files(LIBRARY, photos)
    expect(page.locator(".shot").nth(2)).to_contain_text("sent as it is")
    page.locator(".shot").nth(2).get_by_role("button", name="Remove").tap()
    page.tap("#tools-toggle")
    page.tap("#preview-toggle")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 760})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(SMALL) == []
    expect_accessible(page)


def test_what_is_typed_before_the_script_has_come_is_kept(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = phone("ada", live_site, service_workers="block").new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    page.fill(BODY, "The draft of before")
    held: list[Route] = []
    page.route("**/js/desk/desk*.js", lambda route: held.append(route))
    page.goto(f"{live_site.url}/desk/{event.slug}/", wait_until="commit")
    page.fill(BODY, "Typed at once")
    until(page, lambda: bool(held))
    for route in held:
        route.continue_()
    expect(page.locator("html")).to_have_attribute("data-script", "on")
    expect(page.locator(BODY)).to_have_value("Typed at once")
    page.tap("#composer .post")
    expect(page.locator("#items")).to_contain_text("Typed at once")
    expect(page.locator(BODY)).to_have_value("The draft of before")
