"""What an open page should be, and waiting until it is."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Error, Page

from liveblog.models import Event, Place
from tests.server import Site

PATIENCE_SECONDS = 60.0
LONGEST_PAUSE_MS = 100.0
FAR_AHEAD = 2**53 - 1
"""The greatest revision that a page can have."""

# What a root looks like without what the page's scripts do to times, with its attributes in one order.
PLAIN = """(root) => {
  const copy = root.cloneNode(true);
  for (const time of copy.querySelectorAll('time')) time.textContent = time.dataset.home ?? time.textContent;
  for (const element of [copy, ...copy.querySelectorAll('*')]) {
    for (const name of ['title', 'data-home', 'data-home-title', 'open']) element.removeAttribute(name);
    const kept = element.getAttributeNames().sort().map((name) => [name, element.getAttribute(name)]);
    for (const [name] of kept) element.removeAttribute(name);
    for (const [name, value] of kept) element.setAttribute(name, value);
  }
  return copy.outerHTML;
}"""

AXE = """async ([within, rules]) => {
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  const { violations } = await axe.run(within ?? document, options);
  return { violations };
}"""
COLOUR_RULES = ["color-contrast", "link-in-text-block"]

STATE = """() => {
  const feed = document.getElementById('feed');
  return feed && {
    ...feed.dataset,
    cards: [...document.querySelectorAll('#cards > article')].map((card) => ({
      number: Number(card.dataset.number),
      revision: Number(card.dataset.revision),
      headline: card.querySelector('h3').textContent,
      body: card.querySelector('.prose').innerHTML,
      isHeld: 'held' in card.dataset,
    })),
  };
}"""

HEADS = f"""(html) => {{
  const plain = {PLAIN};
  const newcomer = new DOMParser().parseFromString(html, 'text/html');
  return [document, newcomer].map((page) => [...page.querySelectorAll('[data-head]')].map(plain));
}}"""


SAID = """() => {
  const line = document.getElementById('announcement');
  window.said = [];
  const note = () => line.textContent && said.push(line.textContent);
  new MutationObserver(note).observe(line, { childList: true });
}"""


def listen(page: Page) -> Callable[[], list[str]]:
    """Return what tells all that screen readers are told from now on: each of it stands there for a moment only."""
    page.evaluate(SAID)
    return lambda: page.evaluate("window.said")


def state(page: Page) -> dict[str, Any]:
    """Return what the page shows."""
    found: dict[str, Any] = page.evaluate(STATE)
    return found


def numbers(page: Page, *, held: bool | None = None) -> list[int]:
    """Return the numbers of the cards from the top down; only held ones, or only shown ones, if asked."""
    return [card["number"] for card in state(page)["cards"] if held is None or card["isHeld"] == held]


def until(page: Page, condition: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until ``condition`` returns something true, letting the browser work meanwhile."""
    ends_at = time.monotonic() + seconds
    pause_ms = 10.0
    while True:
        try:
            found = condition()
        except Error as error:  # the page is being loaded anew
            if "Execution context was destroyed" not in str(error):
                raise
            found = None
        if found:
            return found
        if time.monotonic() > ends_at:
            line = page.locator("#connection")
            stands = line.text_content() if line.count() else "no feed"
            raise AssertionError(f"waited {seconds} s in vain, {stands!r}")
        page.wait_for_timeout(pause_ms)
        pause_ms = min(LONGEST_PAUSE_MS, 1.5 * pause_ms)  # who waits leaves the machine to those who work


def catch_up(site: Site, event: Event) -> None:
    """Have the server know what ``site.do`` changed, now instead of within the second after which it looks by itself.

    A page that is ahead of the server makes it look, and is answered when it has seen: so is this one question.
    """
    now = site.do(Event.objects.filter(pk=event.pk).first)
    site.get(site.changes(now or event, now.revision if now else FAR_AHEAD))


def is_ready(page: Page) -> bool:
    """Whether the page has its socket."""
    return page.locator("#connection[data-socket=open]").count() > 0


def set_clock(page: Page, *, minutes: int) -> None:
    """Set the device's clock forward or back, as its owner or the network may; no time passes."""
    page.clock.set_system_time(page.evaluate("Date.now()") / 1000 + minutes * 60)


def open_page(page: Page, site: Site, event: Event, query: str = "") -> None:
    """Open an event as a newcomer and wait until it is connected."""
    page.goto(site.page(event, query))
    if event.status != "ended":
        until(page, lambda: is_ready(page))


def wrongs(page: Page, site: Site, event: Event) -> list[str]:
    """Return in what the page differs from what docs/protocol.md promises."""
    shown = state(page)
    now = site.fresh(event)
    oldest = Place.parse(shown["oldest"]) if shown["oldest"] else None
    newest = Place.parse(shown["newest"]) if shown["newest"] else None
    right = [
        {
            "number": update.number,
            "revision": update.revision,
            "headline": update.headline or f"Update {update.number}",
            "body": update.body_html,
        }
        for update in site.updates(event)
        if (oldest is None or oldest <= update.place) and (newest is None or update.place <= newest)
    ]
    if shown["order"] == "newest":
        right.reverse()
    found = [{name: card[name] for name in ("number", "revision", "headline", "body")} for card in shown["cards"]]
    head, newcomers = page.evaluate(HEADS, site.get(site.page(event)).text)
    return [
        text
        for is_wrong, text in (
            (found != right, f"cards: {found} instead of {right}"),
            (head != newcomers, f"head: {head} instead of {newcomers}"),
            (int(shown["revision"]) != now.revision, f"revision {shown['revision']} instead of {now.revision}"),
        )
        if is_wrong
    ]


def expect_right(page: Page, site: Site, event: Event, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the page has the event's revision, then hold it against the promise."""
    catch_up(site, event)
    until(page, lambda: int(state(page)["revision"]) >= site.fresh(event).revision, seconds=seconds)
    # A page that has just loaded a part of the stream, read earlier, asks once more.
    until(page, lambda: not wrongs(page, site, event), seconds=seconds)


def expect_accessible(
    page: Page, name: str = "", *, within: str | None = None, schemes: Sequence[str] = ("light", "dark")
) -> None:
    """Hold a page, as it stands, against axe's rules; in a second scheme only against those about colours."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for scheme in schemes:
        rules = None if scheme == schemes[0] else COLOUR_RULES
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = AxeResults(page.evaluate(AXE, [within, rules]))
        assert found.violations_count == 0, f"{name or page.url} in {scheme}: {found.generate_report()}"
