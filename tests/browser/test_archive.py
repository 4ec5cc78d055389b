"""A static copy as it opens from a disk, in a real browser."""

import io
import uuid
from pathlib import Path
from typing import Any

from django.test import override_settings
from PIL import Image
from playwright.sync_api import Page, expect

from liveblog.models import Attachment, Event
from tests.browser.reading import expect_accessible
from tests.server import Site


def pictured(event: Event, author: Any) -> None:
    file = io.BytesIO()
    Image.new("RGB", (1200, 700), "teal").save(file, "PNG")
    file.seek(0)
    shot = event.add_photo(uploader=author, key=uuid.uuid4(), file=file)
    event.publish(author=author, headline="The wave", photos=[Attachment(shot.key, "A wave")], is_key=True)
    event.publish(author=author, body="https://youtu.be/dQw4w9WgXcQ")


def test_a_copy_opens_from_the_disk_and_asks_nobody_for_anything(page: Page, live_site: Site, tmp_path: Path) -> None:
    ada = live_site.user("ada")
    event = live_site.event("Storm over the bay", updates=3, author=ada, summary="Wind and water.")
    live_site.do(_with_media, live_site, event, ada)
    live_site.do(event.end)
    live_site.manage("freeze", event.slug, str(tmp_path / "site"))
    page.set_viewport_size({"width": 390, "height": 800})
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("console", lambda message: failed.append(message.text) if message.type in ("error", "warning") else None)
    page.goto((tmp_path / "site" / "index.html").as_uri())
    expect(page.locator("h1")).to_have_text("Storm over the bay")
    expect(page.locator("article")).to_have_count(5)
    assert page.locator(".photo img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith(("system-ui", "-apple"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("#keys a")
    expect(page.locator("#update-4")).to_be_in_viewport()
    page.get_by_role("link", name="Newest first").click()
    expect(page.locator("article").first).to_have_id("update-5")
    page.locator("#update-2 .permalink").click()
    expect(page.locator(".prose")).to_have_text("This is update 2.")
    page.get_by_role("link", name="Read it in its place").click()
    expect(page.locator("#update-2")).to_be_in_viewport()
    page.emulate_media(color_scheme="dark")
    page.goto((tmp_path / "site" / "index.html").as_uri())
    assert failed == []
    assert all(address.startswith("file:") for address in asked), asked
    expect_accessible(page)  # last, since it reads style sheets by itself


def _with_media(site: Site, event: Event, author: Any) -> None:
    with override_settings(MEDIA_ROOT=site.data_dir / "media"):
        pictured(event, author)
