"""Browsers that have met the former release, and go on with its pages in front of this one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.phones import BODY, expect_posted, write
from tests.browser.reading import catch_up, expect_right, is_ready, numbers, until
from tests.browser.release import former_release
from tests.browser.test_network import hide, show
from tests.browser.test_offline import KEPT
from tests.server import Site

PATIENCE_MS = 60_000
"""A page of the former release asks ever more rarely while nothing answers."""
THIS_RELEASE = "html[data-release]"


IS_UP_TO_DATE = """navigator.serviceWorker.ready.then((registration) =>
    !registration.installing && !registration.waiting && registration.active.state === "activated"
    && navigator.serviceWorker.controller === registration.active)"""
KEPT_PAGES = """(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("desk-pages"));
    const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).matchAll()));
    return (await Promise.all(kept.flat().map((page) => page.text()))).join();
})()"""


def test_an_open_desk_of_the_former_release_goes_on_posting_and_following(
    phone: Callable[..., BrowserContext], server: Callable[..., Site]
) -> None:
    site = server()
    ada = site.user("ada")
    event = site.event("The storm", author=ada)
    page = phone("ada", site, service_workers="block").new_page()
    site.stop()
    with former_release(site, event, ada.pk):
        page.goto(f"{site.url}/desk/{event.slug}/")
        expect(page.locator(BODY)).to_be_visible()
    write(page, "Written while it was upgraded.")
    expect(page.locator("#entries .entry")).to_have_count(1)
    site.start()
    expect_posted(page, site, event, "Written while it was upgraded.", seconds=PATIENCE_MS / 1000)
    item = page.locator("#item-1")
    expect(item.locator(".prose")).to_have_text("Written while it was upgraded.", timeout=PATIENCE_MS)
    write(page, "And afterwards.")
    expect_posted(page, site, event, "Written while it was upgraded.", "And afterwards.")

    page.tap("#edit-1")
    page.fill("#item-1 [name=body]", "Put right.")
    page.tap("#save-1")
    expect(item.locator(".prose")).to_have_text("Put right.")
    page.tap("#pin-1")
    expect(page.locator("#item-1.is-pinned")).to_be_visible()
    page.tap("#withdraw-2")
    expect(page.locator("#item-2.is-withdrawn")).to_be_visible()

    site.publish(event, "By somebody else.")
    expect(page.locator("#item-3")).to_contain_text("By somebody else.", timeout=PATIENCE_MS)
    bo = site.user("bo")
    waiting = site.do(lambda: event.submit(author=bo, body="May I?", needs_approval=True))
    assert waiting
    publish = page.locator("#queue").get_by_role("button", name="Publish", exact=True)
    publish.tap(timeout=PATIENCE_MS)
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#item-4")).to_contain_text("May I?")
    assert page.locator(THIS_RELEASE).count() == 0, "this is a page of this release"


def test_a_browser_with_the_former_release_s_worker_opens_the_desk_offline_after_the_upgrade(
    phone: Callable[..., BrowserContext], server: Callable[..., Site]
) -> None:
    site = server()
    ada = site.user("ada")
    event = site.event("The storm", author=ada)
    address = f"{site.url}/desk/{event.slug}/"
    page = phone("ada", site).new_page()
    site.stop()
    with former_release(site, event, ada.pk):
        page.goto(address)
        until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
        until(page, lambda: f"/desk/{event.slug}/" in page.evaluate(KEPT))
    page.reload()
    expect(page.locator("#seen")).to_be_visible()
    write(page, "Written with the former one.")
    expect(page.locator("#entries .entry")).to_have_count(1)

    before = set(page.evaluate("caches.keys()"))
    site.start()
    page.goto(address)
    expect_posted(page, site, event, "Written with the former one.")
    assert page.locator(THIS_RELEASE).count() == 1, "this is still the former page"
    # A browser looks for a newer worker when it likes: at this visit, the next one, or within a day.
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => null)")
    until(page, lambda: {name for name in page.evaluate("caches.keys()") if name.startswith("desk-files")} - before)
    until(page, lambda: page.evaluate(IS_UP_TO_DATE))
    page.reload()  # the new worker keeps the page
    expect(page.locator("#item-1")).to_be_visible()
    until(page, lambda: "item-1" in page.evaluate(KEPT_PAGES))
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#seen")).to_contain_text("Offline: showing the desk as it was at")
    expect(page.locator("#item-1")).to_be_visible()
    write(page, "Written with this one.")
    expect(page.locator("#entries .entry")).to_have_count(1)
    page.context.set_offline(False)
    expect_posted(page, site, event, "Written with the former one.", "Written with this one.")


@pytest.mark.parametrize("way", ["socket", "poll"])
def test_an_open_page_of_the_former_release_takes_what_this_one_sends(
    page: Page, server: Callable[..., Site], way: str
) -> None:
    site = server()
    event = site.event("The storm")
    if way == "poll":
        page.add_init_script("delete window.WebSocket")
    site.stop()
    with former_release(site, event):
        page.goto(site.page(event))
        expect(page.get_by_role("heading", name="The storm")).to_be_visible()
    site.start()
    hide(page)
    show(page)  # it asks at once
    until(page, lambda: is_ready(page) if way == "socket" else page.locator("[data-state=checking]").count())
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    first, second = site.publish(event, "One.", headline="Landfall"), site.publish(event, "Two.")
    expect_right(page, site, event)
    site.do(first.edit, headline="Landfall", body="One, put right.")
    site.do(first.mark_key)
    site.do(event.pin, update=second)
    expect_right(page, site, event)
    page.locator("#keys").get_by_text("Landfall").click()
    expect(page.locator("#update-1")).to_be_focused()
    site.do(second.withdraw)
    expect_right(page, site, event)
    assert numbers(page) == [1]
    site.publish(event, "Three.")
    page.click("#sort-oldest")
    until(page, lambda: numbers(page) == [1, 3])
    site.manage("reload_readers")
    catch_up(site, event)
    site.do(site.fresh(event).end)
    expect_right(page, site, event)
    assert page.locator(THIS_RELEASE).count() == 0, "this is a page of this release"
    assert errors == []
