"""Every reader's page: no accessibility violation, no sideways scrolling, little weight, no stranger called."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from liveblog.models import Event
from tests.browser.reading import catch_up, expect_accessible, open_page, until
from tests.server import Site

RICH = """A paragraph with **bold**, *italic*, `code` and a [link](https://example.org/).

> A quotation
> of two lines.

| Measure | Value |
|:--|--:|
| Altitude | 15,000 m |

1. One
2. Two

```python
print("a line of code that is rather long, so that it would widen the page if it were let to do so, would it not")
```
"""
WEIGHT_BYTES = 60_000
WIDTHS = (320, 390, 768, 1920, 1280)


@pytest.fixture(scope="module")
def crowded(lasting_site: Site) -> Event:
    """An event with cards in every state."""
    site = lasting_site
    event = site.event("An event with cards in every state", summary="In *short*, with [a link](https://example.org/).")

    def fill() -> None:
        author = event.authors.get()
        for number in range(1, 9):
            event.publish(
                author=author, headline=f"Headline {number}" if number % 2 else "", body=RICH, is_key=number < 5
            )
        edited, withdrawn, pinned = event.updates.filter(number__in=[2, 3, 4]).order_by("number")
        event.updates.filter(pk=edited.pk).update(posted_at=timezone.now() - timedelta(hours=1))
        edited.refresh_from_db()
        edited.edit(body=RICH + "\n\nEdited.")
        withdrawn.withdraw()
        event.pin(update=pinned)

    site.do(fill)
    return event


def addresses(site: Site, crowded: Event) -> dict[str, str]:
    """Return the reader's pages by what they show."""
    soon = timezone.now() + timedelta(days=1)
    return {
        "index": site.url + "/",
        "crowded": site.page(crowded),
        "oldest first": site.page(crowded, "?sort=oldest"),
        "empty": site.page(site.event("Empty")),
        "upcoming": site.page(site.event("Upcoming", status="upcoming", starts_at=soon)),
        "due": site.page(site.event("Due", status="upcoming", starts_at=timezone.now() - timedelta(hours=1))),
        "ended": site.page(site.event("Ended", status="ended", updates=3)),
        "update": f"{site.page(crowded)}updates/1/",
        "withdrawn": f"{site.page(crowded)}updates/3/",
        "missing": site.url + "/nowhere/",
        "refused": site.page(crowded, "?sort=sideways"),
        "login": site.url + "/accounts/login/",
    }


def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(
    page: Page, live_site: Site, crowded: Event
) -> None:
    for name, address in addresses(live_site, crowded).items():
        page.goto(address)
        if page.locator("#feed").count() and name != "ended":
            expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        expect_accessible(page, name)


def test_held_back_and_paused_states_have_no_violation_either(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)
    page.click("#pause")
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page.locator("#held")).to_be_visible()
    expect_accessible(page)


def test_the_page_can_be_used_by_keyboard_alone(page: Page, live_site: Site, crowded: Event) -> None:
    open_page(page, live_site, crowded)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    reached = set()
    while True:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
    assert {"pause", "check", "zone", "sort-newest", "sort-oldest", "jump-last", "permalink"} <= reached


def test_fifty_updates_weigh_at_most_sixty_kilobytes_and_call_no_stranger(page: Page, live_site: Site) -> None:
    event = live_site.event()
    text = "In words of about the length that authors write when they write of what they see before them. "

    def fill() -> None:
        author = event.authors.get()
        for number in range(50):
            body = "\n\n".join(f"Paragraph {number} {at}: {text}" for at in range(3))
            event.publish(author=author, headline=f"The headline of update {number}", body=body)

    live_site.do(fill)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    kinds: dict[str, str] = {}
    weights: dict[str, float] = {}
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    devtools.on("Network.responseReceived", lambda seen: kinds.update({seen["requestId"]: seen["type"]}))
    devtools.on("Network.loadingFinished", lambda seen: weights.update({seen["requestId"]: seen["encodedDataLength"]}))
    open_page(page, live_site, event)
    page.wait_for_load_state("networkidle")
    counted = dict.fromkeys(("Document", "Stylesheet", "Script"), 0.0)
    for request, weight in weights.items():
        if kinds.get(request) in counted:
            counted[kinds[request]] += weight
    assert all(counted.values()), counted
    assert sum(counted.values()) <= WEIGHT_BYTES, counted
    print(counted)
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{live_site.port}"}
    until(page, lambda: page.locator("article.update").count() == 50)
