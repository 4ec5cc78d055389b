"""A page that was cut off, asleep or fed by a dead connection is right again, and says how it stands."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.proxy import Proxy
from tests.browser.reading import catch_up, expect_right, is_ready, numbers, open_page, set_clock, until
from tests.server import Site


class Through:
    """A site reached through a proxy."""

    def __init__(self, site: Site, proxy: Proxy) -> None:
        self.proxy = proxy
        self._site = site

    def __getattr__(self, name: str) -> object:
        return getattr(self._site, name)

    def page(self, event: object, query: str = "") -> str:
        """Return the event's address on the proxy."""
        return self._site.page(event, query).replace(str(self._site.port), str(self.proxy.port))


@pytest.fixture
def far(live_site: Site) -> Iterator[Through]:
    """The shared site behind a proxy."""
    with Proxy(live_site.port) as proxy:
        yield Through(live_site, proxy)


MINUTE_MS = 61_000
"""After this every try that a page had put off is made. Pages have clocks of their own here: no test waits for one."""


def start_anew(page: Page, far: Through) -> None:
    """Leave the page with two connections, its socket's and one for polls.

    Those over which it was loaded would be tried one after the other, each until a poll on it is given up.
    """
    opened = far.proxy.opened
    far.proxy.reset()
    until(page, lambda: far.proxy.opened >= opened + 2 and is_ready(page))
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_a_page_that_was_cut_off_says_so_and_is_right_again(page: Page, far: Through, live_site: Site) -> None:
    event = live_site.event(updates=2)
    page.clock.install()
    open_page(page, far, event)
    far.proxy.cut()
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    live_site.publish(event, "While nobody listened.")
    live_site.do(live_site.updates(event)[0].withdraw)
    far.proxy.mend()
    page.clock.fast_forward(MINUTE_MS)
    expect_right(page, live_site, event)
    until(page, lambda: is_ready(page))
    live_site.publish(event)
    expect_right(page, live_site, event)


def test_a_half_open_socket_is_found_by_the_next_poll_and_renewed(page: Page, far: Through, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, far, event)
    start_anew(page, far)
    far.proxy.swallow_old()
    live_site.publish(event)
    catch_up(live_site, event)
    opened = far.proxy.opened
    with page.expect_request("**/changes/?*"):  # on a connection that was swallowed with the socket
        page.clock.fast_forward(MINUTE_MS)
    assert numbers(page) == [1]
    page.clock.fast_forward(9_000)  # without a byte for eight seconds it is given up
    until(page, lambda: numbers(page) == [2, 1])
    until(page, lambda: far.proxy.opened > opened + 1 and is_ready(page))
    live_site.publish(event)
    catch_up(live_site, event)
    until(page, lambda: numbers(page) == [3, 2, 1])
    expect_right(page, live_site, event)


def test_a_network_that_swallows_everything_is_noticed_and_survived(page: Page, far: Through, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, far, event)
    start_anew(page, far)
    far.proxy.swallow()
    live_site.publish(event)
    with page.expect_request("**/changes/?*"):
        page.clock.fast_forward(MINUTE_MS)
    with page.expect_request("**/changes/?*"):  # the first was given up
        page.clock.fast_forward(9_000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    far.proxy.mend()
    with page.expect_event("requestfailed", lambda request: "/changes/?" in request.url):  # the second is, too
        page.clock.fast_forward(11_000)
    page.clock.fast_forward(MINUTE_MS)
    expect_right(page, live_site, event)
    until(page, lambda: is_ready(page))


def test_a_server_restarted_under_open_pages_gets_them_back(page: Page, server: Callable[..., Site]) -> None:
    site = server()
    event = site.event(updates=2)
    page.clock.install()
    open_page(page, site, event)
    site.restart()
    site.publish(event)
    page.clock.fast_forward(MINUTE_MS)
    expect_right(page, site, event)
    until(page, lambda: is_ready(page))
    site.publish(event)
    expect_right(page, site, event)


@pytest.mark.postgres
def test_a_silent_database_costs_no_socket_and_the_page_says_that_it_may_be_wrong(
    page: Page, server: Callable[..., Site], postgres_url: str
) -> None:
    site = server(DATABASE_URL=postgres_url)
    event = site.event(updates=2)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    open_page(page, site, event)
    line = page.locator("#connection")
    expect(line).to_have_attribute("data-state", "live")
    address, _, name = postgres_url.rpartition("/")
    with psycopg.connect(f"{address}/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        expect(line).to_have_attribute("data-state", "reconnecting", timeout=60_000)
        expect(line).to_have_attribute("data-socket", "open")
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    site.do(connections.close_all)  # the test's own was ended too
    site.publish(event, "Once it was back.")
    expect(page.locator("#cards")).to_contain_text("Once it was back.", timeout=60_000)
    expect(line).to_have_attribute("data-state", "live", timeout=60_000)
    expect_right(page, site, event)
    assert len(sockets) == 1


def test_without_websockets_a_page_polls(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.add_init_script("delete window.WebSocket")
    page.clock.install()
    page.goto(live_site.page(event))
    page.clock.fast_forward(5_000)
    expect(page.locator("#connection")).to_have_text("Checking every 5 s")
    live_site.publish(event)
    catch_up(live_site, event)
    page.clock.fast_forward(5_000)
    expect_right(page, live_site, event)


def open_polling(page: Page, address: str) -> None:
    """Open a page that has no sockets, with a clock that is the test's."""
    page.add_init_script("delete window.WebSocket")
    page.clock.install()
    page.goto(address)
    expect(page.locator("#connection")).to_have_text("Checking every 5 s")


def test_where_there_are_no_sockets_a_page_asks_for_none(page: Page, server: Callable[..., Site]) -> None:
    site = server(SOCKETS_PER_PROCESS="0")
    event = site.event(updates=1)
    asked: list[str] = []
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(site.page(event))
    expect(page.locator("#connection")).to_have_text("Checking every 5 s")
    for number in range(2):  # the first news of a live event open a socket where there is one
        site.publish(event, f"Update {number} by poll.")
        expect_right(page, site, event)
    assert not asked


def test_a_clock_that_is_set_back_stops_no_polling(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_polling(page, live_site.page(event))
    set_clock(page, minutes=-10)
    live_site.publish(event)
    expect_right(page, live_site, event)


def test_a_request_that_brings_nothing_is_given_up_also_after_the_clock_was_set_back(page: Page, far: Through) -> None:
    event = far._site.event(updates=1)
    open_polling(page, far.page(event))
    far.proxy.swallow()
    with page.expect_request("**/changes/**"):
        page.click("#check")
    set_clock(page, minutes=-10)
    page.clock.fast_forward(9_000)
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")


def test_what_the_server_asks_to_wait_is_no_longer_after_the_clock_was_set_back(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_polling(page, live_site.page(event))
    page.route("**/changes/**", lambda route: route.fulfill(status=503, headers={"Retry-After": "5"}))
    page.click("#check")
    expect(page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    page.unroute("**/changes/**")
    set_clock(page, minutes=-10)
    page.clock.fast_forward(11_000)
    live_site.publish(event)
    expect_right(page, live_site, event)


def test_a_service_that_can_not_tell_now_is_asked_as_often_as_it_says(page: Page, live_site: Site) -> None:
    """It is up, and right again in a moment: who waited ever longer would be a minute late."""
    event = live_site.event(updates=1)
    open_polling(page, live_site.page(event))
    asked: list[str] = []
    headers = {"Retry-After": "5", "Poll-Seconds": "5"}

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, headers=headers)

    answered: list[str] = []
    page.route("**/changes/**", refuse)
    page.on("requestfinished", lambda request: answered.append(request.url) if "/changes/" in request.url else None)
    for _ in range(90):
        page.clock.run_for(1_000)
        page.evaluate("0")
        until(page, lambda: len(answered) == len(asked))  # a slow machine's answers take none of the page's time
    assert 90 / 7.5 - 1 <= len(asked) <= 90 / 5 + 2
    live_site.publish(event)
    page.unroute("**/changes/**")
    page.clock.run_for(8_000)
    expect_right(page, live_site, event)


def test_a_device_that_wakes_asks_at_once(page: Page, far: Through, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, far, event)
    far.proxy.swallow_old()  # as the network forgets a device that sleeps
    live_site.publish(event, "While it slept.")
    with page.expect_request("**/changes/**"):
        set_clock(page, minutes=60)  # the page's own time stood still meanwhile
    page.clock.fast_forward(9_000)  # the first request goes into a dead connection
    expect_right(page, live_site, event)


def test_a_page_restored_from_the_back_forward_cache_is_right(launch: Callable[..., Browser], live_site: Site) -> None:
    browser = launch(whole=True, ignore_default_args=["--disable-back-forward-cache"])
    try:
        page = browser.new_context().new_page()
        event = live_site.event(updates=1)
        open_page(page, live_site, event)
        page.evaluate("window.isTheSame = true")
        page.goto(live_site.url)
        live_site.publish(event)
        page.go_back(wait_until="commit")
        assert page.evaluate("window.isTheSame"), "the page was loaded anew, which proves nothing"
        expect_right(page, live_site, event)
        until(page, lambda: is_ready(page))
    finally:
        browser.close()


def test_a_hidden_tab_counts_in_its_title_and_shows_all_on_return(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    open_page(page, live_site, event)
    hide(page)
    live_site.publish(event)
    catch_up(live_site, event)
    expect(page).to_have_title(f"(1) {event.title}")
    expect_right(page, live_site, event)
    show(page)
    expect(page).to_have_title(event.title)
    expect(page.locator("#update-2")).to_be_visible()


def test_a_sleeping_tab_gives_its_socket_back_and_wakes_right(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, live_site, event)
    hide(page)
    page.clock.fast_forward(31_000)
    until(page, lambda: not is_ready(page))
    live_site.publish(event)
    catch_up(live_site, event)
    show(page)
    expect_right(page, live_site, event)
    until(page, lambda: is_ready(page))


def test_a_page_far_behind_fetches_itself_anew(page: Page, far: Through, live_site: Site) -> None:
    event = live_site.event(updates=3)
    page.clock.install()
    open_page(page, far, event)
    far.proxy.cut()

    def write_much() -> None:
        author = event.updates.get(number=1).author
        with transaction.atomic():
            for at in range(settings.TAIL_UPDATES + 10):
                event.publish(author=author, body=f"Update {at}")

    live_site.do(write_much)
    catch_up(live_site, event)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "at=" in request.url else None)
    far.proxy.mend()
    page.clock.fast_forward(MINUTE_MS)
    expect_right(page, live_site, event)
    assert fetched
    newest = 3 + settings.TAIL_UPDATES + 10
    assert numbers(page) == list(range(newest, newest - 50, -1))


def hide(page: Page) -> None:
    """Make the tab hidden, which Playwright's never are by themselves."""
    _turn(page, "hidden")


def show(page: Page) -> None:
    """Make the tab visible again."""
    _turn(page, "visible")


def _turn(page: Page, state: str) -> None:
    page.evaluate(
        """(state) => {
          Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => state === 'hidden' });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        state,
    )
