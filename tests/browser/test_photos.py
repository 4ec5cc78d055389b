"""Photos on the readers' page: they arrive live, move nothing while they load, and grow when pressed."""

import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from liveblog.models import Attachment, Event
from tests.browser.reading import catch_up, expect_accessible, expect_right, open_page
from tests.server import Site

SHIFTS = """
() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true }); }
"""


@pytest.fixture(autouse=True)
def media(live_site: Site, settings: object) -> Iterator[None]:
    """Have this process store photos where the server looks for them."""
    settings.MEDIA_ROOT = live_site.data_dir / "media"  # type: ignore[attr-defined]
    return


def photos(site: Site, event: Event, *sizes: tuple[int, int]) -> list[Attachment]:
    """Upload photos of these sizes and return them for an update."""

    def store() -> list[Attachment]:
        made = []
        for number, size in enumerate(sizes, 1):
            file, key = io.BytesIO(), uuid.uuid4()
            Image.new("RGB", size, (40 * number, 90, 120)).save(file, "JPEG")
            file.seek(0)
            event.add_photo(uploader=event.authors.get(), key=key, file=file)
            made.append(Attachment(key, f"Picture {number} of the bridge"))
        return made

    return site.do(store)


def test_a_photo_arrives_live_and_moves_nothing_while_it_loads(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    open_page(page, live_site, event)
    waiting: list[Route] = []
    page.route("**/*.webp", lambda route: waiting.append(route))
    live_site.publish(event, "Look.", photos=photos(live_site, event, (1600, 1000)))
    catch_up(live_site, event)
    expect(page.locator("#update-4 img")).to_be_visible()
    box = page.locator("#update-4").bounding_box()
    assert box is not None
    assert box["height"] > 300
    page.wait_for_function("() => document.querySelector('#update-4 img').complete === false")
    for route in waiting:
        route.continue_()
    page.unroute("**/*.webp")
    page.wait_for_function("() => document.querySelector('#update-4 img').naturalWidth > 0")
    assert page.locator("#update-4").bounding_box() == box
    expect_right(page, live_site, event)


def test_a_page_full_of_photos_does_not_shift(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for sizes in ([(1600, 1000)], [(800, 1600)], [(900, 900), (1600, 900)], [(1600, 900), (900, 900), (700, 1400)]):
        live_site.publish(event, "Look.", photos=photos(live_site, event, *sizes))
    page.goto(live_site.page(event))
    page.evaluate(SHIFTS)
    for picture in page.locator("#cards img").all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function("(one) => one.complete && one.naturalWidth > 0", arg=picture.element_handle())
    assert page.evaluate("() => window.shift") == 0


def test_a_photo_grows_when_pressed_and_closes_by_key_press_and_button(page: Page, live_site: Site) -> None:
    event = live_site.event()
    live_site.publish(event, "Look.", photos=photos(live_site, event, (1600, 1000), (900, 1200)))
    open_page(page, live_site, event)
    page.locator("#update-1 a.photo").first.click()
    dialog = page.locator("dialog.enlarged")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Picture 1 of the bridge")
    expect_accessible(page)
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("Picture 2 of the bridge")
    expect(dialog.get_by_role("button", name="Next")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#update-1 a.photo").first).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    assert page.url == live_site.page(event)


def test_without_javascript_a_photo_is_a_link_to_the_large_one(browser: Browser, live_site: Site) -> None:
    event = live_site.event()
    live_site.publish(event, "Look.", photos=photos(live_site, event, (1600, 1000)))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_site.page(event))
    page.click("#update-1 a.photo")
    assert page.url.endswith("-1600.webp")
    context.close()


def test_a_photo_stays_as_it_is_when_the_text_beside_it_is_edited(page: Page, live_site: Site) -> None:
    event = live_site.event()
    update = live_site.publish(event, "Look.", photos=photos(live_site, event, (1600, 1000)))
    open_page(page, live_site, event)
    page.evaluate("() => { document.querySelector('#update-1 img').wasHere = true; }")
    live_site.do(update.edit, body="Look here.")
    catch_up(live_site, event)
    expect(page.locator("#update-1")).to_contain_text("Look here.")
    assert page.evaluate("() => document.querySelector('#update-1 img').wasHere")
    assert Path(live_site.data_dir / "media" / "photos").is_dir()
