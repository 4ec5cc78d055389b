"""The desk and the readers' page for somebody whose phone shows text twice as large."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.sessions import start_session
from tests.server import Site

LARGE_PX = 32


@pytest.fixture
def phone(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    """A phone set to text of 200 %."""
    preferences = {"webkit": {"webprefs": {"default_font_size": LARGE_PX, "default_fixed_font_size": LARGE_PX}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = playwright.chromium.launch_persistent_context(
        tmp_path,
        executable_path=find_chromium(),
        args=[*ARGUMENTS],
        viewport={"width": 320, "height": 640},
        has_touch=True,
        is_mobile=True,
    )
    yield context.new_page()
    context.close()


def test_no_page_scrolls_sideways_with_text_twice_as_large(phone: Page, live_site: Site) -> None:
    event = live_site.event("A title of some length for a small phone", author=live_site.user("ada"), updates=3)
    phone.goto(f"{live_site.url}/accounts/login/")
    assert phone.evaluate("getComputedStyle(document.documentElement).fontSize") == f"{LARGE_PX}px"
    start_session(phone.context, live_site, "ada")
    desk = f"/desk/{event.slug}/"
    addresses = ["/desk/", "/desk/new/", desk, f"{desk}people/", f"{desk}edit/", f"{desk}deletion/"]
    addresses += [
        f"{desk}updates/2/",
        f"{desk}updates/2/versions/",
        f"{desk}updates/2/purge/",
        f"/events/{event.slug}/",
    ]
    for address in addresses:
        phone.goto(live_site.url + address)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320, address
        if address == desk:
            assert phone.locator("#composer .post").bounding_box() is not None
            phone.fill("#composer [name=body]", "Large.")
            phone.tap("#composer .post")
            phone.wait_for_selector("#item-4")
            assert phone.evaluate("document.documentElement.scrollWidth") <= 320
