"""Photos travel while the text is still written, and no text waits for the photos of another."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from liveblog.models import Event
from tests.browser.phones import BODY, bodies, expect_posted, outbox, write
from tests.browser.reading import until
from tests.browser.test_composer import LIBRARY
from tests.server import Site


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's."""
    return live_site.event(author=live_site.user("ada"))


@pytest.fixture
def page(phone: Callable[..., BrowserContext], live_site: Site, event: Event) -> Page:
    """Ada's phone, at the event's desk."""
    page = phone("ada", live_site).new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    return page


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """A photo as a file."""
    Image.new("RGB", (400, 300), "teal").save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def hold_photos(page: Page) -> list[Route]:
    """Keep every upload on the way; the list has those that have begun."""
    held: list[Route] = []
    page.context.route("**/photos/", lambda route: held.append(route))
    return held


def test_photos_are_there_before_their_text_is_posted(page: Page, live_site: Site, event: Event, photo: str) -> None:
    page.fill(BODY, "Words that take their time.")
    page.set_input_files(LIBRARY, [photo])
    until(page, lambda: live_site.do(event.photos.count) == 1)
    asked = hold_photos(page)
    write(page, "With a photo.")
    expect_posted(page, live_site, event, "With a photo.")
    assert not asked, "once is enough"
    expect(page.locator("#item-1 img")).to_have_count(1)


def test_what_was_sent_stays_so_after_a_reload(page: Page, live_site: Site, event: Event, photo: str) -> None:
    page.set_input_files(LIBRARY, [photo])
    until(page, lambda: live_site.do(event.photos.count) == 1)
    until(page, lambda: page.evaluate('Object.values({...localStorage}).some((kept) => /taken_at":1/.test(kept))'))
    page.reload()
    asked = hold_photos(page)
    write(page, "With a photo.")
    expect_posted(page, live_site, event, "With a photo.")
    assert not asked


def test_a_text_overtakes_one_that_waits_for_its_photos(page: Page, live_site: Site, event: Event, photo: str) -> None:
    held = hold_photos(page)
    page.set_input_files(LIBRARY, [photo])
    write(page, "With a photo.")
    write(page, "A goal.")
    write(page, "And the restart.")
    until(page, lambda: bodies(live_site, event) == ["A goal.", "And the restart."])
    entry = page.locator("#entries .entry")
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text("With a photo.")
    until(page, lambda: held)
    held[0].continue_()
    expect_posted(page, live_site, event, "A goal.", "And the restart.", "With a photo.")


def test_what_waits_for_its_photos_can_be_stopped(page: Page, live_site: Site, event: Event, photo: str) -> None:
    held = hold_photos(page)
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    page.set_input_files(LIBRARY, [photo])
    write(page, "Not yet.")
    until(page, lambda: held)
    page.locator("#entries [data-act=edit]").tap()
    expect(page.locator(BODY)).to_have_value("Not yet.")
    expect(page.locator(".shot")).to_have_count(1)
    assert not given_up, "it is in the composer again"
    page.tap("#composer .post")
    page.locator("#entries [data-act=discard]").tap()
    page.tap("#ask-yes")
    until(page, lambda: given_up and not outbox(page))
    page.context.unroute("**/photos/")
    write(page, "Something else.")
    expect_posted(page, live_site, event, "Something else.")


def test_a_photo_that_is_refused_says_so_before_its_text_is_posted(
    page: Page, live_site: Site, event: Event, tmp_path: Path
) -> None:
    (tmp_path / "odd.heic").write_bytes(b"ftypheic, not read by this browser")
    page.set_input_files(LIBRARY, [str(tmp_path / "odd.heic")])
    expect(page.locator(".shot-state")).to_contain_text("photo")
    assert live_site.do(event.photos.count) == 0
    write(page, "Without it.")
    refused = page.locator("#entries .entry[data-state=refused]")
    expect(refused).to_contain_text("odd.heic")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_a_picture_that_moves_says_that_its_first_frame_will_show(
    kind: str, page: Page, live_site: Site, event: Event, tmp_path: Path
) -> None:
    frames = [Image.effect_noise((900, 900), sigma).convert("RGB") for sigma in (20, 60)]
    frames[0].save(tmp_path / f"still.{kind}", kind)
    frames[0].save(tmp_path / f"moving.{kind}", kind, save_all=True, append_images=frames[1:], duration=400)
    page.set_input_files(LIBRARY, [str(tmp_path / f"still.{kind}"), str(tmp_path / f"moving.{kind}")])
    expect(page.locator(".shot-state").nth(1)).to_have_text("It moves: readers will see its first frame.")
    expect(page.locator(".shot-state").nth(0)).to_have_text("")
    until(page, lambda: live_site.do(event.photos.count) == 2)


def test_a_screenshot_stays_readable_or_is_refused_in_words(
    page: Page, live_site: Site, event: Event, tmp_path: Path
) -> None:
    Image.effect_noise((1_080, 4_000), 30).convert("RGB").save(tmp_path / "long.png")
    Image.new("RGB", (400, 30_000), "teal").save(tmp_path / "endless.png")
    page.set_input_files(LIBRARY, [str(tmp_path / "long.png"), str(tmp_path / "endless.png")])
    expect(page.locator(".shot-state").nth(1)).to_contain_text("cut it into parts")
    until(page, lambda: live_site.do(event.photos.count) == 1)
    assert live_site.do(lambda: event.photos.get().file_widths) == [480, 1080]
