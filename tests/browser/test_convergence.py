"""After any order of changes and cuts, pages open in both orders are what they should be."""

import random

import pytest
from playwright.sync_api import BrowserContext

from liveblog.models import Event
from tests.browser.proxy import Proxy
from tests.browser.reading import expect_right, is_ready, open_page, until
from tests.server import Site

STEPS = 40


def change(site: Site, event: Event, choose: random.Random) -> str:
    """Make one change of some kind and return its name."""
    updates = site.do(lambda: list(Event.objects.get(pk=event.pk).updates.all()))
    visible = [update for update in updates if not update.withdrawn_at]
    gone = [update for update in updates if update.withdrawn_at]
    kinds = ["publish"] * 4 + ["title", "status"]
    if visible:
        kinds += ["edit"] * 3 + ["withdraw", "withdraw", "move", "pin", "key"]
    if gone:
        kinds += ["restore"] * 2
    kind = choose.choice(kinds)
    if kind == "publish":
        site.publish(event, f"New {choose.random()}.\n\nAnd more.", is_key=choose.random() < 0.3)
    elif kind == "edit":
        site.do(choose.choice(visible).edit, body=f"Edited {choose.random()}.\n\nAnd more.")
    elif kind == "withdraw":
        site.do(choose.choice(visible).withdraw)
    elif kind == "restore":
        site.do(choose.choice(gone).restore)
    elif kind == "move":
        site.do(choose.choice(visible).move, published_at=choose.choice(visible).published_at)
    elif kind == "pin":
        site.do(event.pin, update=choose.choice(visible)) if choose.random() < 0.7 else site.do(event.unpin)
    elif kind == "key":
        site.do(choose.choice(visible).mark_key, is_key=choose.random() < 0.6)
    elif kind == "title":
        site.do(event.revise, title=f"Title {choose.randrange(1000)}")
    elif kind == "status":
        site.do(event.reopen if site.fresh(event).status == "ended" else event.end)
    return kind


@pytest.mark.parametrize("seed", [11, 1969])
def test_pages_in_both_orders_end_up_right_whatever_happens(
    context: BrowserContext, live_site: Site, seed: int
) -> None:
    choose = random.Random(seed)
    event = live_site.event(updates=60)
    with Proxy(live_site.port) as proxy:
        pages = [context.new_page() for _ in range(3)]
        queries = ["?sort=newest", "?sort=oldest", "?sort=newest&around=20"]
        address = live_site.page(event).replace(str(live_site.port), str(proxy.port))
        for page, query in zip(pages, queries, strict=True):
            page.goto(address + query)
        for step in range(STEPS):
            change(live_site, event, choose)
            if step % 10 == 3:
                proxy.cut()
            elif step % 10 == 6:
                proxy.mend()
            page = choose.choice(pages)
            edge = choose.choice(["#edge-top a", "#edge-bottom a"])
            if choose.random() < 0.2:  # in one step: it may go at any moment
                page.evaluate("(edge) => document.querySelector(edge)?.click()", edge)
            if choose.random() < 0.2:
                page.evaluate(f"scrollTo(0, {choose.randrange(3000)})")
        proxy.mend()
        if live_site.fresh(event).status == "ended":
            live_site.do(event.reopen)
        live_site.publish(event, "The last word.")
        for page in pages:
            until(page, lambda page=page: is_ready(page) or page.click("#check"))
            expect_right(page, live_site, event)


def test_an_open_page_follows_an_event_through_its_whole_life(context: BrowserContext, live_site: Site) -> None:
    event = live_site.event(status="upcoming", updates=1)
    newest, oldest = context.new_page(), context.new_page()
    open_page(newest, live_site, event, "?sort=newest")
    open_page(oldest, live_site, event, "?sort=oldest")
    live_site.do(event.go_live)
    for _ in range(3):
        live_site.publish(event)
    live_site.do(live_site.updates(event)[1].withdraw)
    live_site.do(event.end)
    for page in (newest, oldest):
        expect_right(page, live_site, event)
    live_site.do(event.reopen)
    live_site.publish(event, "Not over after all.")
    for page in (newest, oldest):
        until(page, lambda page=page: is_ready(page) or page.click("#check"))
        expect_right(page, live_site, event)
