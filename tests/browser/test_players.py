"""Players as readers and authors meet them; the providers are stood in for at the network's edge."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Route, expect

from tests.browser.hosts import Host, frame_in, serving
from tests.browser.phones import BODY
from tests.browser.reading import catch_up, open_page, until
from tests.browser.sessions import start_session
from tests.server import Site

VIDEO = "https://youtu.be/dQw4w9WgXcQ"
PROVIDER = "<!doctype html><title>Player</title><script>window.mark = Math.random()</script>"


@pytest.fixture
def asked(context: BrowserContext) -> list[str]:
    """What was asked of anybody but us."""
    found: list[str] = []

    def answer(route: Route) -> None:
        found.append(route.request.url)
        route.fulfill(content_type="text/html", body=PROVIDER)

    context.route(lambda url: "127.0.0.1" not in url and "localhost" not in url, answer)
    return found


def framed(page: Page) -> Frame:
    found: Frame = until(page, lambda: next((f for f in page.frames if "youtube-nocookie" in f.url), None))
    until(page, lambda: found.evaluate("window.mark ?? 0"))
    return found


def test_a_player_that_arrived_live_asks_nobody_before_the_press_and_plays_on_through_edits_and_moves(
    page: Page, asked: list[str], live_site: Site
) -> None:
    event = live_site.event(updates=2)
    open_page(page, live_site, event)
    update = live_site.publish(event, f"Watch this:\n\n[The goal]({VIDEO})\n\nWhat a night.")
    catch_up(live_site, event)
    front = page.locator("#update-3 .player-front")
    expect(front).to_be_visible()
    assert asked == []
    place = "[...document.querySelectorAll('#update-3 .player, #update-3 .update-foot')].map((one) => one.offsetTop)"
    before = page.evaluate(place)
    front.click()
    element = page.locator("#update-3 .player iframe")
    assert element.get_attribute("referrerpolicy") == "strict-origin-when-cross-origin"
    assert element.get_attribute("title") == "The goal, YouTube"
    assert "autoplay" in (element.get_attribute("allow") or "")
    assert page.evaluate(place) == before
    mark = framed(page).evaluate("window.mark")
    assert [address.split("?")[0] for address in asked] == ["https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"]

    live_site.do(update.edit, body=f"Watch it again:\n\nA line more.\n\n[The goal]({VIDEO})\n\nWhat a long night.")
    catch_up(live_site, event)
    expect(page.locator("#update-3 .prose")).to_contain_text("What a long night.")
    assert framed(page).evaluate("window.mark") == mark
    live_site.do(lambda: update.move(published_at=event.updates.get(number=1).published_at))
    catch_up(live_site, event)
    until(page, lambda: page.locator("#cards > article").last.get_attribute("id") != "update-2")
    assert framed(page).evaluate("window.mark") == mark
    assert len(asked) == 1


def test_the_keyboard_starts_a_player_and_a_modified_click_follows_the_link(
    page: Page, asked: list[str], live_site: Site
) -> None:
    event = live_site.event()
    live_site.publish(event, VIDEO)
    page.goto(f"{live_site.page(event)}updates/1/")
    front = page.locator(".player-front")
    page.evaluate(
        """addEventListener("click", event => {
            window.isLeftToBrowser = !event.defaultPrevented;
            event.preventDefault();  // no new tab: the link leads to a stranger
        }, {once: true})"""
    )
    front.click(modifiers=["ControlOrMeta"])
    assert page.evaluate("window.isLeftToBrowser")
    assert page.locator("iframe").count() == 0
    front.focus()
    page.keyboard.press("Enter")
    framed(page)
    expect(page.locator(".player iframe")).to_be_focused()


def test_players_work_in_an_embed_and_are_links_in_a_sandbox(
    page: Page, asked: list[str], live_site: Site, host: Host
) -> None:
    event = live_site.event()
    live_site.publish(event, VIDEO)
    frame = f'<iframe src="{live_site.page(event)}embed/" title="Live" height="500" allow="autoplay"'
    page.goto(host.article(f"{frame}></iframe>"))
    frame_in(page, "/embed/").locator(".player-front").click()
    framed(page)
    page.goto(host.article(f'{frame} sandbox="allow-scripts"></iframe>', path="/sandboxed"))
    inside = frame_in(page, "/embed/")
    asked.clear()
    inside.locator(".player-front").click()
    expect(inside.locator(".frame-said")).to_contain_text(VIDEO)
    assert inside.locator(".player iframe").count() == 0
    assert asked == []


def test_twitch_is_told_the_hosts_of_all_pages_around_it(page: Page, live_site: Site, host: Host) -> None:
    told: list[str] = []
    page.on("request", lambda request: "player.twitch.tv" in request.url and told.append(request.url))
    page.context.route(
        "https://player.twitch.tv/**", lambda route: route.fulfill(content_type="text/html", body=PROVIDER)
    )
    event = live_site.event()
    live_site.publish(event, "https://www.twitch.tv/esl_csgo")
    page.goto(live_site.page(event))
    page.locator(".player-front").click()
    player = "https://player.twitch.tv/?channel=esl_csgo&autoplay=true"
    until(page, lambda: told == [f"{player}&parent=127.0.0.1"])
    page.goto(host.article(f'<iframe src="{live_site.page(event)}embed/" title="Live" height="500"></iframe>'))
    frame_in(page, "/embed/").locator(".player-front").click()
    until(page, lambda: len(told) == 2)
    hosts = told[1].split("&parent=")[1:]
    assert hosts[0] == "127.0.0.1"
    assert set(hosts) == {"127.0.0.1", page.evaluate("location.hostname")}


def test_a_post_without_a_player_is_a_link_that_leads_there(page: Page, asked: list[str], live_site: Site) -> None:
    event = live_site.event()
    live_site.publish(event, "https://x.com/NASA/status/1590583293443039232")
    page.goto(live_site.page(event))
    expect(page.locator(".player-title")).to_have_text("Post by @NASA on X")
    assert asked == []
    page.locator(".player-front").click()
    page.wait_for_url("https://x.com/NASA/status/1590583293443039232")


def test_an_author_sees_players_in_the_preview_and_among_the_updates(
    live_site: Site, asked: list[str], context: BrowserContext
) -> None:
    event = live_site.event(updates=1, author=live_site.user("ada"))
    start_session(context, live_site, "ada")
    page = context.new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    page.fill(BODY, VIDEO)
    page.click("#preview-toggle")
    page.locator("#preview .player-front").click()
    framed(page)
    page.click("#composer .post")
    page.locator("#item-2 .player-front").click()
    until(page, lambda: len(asked) == 2)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A publisher's site."""
    with serving() as host:
        yield host
