"""What an author posts on a phone arrives once and in order, whatever becomes of network, tab and server."""

import random
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from config.environment import own_addresses
from liveblog.models import Event
from tests.browser.phones import (
    BODY,
    EMPTY,
    FILL,
    LEAVE_SOME,
    LOOK_AGAIN,
    bodies,
    expect_posted,
    outbox,
    sign_in,
    write,
)
from tests.browser.proxy import FATES, Proxy
from tests.browser.reading import until
from tests.browser.sessions import start_session
from tests.server import Site

type MakePhone = Callable[..., BrowserContext]


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's."""
    return live_site.event(author=live_site.user("ada"))


@pytest.fixture
def page(phone: MakePhone, live_site: Site, event: Event) -> Page:
    """Ada's phone, at the event's desk."""
    return at_desk(phone("ada", live_site), live_site.url, event)


def at_desk(context: BrowserContext, url: str, event: Event) -> Page:
    page = context.new_page()
    page.goto(f"{url}/desk/{event.slug}/")
    return page


# The plain way, and a lost answer.


def test_a_post_passes_through_the_outbox_into_the_stream(page: Page, live_site: Site, event: Event) -> None:
    expect(page.locator(BODY)).to_be_focused()
    write(page, "First.")
    expect(page.locator("#items article")).to_contain_text("First.")
    expect(page.locator("#said")).to_contain_text("connected now")
    expect(page.locator("#outbox")).to_be_hidden()
    expect(page.locator(BODY)).to_be_focused()
    expect(page.locator(BODY)).to_have_value("")
    page.keyboard.type("Second.")
    page.keyboard.press("Control+Enter")
    expect_posted(page, live_site, event, "First.", "Second.")


def test_a_double_tap_makes_one_update_and_no_complaint(page: Page, live_site: Site, event: Event) -> None:
    page.fill(BODY, "Once.")
    page.evaluate("() => { const post = document.querySelector('#composer .post'); post.click(); post.click(); }")
    expect_posted(page, live_site, event, "Once.")
    expect(page.locator("#composer-errors")).to_be_hidden()


def test_an_answer_lost_after_the_server_saved_makes_one_update(
    phone: MakePhone, live_site: Site, event: Event
) -> None:
    with Proxy(live_site.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        page = at_desk(phone("ada", live_site), url, event)
        proxy.lose(3)  # Chromium sends a post again by itself when a kept connection is reset
        write(page, "Said once.")
        expect_posted(page, live_site, event, "Said once.")
        expect(page.locator("#items article")).to_have_count(1)


def test_what_gets_no_answer_is_given_up_and_sent_again_under_its_key(
    phone: MakePhone, live_site: Site, event: Event
) -> None:
    with Proxy(live_site.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        page = at_desk(phone("ada", live_site), url, event)
        page.evaluate("document.getElementById('desk').dataset.answerSeconds = '1'")
        proxy.swallow()
        write(page, "Into a hole.")
        expect(page.locator("#entries .entry[data-state=later]")).to_contain_text("No answer came for 1 second")
        expect(page.locator("#entries [data-act=edit]")).to_be_hidden()
        expect(page.locator("#entries [data-act=discard]")).to_be_hidden()
        page.evaluate("delete document.getElementById('desk').dataset.answerSeconds")  # what is slow now gets its time
        proxy.mend()  # the six connections there were stay dead, as with a router that forgot them
        expect_posted(page, live_site, event, "Into a hole.")


def test_a_hotels_page_is_no_answer(page: Page, live_site: Site, event: Event) -> None:
    answers = [
        {"status": 200, "body": "Welcome, guest"},
        {"status": 302, "headers": {"Location": "/"}},
        {"status": 403},
    ]
    page.route(
        "**/updates/",
        lambda route: route.fulfill(**answers.pop(0)) if answers else route.continue_(),  # type: ignore[arg-type]
    )
    write(page, "Past the hotel.")
    until(page, lambda: not answers)
    expect_posted(page, live_site, event, "Past the hotel.")


# Tabs, reloads, restarts.


def test_two_tabs_have_one_sender_and_one_order(page: Page, live_site: Site, event: Event) -> None:
    other = at_desk(page.context, live_site.url, event)
    answered: list[str] = []  # a try that reached nobody, as the network came back, is no second sender
    page.context.on("response", lambda it: answered.append(it.url) if it.request.method == "POST" else None)
    page.context.set_offline(True)
    for number in range(6):
        write(page if number % 2 else other, f"No. {number}")
    assert len(outbox(page)) == len(outbox(other)) == 6
    page.context.set_offline(False)
    expect_posted(page, live_site, event, *(f"No. {number}" for number in range(6)))
    expect(other.locator("#outbox")).to_be_hidden()
    assert len(answered) == 6


def test_a_draft_follows_its_author_from_tab_to_tab(page: Page, live_site: Site, event: Event) -> None:
    other = at_desk(page.context, live_site.url, event)
    page.fill(BODY, "Half a")
    expect(other.locator(BODY)).to_have_value("Half a")
    other.fill(BODY, "Half a sentence.")
    expect(page.locator(BODY)).to_have_value("Half a sentence.")
    page.tap("#composer .post")
    expect_posted(page, live_site, event, "Half a sentence.")
    expect(other.locator(BODY)).to_have_value("")


def test_a_reload_and_a_closed_tab_lose_nothing(page: Page, live_site: Site, event: Event) -> None:
    page.context.set_offline(True)
    for text in ("One.", "Two."):
        write(page, text)
    page.fill(BODY, "Half of thr")
    page.route("**/updates/", lambda route: route.abort())
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#entries .entry")).to_have_count(2)
    expect(page.locator(BODY)).to_have_value("Half of thr")
    context = page.context
    page.close()
    page = at_desk(context, live_site.url, event)
    expect_posted(page, live_site, event, "One.", "Two.")
    expect(page.locator(BODY)).to_have_value("Half of thr")


def test_a_server_that_restarts_in_the_middle_loses_nothing(phone: MakePhone, server: Callable[..., Site]) -> None:
    site = server()
    event = site.event(author=site.user("ada"))
    page = at_desk(phone("ada", site), site.url, event)
    write(page, "Before.")
    expect_posted(page, site, event, "Before.")
    site.kill()
    write(page, "While it is down.")
    expect(page.locator("#entries .entry[data-state=later]")).to_be_visible()
    page.fill(BODY, "The next one")
    site.start()
    until(page, lambda: not outbox(page) or page.evaluate(LOOK_AGAIN))
    expect_posted(page, site, event, "Before.", "While it is down.")
    expect(page.locator(BODY)).to_have_value("The next one")


def test_a_post_written_offline_goes_out_when_the_network_is_back(page: Page, live_site: Site, event: Event) -> None:
    page.context.set_offline(True)
    write(page, "Written in a tunnel.")
    expect(page.locator("#entries .entry")).to_contain_text("Waits for the network")
    expect(page.locator(BODY)).to_have_value("")
    page.context.set_offline(False)
    expect_posted(page, live_site, event, "Written in a tunnel.")


def test_leaving_warns_only_while_something_is_unsent(page: Page, live_site: Site, event: Event) -> None:
    warned: list[str] = []
    page.on("dialog", lambda dialog: (warned.append(dialog.type), dialog.accept()))
    page.context.set_offline(True)
    write(page, "Unsent.")
    page.route("**/updates/", lambda route: route.abort())
    page.context.set_offline(False)
    page.reload()
    assert warned == ["beforeunload"]
    page.unroute("**/updates/")
    expect_posted(page, live_site, event, "Unsent.")
    page.fill(BODY, "A draft is safe and needs no warning")
    page.reload()
    assert warned == ["beforeunload"]


# The author's hand.


def test_what_was_not_sent_can_be_edited_or_discarded(page: Page, live_site: Site, event: Event) -> None:
    page.context.set_offline(True)
    write(page, "Right.")
    write(page, "Wrnog.")
    write(page, "Never mind.")
    page.fill(BODY, "In the middle of this")
    page.locator("#entries .entry", has_text="Wrnog").locator("[data-act=edit]").tap()
    expect(page.locator(BODY)).to_have_value("Wrnog.")
    write(page, "Wrong.")
    expect(page.locator(BODY)).to_have_value("In the middle of this")
    discard = page.locator("#entries .entry", has_text="Never mind").locator("[data-act=discard]")
    discard.tap()
    page.get_by_role("button", name="Keep it").tap()
    expect(page.locator("#entries .entry")).to_have_count(3)
    discard.tap()
    page.get_by_role("button", name="Discard it").tap()
    expect(page.locator("#entries .entry")).to_have_count(2)
    page.context.set_offline(False)
    expect_posted(page, live_site, event, "Right.", "Wrong.")


def test_a_refused_one_stays_does_not_hold_up_others_and_is_sent_again_under_a_new_key(
    page: Page, live_site: Site, event: Event
) -> None:
    nothing = "***"
    write(page, nothing)
    refused = page.locator("#entries .entry[data-state=refused]")
    expect(refused).to_contain_text("Readers would see nothing")
    key = refused.get_attribute("data-key")
    write(page, "Goes through.")
    until(page, lambda: bodies(live_site, event) == ["Goes through."])
    page.reload()
    expect(refused).to_be_visible()
    refused.locator("[data-act=edit]").tap()
    expect(page.locator(BODY)).to_have_value(nothing)
    write(page, "Short.")
    expect_posted(page, live_site, event, "Goes through.", "Short.")
    assert str(live_site.updates(event)[1].key) != key


@pytest.mark.parametrize("choice", ["Send mine as a new update", "Discard mine"])
def test_a_clash_shows_both_texts_and_its_author_decides(
    choice: str, page: Page, live_site: Site, event: Event
) -> None:
    page.context.set_offline(True)
    write(page, "Mine.")
    (entry,) = outbox(page)
    live_site.publish(event, "Published under this key.", key=entry["key"])
    page.context.set_offline(False)
    clash = page.locator("#entries .entry[data-state=clash]")
    expect(clash).to_contain_text("Published under this key.")
    expect(clash).to_contain_text("Mine.")
    clash.get_by_role("button", name=choice).tap()
    if "Discard" in choice:
        page.get_by_role("button", name="Discard it").tap()
        expect_posted(page, live_site, event, "Published under this key.")
    else:
        expect_posted(page, live_site, event, "Published under this key.", "Mine.")


# Logins.


def test_an_expired_login_keeps_the_outbox_and_goes_on_after_signing_in(
    page: Page, live_site: Site, event: Event
) -> None:
    page.context.clear_cookies(name="sessionid")
    write(page, "Signed out meanwhile.")
    page.fill(BODY, "And a draft")
    page.get_by_role("link", name="Sign in to send").tap()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, live_site.url, "ada")
    expect(page).to_have_url(f"{live_site.url}/desk/{event.slug}/")
    expect_posted(page, live_site, event, "Signed out meanwhile.")
    expect(page.locator(BODY)).to_have_value("And a draft")


def test_a_lost_csrf_cookie_is_renewed_by_itself(page: Page, live_site: Site, event: Event) -> None:
    page.context.clear_cookies(name="csrftoken")
    write(page, "With a fresh token.")
    expect_posted(page, live_site, event, "With a fresh token.")


def test_an_entry_is_never_sent_under_another_authors_login(page: Page, live_site: Site, event: Event) -> None:
    bob = live_site.user("bob")
    theirs = live_site.event("Bob’s own", author=bob)
    page.context.clear_cookies()
    start_session(page.context, live_site, "bob")
    other = page.context.new_page()
    other.goto(f"{live_site.url}/desk/")
    write(page, "Ada wrote this.")
    expect(page.locator("#outbox-login")).to_contain_text("somebody else")
    other.goto(f"{live_site.url}/desk/{theirs.slug}/")
    expect(other.locator("#outbox-others")).to_contain_text("One update by somebody else")
    expect(other.locator("#entries .entry")).to_have_count(0)
    write(other, "Bob wrote this.")
    expect_posted(other, live_site, theirs, "Bob wrote this.")
    assert bodies(live_site, event) == []
    page.context.clear_cookies()
    other.close()
    start_session(page.context, live_site, "ada")
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect_posted(page, live_site, event, "Ada wrote this.")
    assert live_site.updates(event)[0].author_id == live_site.user("ada").pk


def write_offline(page: Page, text: str) -> None:
    page.context.set_offline(True)
    write(page, text)
    expect(page.locator("#entries .entry")).to_contain_text(text)


def test_entries_of_another_event_are_sent_from_whatever_desk_is_open(
    page: Page, live_site: Site, event: Event
) -> None:
    other = live_site.event("Elsewhere", author=live_site.user("ada"))
    write_offline(page, "From the other desk.")
    page.route("**/updates/", lambda route: route.abort())
    page.context.set_offline(False)
    page.goto(f"{live_site.url}/desk/{other.slug}/")
    page.unroute("**/updates/")
    until(page, lambda: bodies(live_site, event) == ["From the other desk."])
    expect(page.locator("#items article")).to_have_count(0)


# A device that keeps nothing more, or nothing at all.


def test_a_full_storage_is_said_before_anything_is_lost_and_posting_still_works(
    page: Page, live_site: Site, event: Event
) -> None:
    page.evaluate(FILL)
    page.fill(BODY, "No room for this. " * 20)
    expect(page.locator("#composer-note")).to_contain_text("storage is full")
    page.context.set_offline(True)
    page.tap("#composer .post")
    expect(page.locator("#entries .entry")).to_contain_text("leave this page open")
    assert page.input_value(BODY).startswith("No room for this.")
    page.context.set_offline(False)
    expect_posted(page, live_site, event, ("No room for this. " * 20).strip())
    expect(page.locator(BODY)).to_have_value("")
    page.evaluate(EMPTY)
    page.fill(BODY, "Room again")
    expect(page.locator("#composer-note")).to_be_hidden()
    page.reload()
    expect(page.locator(BODY)).to_have_value("Room again")


def test_a_draft_makes_room_for_its_own_entry(page: Page, live_site: Site, event: Event) -> None:
    page.fill(BODY, "x" * 10_000)
    page.evaluate(FILL)
    page.evaluate(LEAVE_SOME)
    page.context.set_offline(True)
    page.tap("#composer .post")
    expect(page.locator("#entries .entry")).to_have_count(1)
    expect(page.locator(BODY)).to_have_value("")
    page.context.set_offline(False)
    expect_posted(page, live_site, event, "x" * 10_000)


def test_where_storage_throws_posting_still_works_and_the_page_says_so(
    phone: MakePhone, live_site: Site, event: Event
) -> None:
    context = phone("ada", live_site)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError'); }});"
        "Object.defineProperty(window, 'indexedDB', {get() { throw new DOMException('', 'SecurityError'); }});"
    )
    page = at_desk(context, live_site.url, event)
    expect(page.locator("#composer-note")).to_contain_text("Drafts are not kept")
    write(page, "From memory.")
    expect_posted(page, live_site, event, "From memory.")
    expect(page.locator(BODY)).to_have_value("")


# A clock that is set back.

SET_BACK = "() => { const now = Date.now; Date.now = () => now() - 600_000; }"
LATER = "() => { const now = performance.now.bind(performance); performance.now = () => now() + 25_000; }"
SLEEPER = """(name) => {
  navigator.locks.request(name, () => new Promise(() => {})).catch(() => {});
  localStorage.setItem(`liveblog:beat:${name}`, Date.now());
}"""
DISCOURAGED = """() => {
  const name = Object.keys(localStorage).find((one) => one.startsWith('liveblog:outbox:'));
  const failed_at = Date.now();
  const often = { tries: 10, failed_at, retry_at: failed_at + 60_000 };
  localStorage[name] = JSON.stringify({ ...JSON.parse(localStorage[name]), ...often });
}"""


def test_an_empty_post_is_complained_of_also_after_the_clock_was_set_back(page: Page) -> None:
    write(page, "There.")
    expect(page.locator("#items article")).to_contain_text("There.")
    page.wait_for_timeout(1_100)  # no second half of a double tap any more
    page.evaluate(SET_BACK)
    page.tap("#composer .post")
    expect(page.locator("#composer-errors")).to_be_visible()


def test_a_sender_that_sleeps_is_taken_over_from_also_after_the_clock_was_set_back(
    page: Page, live_site: Site, event: Event
) -> None:
    user = page.locator("#desk").get_attribute("data-user")
    other = at_desk(page.context, live_site.url, event)
    other.evaluate(SLEEPER, f"sender:{user}")
    until(page, lambda: page.evaluate("navigator.locks.query().then(({ held }) => held.length)"))
    page.evaluate(SET_BACK)
    write(page, "Past the sleeper.")
    page.wait_for_timeout(2_000)  # it listens for the other's beat
    page.evaluate(LATER)
    expect_posted(page, live_site, event, "Past the sleeper.")


def test_whoever_comes_back_is_not_kept_waiting_after_the_clock_was_set_back(
    phone: MakePhone, live_site: Site, event: Event
) -> None:
    with Proxy(live_site.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        page = at_desk(phone("ada", live_site), url, event)
        proxy.cut()
        write(page, "At last.")
        expect(page.locator("#entries .entry[data-state=later]")).to_have_count(1)
        page.evaluate(SET_BACK)
        page.evaluate(DISCOURAGED)
        proxy.mend()
        page.wait_for_timeout(1_600)  # who asks again and again is heard only now and then
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect_posted(page, live_site, event, "At last.")


# Plain http from a phone in the same network.


def test_the_same_holds_on_plain_http_from_another_address(phone: MakePhone, server: Callable[..., Site]) -> None:
    address = next((one for one in own_addresses() if ":" not in one and not one.startswith("127.")), None)
    if address is None:
        pytest.skip("this machine has no address but localhost")
    site = server(HOST="0.0.0.0")
    event = site.event(author=site.user("ada"))
    with Proxy(site.port, host=address) as proxy:
        url = f"http://{address}:{proxy.port}"
        context = phone("ada", site, url=url)
        page, other = at_desk(context, url, event), at_desk(context, url, event)
        missing = "[isSecureContext, navigator.locks, crypto.randomUUID, navigator.serviceWorker]"
        assert page.evaluate(f"{missing}.some(Boolean)") is False
        expect(page.locator("#missing")).to_contain_text("not encrypted")
        proxy.lose(3)
        write(page, "Lost on the way back.")
        expect_posted(page, site, event, "Lost on the way back.")
        context.set_offline(True)
        for number in range(4):
            write(page if number % 2 else other, f"No. {number}")
        page.fill(BODY, "A draft")
        context.set_offline(False)
        texts = ["Lost on the way back.", *(f"No. {number}" for number in range(4))]
        expect_posted(page, site, event, *texts)
        page.reload()
        expect(page.locator(BODY)).to_have_value("A draft")
        page.evaluate(FILL)
        page.fill(BODY, "A draft " * 50)
        expect(page.locator("#composer-note")).to_contain_text("storage is full")
        page.tap("#composer .post")
        expect_posted(page, site, event, *texts, ("A draft " * 50).strip())


# Everything at once.


IMPATIENT = "document.getElementById('desk').dataset.answerSeconds = '2'"
COUNT = "document.querySelectorAll('#entries .entry').length"
POST = """(text) => {
  const form = document.getElementById('composer');
  form.elements.body.value = text;
  form.dispatchEvent(new Event('input'));
  form.requestSubmit();
}"""


def test_posts_of_three_authors_arrive_once_and_in_order_through_a_terrible_network(
    phone: MakePhone, server: Callable[..., Site]
) -> None:
    """Nearly every second try fails, in each of the ways there are."""
    site = server()
    names, posts = ["ada", "bob", "cyd"], 20
    event = site.event(author=site.user("ada"))
    for name in names[1:]:
        site.do(event.authors.add, site.user(name))
    with Proxy(site.port) as proxy:

        def open_desk(context: BrowserContext) -> Page:
            page = at_desk(context, f"http://127.0.0.1:{proxy.port}", event)
            page.evaluate(IMPATIENT)
            return page

        pages = {name: open_desk(phone(name, site)) for name in names}
        proxy.roughen(random.Random(1969), **{"pass": 42, "delay": 14, "cut": 16, "lose": 22, "swallow": 6})
        for number in range(posts):
            for name, page in pages.items():
                page.evaluate(POST, f"{name} {number}")
            if number == 6:
                pages["ada"].reload()
                pages["ada"].evaluate(IMPATIENT)
            if number == 9:
                site.kill()
                site.start()
            if number == 12:
                context = pages["bob"].context
                pages["bob"].close()
                pages["bob"] = open_desk(context)

        def all_there() -> bool:
            for page in pages.values():
                page.evaluate(LOOK_AGAIN)
            return not any(page.evaluate(COUNT) for page in pages.values())

        until(pages["cyd"], all_there, seconds=300)
        found = bodies(site, event)
        for name in names:
            assert [body for body in found if body.startswith(name)] == [f"{name} {number}" for number in range(posts)]
        assert len(found) == posts * len(names)
        assert all(proxy.fates[fate] for fate in FATES), proxy.fates
