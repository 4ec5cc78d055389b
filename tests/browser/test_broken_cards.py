"""A card that can't be drawn leaves an empty place on an open page; what comes after it, and the mended one, arrive."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from playwright.sync_api import Page, WebSocket, expect

from liveblog.models import Event, Update
from tests.browser.phones import sign_in
from tests.browser.reading import until
from tests.server import Site, publish

WORDS = "This update can’t be shown right now."


def publish_broken(event: Event) -> Update:
    """Publish an update whose photo has no widths, so that nobody ever meets it whole."""
    with transaction.atomic():
        update = publish(event, "Two is whole again.")
        keep(update, [{"name": "0" * 32, "width": 800, "height": 600, "alt": ""}])
    return update


def keep(update: Update, photos: list[object]) -> None:
    """Write photos past the model."""
    Update.objects.filter(pk=update.pk).update(photos=photos)


def by_command(site: Site, update: Update) -> None:
    site.manage("reload_readers")


def by_edit(site: Site, update: Update) -> None:
    site.do(update.edit, is_key=True)


@pytest.mark.parametrize("bring", [by_command, by_edit])
@pytest.mark.parametrize("where", ["", "embed/"])
def test_three_arrives_after_a_broken_two_and_two_when_it_is_mended(
    page: Page, live_site: Site, bring: Callable[[Site, Update], None], where: str
) -> None:
    event = live_site.event(updates=1)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(live_site.page(event, where))
    expect(page.locator("#connection")).to_have_attribute("data-socket", "open")
    two = live_site.do(publish_broken, event)
    if where:  # a frame always holds back what is new
        page.click("#held")
    expect(page.locator("#update-2")).to_contain_text(WORDS)
    expect(page.locator("#update-2")).to_be_visible()
    live_site.publish(event, "Three arrives.")
    expect(page.locator("#update-3")).to_contain_text("Three arrives.")
    assert numbers_by_id(page) == [3, 2, 1]
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    assert page.locator("#cards > .day").count() == 1
    live_site.do(keep, two, [])
    bring(live_site, two)
    expect(page.locator("#update-2")).to_contain_text("Two is whole again.")
    expect(page.locator("#update-2")).not_to_contain_text(WORDS)
    assert numbers_by_id(page) == [3, 2, 1]
    assert not errors


def numbers_by_id(page: Page) -> list[int]:
    """The numbers of the cards from the top down, whole and empty ones."""
    ids = page.locator("#cards > article").evaluate_all("cards => cards.map(card => card.id)")
    return [int(name.removeprefix("update-")) for name in ids]


def test_the_desk_shows_the_empty_place_and_why_and_the_mended_one(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    live_site.user("ada")
    sign_in(page, live_site.url, "ada")
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    two = live_site.do(publish_broken, event)
    item = page.locator("#item-2")
    expect(item).to_contain_text(WORDS)
    expect(item).to_contain_text("photo 1 lacks widths")
    live_site.publish(event, "Three arrives.")
    expect(page.locator("#item-3")).to_contain_text("Three arrives.")
    live_site.do(keep, two, [])
    live_site.manage("reload_readers")
    expect(item).to_contain_text("Two is whole again.")
    expect(item).not_to_contain_text("Readers see an empty place")


def test_a_page_never_says_that_all_is_well_while_its_event_can_not_be_read(page: Page, live_site: Site) -> None:
    """A time that no calendar has makes the reading fail as a whole, for longer than a check may fail."""
    event = live_site.event(updates=1)
    page.goto(live_site.page(event))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.evaluate(WATCH)
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    two = live_site.do(publish_unreadable, event)
    until(page, lambda: "offline" in page.evaluate("window.said"), seconds=120)
    assert not sockets, "the one it has is still there"
    said = page.evaluate("window.said")
    unwell = said.index("reconnecting")
    assert set(said[unwell:]) <= {"reconnecting", "offline"}
    live_site.do(set_time, two, f"{two.published_at:%Y-%m-%d %H:%M:%S.%f}")
    expect(page.locator("#update-2")).to_contain_text("Two is whole again.", timeout=120_000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=120_000)


WATCH = """() => {
  const line = document.getElementById("connection");
  window.said = [];
  new MutationObserver(() => said.push(line.dataset.state)).observe(line, { attributeFilter: ["data-state"] });
}"""


def publish_unreadable(event: Event) -> Update:
    with transaction.atomic():
        update = publish(event, "Two is whole again.")
        set_time(update, "2026-13-45 00:00:00")
    return update


def set_time(update: Update, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE liveblog_update SET published_at = %s WHERE id = %s", [text, update.pk])
