"""What was posted without a network is sent by the service worker while no page can, and only then."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from liveblog.models import Event
from tests.browser.phones import BODY, bodies, outbox, write
from tests.browser.reading import until
from tests.browser.release import former_release
from tests.browser.test_composer import LIBRARY
from tests.server import Site

COPIES = """async () => {
  const opening = indexedDB.open('liveblog-outbox', 1);
  await new Promise((done) => { opening.onsuccess = done; });
  const stores = [...opening.result.objectStoreNames];
  const all = stores.map((name) => opening.result.transaction(name).objectStore(name).getAll());
  await Promise.all(all.map((one) => new Promise((done) => { one.onsuccess = done; })));
  opening.result.close();
  return Object.fromEntries(stores.map((name, at) => [name, all[at].result]));
}"""


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's."""
    return live_site.event(author=live_site.user("ada"))


@pytest.fixture
def context(phone: Callable[..., BrowserContext], live_site: Site) -> BrowserContext:
    """Ada's phone."""
    return phone("ada", live_site)


def open_desk(context: BrowserContext, site: Site, event: Event) -> Page:
    """Open the desk until its worker can take over from it."""
    page = context.new_page()
    page.goto(f"{site.url}/desk/{event.slug}/")
    until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    until(page, lambda: len(page.evaluate(COPIES)["pages"]) > 0)
    return page


def post_offline(context: BrowserContext, page: Page, text: str) -> None:
    """Post without a network, and put the phone into a pocket where the page is forgotten."""
    context.set_offline(True)
    write(page, text)
    until(page, lambda: [copy for copy in page.evaluate(COPIES)["copies"] if "Text" in copy["fields"]])


def wake_worker(context: BrowserContext, site: Site) -> Page:
    """Have the browser tell the worker that the network is back, as it does within seconds; return a reader's page."""
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"{site.url}/")
    found: list[str] = []
    session = context.new_cdp_session(page)
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    session.send("ServiceWorker.enable")
    until(page, lambda: found)
    told = {"origin": site.url, "registrationId": found[0], "tag": "outbox", "lastChance": False}
    session.send("ServiceWorker.dispatchSyncEvent", told)
    return page


def test_what_was_posted_offline_is_sent_without_a_page_and_is_out_of_the_outbox_when_one_comes(
    context: BrowserContext, live_site: Site, event: Event, tmp_path: Path
) -> None:
    Image.new("RGB", (400, 300), "teal").save(tmp_path / "photo.png")
    page = open_desk(context, live_site, event)
    context.set_offline(True)
    page.set_input_files(LIBRARY, [str(tmp_path / "photo.png")])
    expect(page.locator(".shot-state")).to_have_text("")
    post_offline(context, page, "Text with a photo")
    post_offline(context, page, "Text two")
    expect(page.locator(".entry").first).to_contain_text("It is sent when that is back")
    page.close()
    reader = wake_worker(context, live_site)
    until(reader, lambda: bodies(live_site, event) == ["Text with a photo", "Text two"])
    assert len(live_site.updates(event)[0].photos) == 1
    page = open_desk(context, live_site, event)
    until(page, lambda: not outbox(page))
    until(page, lambda: page.evaluate(COPIES)["notes"] == [])
    assert bodies(live_site, event) == ["Text with a photo", "Text two"]


def test_what_was_taken_back_is_not_sent(context: BrowserContext, live_site: Site, event: Event) -> None:
    page = open_desk(context, live_site, event)
    post_offline(context, page, "Text one")
    post_offline(context, page, "Text two")
    page.locator(".entry [data-act=edit]").first.tap()
    expect(page.locator(BODY)).to_have_value("Text one")
    page.close()
    reader = wake_worker(context, live_site)
    until(reader, lambda: bodies(live_site, event) == ["Text two"])
    page = open_desk(context, live_site, event)
    expect(page.locator(BODY)).to_have_value("Text one")
    until(page, lambda: not outbox(page))
    assert bodies(live_site, event) == ["Text two"]


def test_what_has_waited_long_gets_the_time_it_was_written_by_one_tap(
    context: BrowserContext, live_site: Site, event: Event
) -> None:
    page = open_desk(context, live_site, event)
    post_offline(context, page, "Text of half an hour ago")
    button = page.get_by_role("button", name="Give it the time it was written")
    expect(button).to_be_hidden()
    written_at = page.evaluate(
        """() => {
            const name = Object.keys(localStorage).find((one) => one.includes('outbox:'));
            const entry = JSON.parse(localStorage[name]);
            entry.written_at -= 1_800_000;
            localStorage[name] = JSON.stringify(entry);
            window.dispatchEvent(new Event('offline'));  // the outbox is shown anew
            return entry.written_at / 1000;
        }"""
    )
    button.tap()
    expect(page.locator(".entry")).to_contain_text("with the time")
    context.set_offline(False)
    until(page, lambda: bodies(live_site, event) == ["Text of half an hour ago"])
    assert abs(live_site.updates(event)[0].published_at.timestamp() - written_at) < 2


def test_what_is_refused_meanwhile_says_why_when_a_page_comes(
    context: BrowserContext, live_site: Site, event: Event
) -> None:
    page = open_desk(context, live_site, event)
    page.locator(".more-fields summary").tap()
    page.evaluate("document.getElementById('composer').dataset.earliest = ''")  # this page asks nothing
    page.fill("#composer [name=at]", "2021-02-03T13:05")
    post_offline(context, page, "Text of long ago")
    page.close()
    reader = wake_worker(context, live_site)
    until(reader, lambda: reader.evaluate(COPIES)["notes"])
    page = open_desk(context, live_site, event)
    expect(page.locator(".entry[data-state=refused]")).to_contain_text("far from this event")
    assert bodies(live_site, event) == []


def test_what_a_page_of_the_former_release_took_back_is_not_sent(
    phone: Callable[..., BrowserContext], server: Callable[..., Site]
) -> None:
    site = server()
    event = site.event("The storm", author=site.user("ada"))
    context = phone("ada", site)
    former = context.new_page()
    site.stop()
    with former_release(site, event, site.user("ada").pk):
        former.goto(f"{site.url}/desk/{event.slug}/")
        expect(former.locator(BODY)).to_be_visible()
    site.start()
    page = open_desk(context, site, event)
    post_offline(context, page, "Text")
    page.close()
    former.locator(".entry [data-act=edit]").tap()
    expect(former.locator(BODY)).to_have_value("Text")
    reader = wake_worker(context, site)
    reader.wait_for_timeout(1_000)
    assert bodies(site, event) == [], "the page that took it back knows nothing of copies"
    assert not reader.evaluate(COPIES)["copies"][0].get("begun_at")
    former.close()
    page = open_desk(context, site, event)
    until(page, lambda: page.evaluate(COPIES)["copies"] == [])
    assert bodies(site, event) == []
