"""Pages of another release than the service's: loaded anew when their readers rest, offered before, never in a loop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from liveblog.models import Event
from tests.browser.hosts import Host, frame_in, serving
from tests.browser.phones import BODY, phones
from tests.browser.reading import expect_accessible, expect_right, is_ready, numbers, open_page, until
from tests.browser.test_following import COUNT_POLLS
from tests.browser.test_network import hide
from tests.browser.test_place import LONG, read_in_the_middle, top_of
from tests.server import ROOT, Site
from tests.test_release import copy_program

FORMER = "0123456789ab"
SPREAD_MS = 121_000
"""Pages wait no longer before they load themselves, or offer it."""
OFFER = "#newer p"
STYLE_MARK = "getComputedStyle(document.documentElement).getPropertyValue('--is-next')"


class FormerPages:
    """Has documents say that they are of another release, as those from a process that was not replaced yet do."""

    def __init__(self, context: BrowserContext, path: str) -> None:
        self._context = context
        self._path = path
        self.loads = 0
        context.on("request", self._count)
        context.route(self._is_ours, self._answer)

    def end(self) -> None:
        """From now on every document is of this release."""
        self._context.unroute(self._is_ours, self._answer)

    def _is_ours(self, address: str) -> bool:
        return address.split("?")[0].split("#")[0].endswith(self._path)

    def _count(self, request: Request) -> None:
        self.loads += request.is_navigation_request() and self._is_ours(request.url)

    def _answer(self, route: Route) -> None:
        if route.request.is_navigation_request():
            answer = route.fetch()
            release = answer.text().split('data-release="')[1].split('"')[0]
            route.fulfill(response=answer, body=answer.text().replace(release, FORMER))
        else:
            route.fallback()


@contextmanager
def former_answers(page: Page, *, every: int = 1) -> Iterator[list[str]]:
    """Have every so manieth poll answered by a process of the other release; lists all polls."""
    polls: list[str] = []

    def answer(route: Route) -> None:
        polls.append(route.request.url)
        found = route.fetch()
        route.fulfill(response=found, headers=found.headers | ({"release": FORMER} if len(polls) % every == 0 else {}))

    page.route("**/changes/*", answer)
    yield polls
    page.unroute("**/changes/*", answer)


def open_former(page: Page, site: Site, event: Event, query: str = "") -> FormerPages:
    """Open an event's page of another release; its clock stands still but for what tests add.

    It lives on polls: browsers refuse sockets to this machine to a document that came from the test.
    """
    page.clock.install()
    former = FormerPages(page.context, f"/events/{event.slug}/")
    page.goto(site.page(event, query))
    expect(page.locator("#connection")).to_have_attribute("data-state", "checking")
    return former


def wait(page: Page, condition: Callable[[], object]) -> None:
    """Let the page's time pass until this is so."""
    until(page, lambda: condition() or page.clock.run_for(6_000))


def wait_in_vain(page: Page) -> None:
    """Let more time pass than a page waits that has just heard of the release."""
    for _ in range(SPREAD_MS // 6_000 + 2):
        page.clock.run_for(6_000)
        page.wait_for_timeout(20)  # for answers, which take real time


def is_this_release(page: Page) -> bool:
    return page.locator(f"html[data-release]:not([data-release='{FORMER}'])").count() > 0


def test_pages_take_up_the_next_release_and_the_one_before_when_that_comes_back(
    page: Page, server: Callable[..., Site], tmp_path: Path
) -> None:
    site = server()
    event = site.event(updates=2)
    page.clock.install()
    open_page(page, site, event)
    first = page.locator("html").get_attribute("data-release")
    next_release = tmp_path / "next"
    next_release.mkdir()
    copy_program(next_release)
    with (next_release / "static" / "css" / "site.css").open("a") as style:
        style.write(":root { --is-next: yes; }")

    def takes_up(root: Path, mark: str) -> None:
        site.root = root
        site.restart()
        site.publish(event)
        wait(page, lambda: is_ready(page) and page.evaluate(STYLE_MARK) == mark)
        expect_right(page, site, event)

    names = site.data_dir / "static" / "staticfiles.json"
    former_names = names.read_bytes()
    site.root = next_release
    site.manage("collectstatic", "--noinput", "--verbosity=0")
    takes_up(next_release, "yes")
    assert page.locator("html").get_attribute("data-release") != first
    names.write_bytes(former_names)  # as collectstatic would in some seconds: the files are still there
    takes_up(ROOT, "")
    assert page.locator("html").get_attribute("data-release") == first


def test_a_page_at_its_top_loads_itself_anew_and_is_right(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=3)
    former = open_former(page, live_site, event, "?sort=newest")
    former.end()
    assert former.loads == 1
    wait(page, lambda: former.loads == 2)
    until(page, lambda: is_this_release(page) and is_ready(page))
    expect(page.locator(OFFER)).to_be_hidden()
    live_site.publish(event)
    expect_right(page, live_site, event)
    wait_in_vain(page)
    assert former.loads == 2


def test_whoever_reads_on_is_offered_it_and_finds_the_place_again(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for _ in range(60):
        live_site.publish(event, LONG)
    former = open_former(page, live_site, event)
    page.click("#sort-oldest")
    until(page, lambda: numbers(page)[0] == 1)
    page.locator("#edge-bottom .more").click()
    until(page, lambda: len(numbers(page)) > 40)
    until(page, lambda: page.evaluate("document.activeElement.id"))  # what came has the focus
    read_in_the_middle(page, 38)
    top, focused = top_of(page, 38), page.evaluate("document.activeElement.id")
    former.end()
    wait(page, lambda: page.locator(OFFER).is_visible())
    assert former.loads == 1
    assert page.locator("#newer").get_attribute("role") == "status"
    assert page.evaluate("document.activeElement.id") == focused
    assert top_of(page, 38) == top, "it moves nothing"
    expect_accessible(page)

    page.locator("#newer [name=load]").focus()
    page.keyboard.press("Enter")
    until(page, lambda: former.loads == 2 and is_this_release(page) and is_ready(page))
    until(page, lambda: abs(top_of(page, 38) - top) < 2)
    assert page.locator("#feed").get_attribute("data-order") == "oldest"
    expect(page.locator(OFFER)).to_be_hidden()
    expect_right(page, live_site, event)
    assert abs(top_of(page, 38) - top) < 2


def test_a_hidden_page_is_loaded_anew_at_its_place_whatever_its_address_names(page: Page, live_site: Site) -> None:
    event = live_site.event()
    for _ in range(12):
        live_site.publish(event, LONG)
    former = open_former(page, live_site, event, "#update-3")
    expect(page.locator("#update-3")).to_be_focused()
    read_in_the_middle(page, 7)
    top = top_of(page, 7)
    former.end()
    hide(page)
    wait(page, lambda: former.loads == 2)
    until(page, lambda: is_this_release(page) and is_ready(page))
    until(page, lambda: abs(top_of(page, 7) - top) < 2)
    expect(page.locator("#update-3")).not_to_be_focused()


BEGUN: dict[str, tuple[str, bool]] = {
    "select": ("getSelection().selectAllChildren(document.querySelector('#update-1 .prose'))", True),
    "unfold": ("document.querySelector('#pinned summary').click()", True),
    "pause": ("document.getElementById('pause').click()", False),
    "play": ("document.querySelector('#update-3 .player-front').click()", False),
    "open a dialog": ("document.querySelector('.embed-link').click()", False),
}
"""What a reader at the top may have begun, as a script, and whether a hidden page may be loaded anew for all that."""


@pytest.mark.parametrize("begun", BEGUN)
def test_nothing_that_a_reader_has_begun_is_lost(page: Page, live_site: Site, begun: str) -> None:
    page.context.route("https://**", lambda route: route.fulfill(content_type="text/html", body="A player"))
    event = live_site.event()
    pinned = live_site.publish(event, LONG)
    live_site.do(event.pin, update=pinned)
    live_site.publish(event, "Two")
    live_site.publish(event, "https://youtu.be/dQw4w9WgXcQ")
    former = open_former(page, live_site, event)
    former.end()
    script, may_be_hidden = BEGUN[begun]
    page.evaluate(script)
    if begun == "open a dialog":
        expect(page.locator("dialog[open]")).to_be_visible()
    wait(page, lambda: page.locator(OFFER).is_visible())
    wait_in_vain(page)
    assert former.loads == 1
    hide(page)
    if may_be_hidden:
        until(page, lambda: former.loads == 2)
    else:
        wait_in_vain(page)
        assert former.loads == 1


def test_a_page_that_gets_the_former_document_again_is_not_loaded_in_a_loop(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    former = open_former(page, live_site, event)
    wait(page, lambda: former.loads == 2)
    expect(page.locator("#connection")).to_have_attribute("data-state", "checking")
    wait(page, lambda: page.locator(OFFER).is_visible())
    wait_in_vain(page)
    assert former.loads == 2
    page.locator("#newer [name=later]").click()
    expect(page.locator(OFFER)).to_be_hidden()
    wait_in_vain(page)
    expect(page.locator(OFFER)).to_be_hidden()
    former.end()
    page.reload()
    until(page, lambda: is_this_release(page) and is_ready(page))


def test_no_page_is_given_up_while_there_is_no_network_or_no_document_in_its_place(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    former = open_former(page, live_site, event)
    former.end()
    fetched: list[str] = []

    def refuse(route: Route) -> None:
        fetched.append(route.request.url)
        route.fulfill(status=503, body="Very many are here just now") if len(fetched) > 1 else route.abort()

    page.route(live_site.page(event), refuse)
    wait(page, lambda: len(fetched) == 2)
    assert former.loads == 1
    page.unroute(live_site.page(event), refuse)
    wait(page, lambda: former.loads == 2)
    until(page, lambda: is_this_release(page) and is_ready(page))


def test_while_processes_of_both_releases_answer_nothing_is_loaded(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=2)
    page.add_init_script(COUNT_POLLS)
    former = open_former(page, live_site, event)
    former.end()
    page.evaluate("Math.random = () => 0.5")  # a page may be due at once
    with former_answers(page, every=2) as polls:
        while len(polls) < 60:  # five minutes
            answered = page.evaluate("window.polls")
            page.clock.run_for(6_000)
            until(page, lambda answered=answered: page.evaluate("window.polls") > answered)
        assert former.loads == 1
        expect(page.locator(OFFER)).to_be_hidden()
    wait(page, lambda: former.loads == 2)


@pytest.mark.parametrize("path", ["/", "/events/{}/updates/1/"])
def test_the_list_and_the_page_of_one_update_load_themselves_anew_too(page: Page, live_site: Site, path: str) -> None:
    event = live_site.event(updates=1)
    path = path.format(event.slug)
    page.clock.install()
    former = FormerPages(page.context, f"{live_site.port}/" if path == "/" else path)
    page.goto(live_site.url + path)
    former.end()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('main'))")
    until(page, lambda: page.locator(OFFER).is_visible() or page.clock.run_for(61_000))
    assert former.loads == 1
    page.evaluate("getSelection().empty()")
    until(page, lambda: former.loads == 2 or page.clock.run_for(61_000))
    until(page, lambda: is_this_release(page))


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A publisher's site."""
    with serving() as host:
        yield host


def test_a_frame_on_another_site_loads_itself_anew_once(page: Page, host: Host, live_site: Site) -> None:
    event = live_site.event(updates=3)
    page.clock.install()
    former = FormerPages(page.context, f"/events/{event.slug}/embed/")
    page.goto(host.article(f'<iframe src="{live_site.page(event)}embed/" width="600" height="500"></iframe>'))
    frame_in(page, "/embed/")
    wait(page, lambda: former.loads == 2)
    frame = frame_in(page, "/embed/")
    wait(page, lambda: frame.locator(OFFER).is_visible())
    wait_in_vain(page)
    assert former.loads == 2
    former.end()
    frame.locator("#newer [name=load]").click()
    until(page, lambda: former.loads == 3)
    frame = frame_in(page, "/embed/")
    wait_in_vain(page)
    expect(frame.locator(OFFER)).to_be_hidden()
    assert former.loads == 3
    expect(page.locator("#after")).to_be_visible()


def test_a_frame_in_a_sandbox_which_remembers_nothing_only_offers_it(page: Page, host: Host, live_site: Site) -> None:
    event = live_site.event(updates=3)
    page.clock.install()
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    address = f"{live_site.page(event)}embed/"
    page.goto(host.article(f'<iframe src="{address}" width="600" height="500" sandbox="allow-scripts"></iframe>'))
    frame = frame_in(page, "/embed/")
    with former_answers(page):
        wait(page, lambda: frame.locator(OFFER).is_visible())
        wait_in_vain(page)
        assert loads[1:] == [address]
        frame.locator("#newer [name=load]").click()
        until(page, lambda: loads[1:] == [address, address])
    frame = frame_in(page, "/embed/")
    wait_in_vain(page)
    expect(frame.locator(OFFER)).to_be_hidden()


def test_the_desk_is_never_loaded_anew_over_what_is_written_or_unsent(
    browser: Browser, server: Callable[..., Site]
) -> None:
    site = server()
    event = site.event(author=site.user("ada"), updates=2)
    with phones(browser) as make:
        context = make("ada", site, service_workers="block")
        page = context.new_page()
        page.clock.install()
        former = FormerPages(context, f"/desk/{event.slug}/")
        page.goto(f"{site.url}/desk/{event.slug}/")
        former.end()
        page.fill(BODY, "I am still writing")
        wait(page, lambda: page.locator(OFFER).is_visible())
        expect(page.locator(BODY)).to_be_focused()
        expect_accessible(page)
        hide(page)
        wait_in_vain(page)
        assert former.loads == 1
        page.route("**/updates/", lambda route: route.abort())
        page.tap("#composer .post")
        expect(page.locator("#entries .entry")).to_have_count(1)
        page.locator(BODY).blur()
        wait_in_vain(page)
        assert former.loads == 1
        page.unroute("**/updates/")
        wait(page, lambda: former.loads == 2)
        assert [update.body for update in site.updates(event)][2:] == ["I am still writing"]
        until(page, lambda: is_this_release(page))
