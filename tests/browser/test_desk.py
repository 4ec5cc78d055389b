"""An author at the desk, on a phone, and a reader who watches."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from liveblog.models import Event
from tests.browser.phones import sign_in
from tests.browser.reading import catch_up, expect_accessible, expect_right, open_page, until
from tests.browser.sessions import start_session
from tests.server import Site


@pytest.fixture
def phone(browser: Browser, live_site: Site) -> Iterator[Page]:
    """A small phone whose owner is signed in."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    start_session(context, live_site, "ada")
    yield context.new_page()
    context.close()


def desk(site: Site, event: Event) -> str:
    """Return the address of an event's desk."""
    return f"{site.url}/desk/{event.slug}/"


def test_who_is_not_signed_in_signs_in_and_comes_where_they_wanted_to(page: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    page.goto(desk(live_site, event))
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "a guess")
    page.click("main form .post")
    expect(page.get_by_role("alert").first).to_be_visible()
    sign_in(page, live_site.url, "ada")
    expect(page).to_have_url(desk(live_site, event))
    expect(page.locator("#composer [name=body]")).to_be_focused()


def test_a_post_from_the_phone_reaches_an_open_page_at_once(phone: Page, page: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=1)
    open_page(page, live_site, event)
    phone.goto(desk(live_site, event))
    expect(phone.locator("[name=body]")).to_be_focused()
    phone.tap(".more-fields summary")
    phone.fill("[name=headline]", "Breaking")
    phone.fill("[name=body]", "It **happened**.")
    phone.tap(".post")
    expect(phone.locator("#items article").first).to_contain_text("It happened.")
    expect(phone.locator("[name=body]")).to_have_value("")
    expect(page.locator("#update-2")).to_contain_text("Breaking")
    expect_right(page, live_site, event)


def test_an_update_is_edited_pinned_marked_withdrawn_and_restored_under_a_readers_eyes(
    phone: Page, page: Page, live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=2)
    open_page(page, live_site, event)
    phone.goto(desk(live_site, event))
    phone.tap("#edit-2")
    phone.fill("#item-2 [name=body]", "Put right.")
    phone.tap("#item-2 .post")
    expect(page.locator("#update-2")).to_contain_text("Put right.")
    phone.tap("#pin-1")
    expect(page.locator("#pinned")).to_be_visible()
    phone.tap("#key-2")
    expect(page.locator("#keys li")).to_have_count(1)
    phone.tap("#withdraw-1")
    expect(page.locator("#update-1")).to_have_count(0)
    expect_right(page, live_site, event)
    phone.tap("#restore-1")
    expect(page.locator("#update-1")).to_be_visible()
    expect_right(page, live_site, event)


def test_an_event_is_made_previewed_announced_started_ended_and_reopened(
    phone: Page, page: Page, live_site: Site
) -> None:
    phone.goto(f"{live_site.url}/desk/new/")
    expect(phone.locator("#settings :is(input, textarea, select):visible")).to_have_count(1)  # a title and one button
    phone.fill("[name=title]", "The storm")
    phone.tap(".post")
    phone.wait_for_url("**/desk/the-storm*/")
    slug = phone.url.rstrip("/").split("/")[-1]
    event = live_site.do(Event.objects.get, slug=slug)
    phone.fill("[name=body]", "Before the wind comes.")
    phone.tap(".post")
    expect(phone.locator("#items article")).to_have_count(1)
    answer = page.goto(live_site.page(event))
    assert answer is not None
    assert answer.status == 404
    phone.goto(f"{live_site.url}/desk/{slug}/preview/")
    expect(phone.locator(".prose", has_text="Before the wind comes.")).to_be_visible()
    phone.goto(desk(live_site, event))
    phone.get_by_role("button", name="Announce").tap()  # a draft shows its next steps
    expect(phone.locator("#status .badge")).to_have_text("Upcoming")
    open_page(page, live_site, live_site.fresh(event))
    for name, badge in (("Go live", "Live"), ("End", "Ended"), ("Reopen", "Live")):
        for summary in ("#status > summary", ".ending > summary"):
            if not phone.get_by_role("button", name=name).is_visible():
                phone.tap(summary)
        phone.get_by_role("button", name=name).tap()
        expect(phone.locator("#status .badge")).to_have_text(badge)
        if name == "Reopen":  # an ended event is asked for once a minute; the reader is not so patient
            catch_up(live_site, event)
            page.click("#check")
        expect(page.locator("#masthead .badge")).to_have_text(badge)
    expect_right(page, live_site, event)


def test_what_can_not_be_posted_stays_in_the_form_with_a_word_why(phone: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), time_zone="Europe/Berlin")
    phone.goto(desk(live_site, event))
    phone.tap(".post")
    expect(phone.get_by_role("alert").filter(has_text="Write something")).to_be_visible()
    phone.fill("[name=body]", "x" * 20_001)
    phone.tap(".post")
    expect(phone.get_by_role("alert").filter(has_text="20,0")).to_be_visible()
    assert len(phone.input_value("[name=body]")) == 20_001
    phone.tap(".more-fields summary")
    phone.fill("#composer [name=at]", "2025-03-30T02:30")
    phone.fill("[name=body]", "Written at a time that did not exist.")
    phone.tap(".post")
    phone.tap("#ask-yes")
    refused = phone.locator("#entries .entry[data-state=refused]")
    expect(refused).to_contain_text("does not exist in Europe/Berlin")
    refused.get_by_role("button", name="Edit").tap()
    expect(phone.locator("[name=body]")).to_have_value("Written at a time that did not exist.")
    assert live_site.updates(event) == []


def test_a_lost_network_loses_no_text_and_doubles_nothing(phone: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    phone.goto(desk(live_site, event))
    phone.fill("[name=body]", "Written in a tunnel.")
    phone.context.set_offline(True)
    phone.tap(".post")
    expect(phone.locator("#entries .entry")).to_contain_text("Written in a tunnel.")
    phone.context.set_offline(False)
    expect(phone.locator("#items article")).to_have_count(1)
    assert [update.body for update in live_site.updates(event)] == ["Written in a tunnel."]


def test_an_answer_lost_on_the_way_back_makes_one_update(phone: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    phone.goto(desk(live_site, event))
    lost: list[str] = []

    def lose(route: object) -> None:
        if not lost:
            lost.append("one")
            route.fetch()  # type: ignore[attr-defined]  # the server has it
            route.abort()  # type: ignore[attr-defined]  # and the phone does not know
        else:
            route.continue_()  # type: ignore[attr-defined]

    phone.route("**/desk/*/updates/", lose)
    phone.fill("[name=body]", "Said once.")
    phone.tap(".post")
    until(phone, lambda: lost)
    expect(phone.locator("#outbox")).to_be_hidden()
    expect(phone.locator("#items article")).to_have_count(1)
    assert len(live_site.updates(event)) == 1


def test_the_desk_works_without_javascript(browser: Browser, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=1)
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(desk(live_site, event))
    sign_in(page, live_site.url, "ada")
    page.fill("[name=body]", "By a plain form.")
    page.click(".composer .post")
    expect(page.locator("#items article").first).to_contain_text("By a plain form.")
    page.click("#withdraw-1")
    expect(page.locator("#restore-1")).to_be_visible()
    page.click("#restore-1")
    page.click("#edit-1")
    page.fill("[name=body]", "Changed plainly.")
    page.click(".post")
    expect(page.locator("#update-1")).to_contain_text("Changed plainly.")
    context.close()


def test_no_page_of_the_desk_has_an_accessibility_violation_or_scrolls_sideways(phone: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=4)
    draft = live_site.event(author=live_site.user("ada"), updates=1, status="draft")
    live_site.do(live_site.updates(event)[0].withdraw)
    live_site.do(event.pin, update=live_site.updates(event)[1])
    complaint = phone.get_by_role("alert").first
    pages: dict[str, Callable[[], None]] = {
        "/desk/": lambda: None,
        "/desk/new/": lambda: (phone.tap(".post"), expect(complaint).to_be_visible()),
        f"/desk/{event.slug}/": lambda: (phone.tap("#composer .post"), expect(complaint).to_be_visible()),
        f"/desk/{event.slug}/edit/": lambda: None,
        f"/desk/{event.slug}/updates/2/": lambda: None,
        f"/desk/{draft.slug}/preview/": lambda: None,
    }
    for address, prepare in pages.items():
        phone.goto(live_site.url + address)
        prepare()
        expect_accessible(phone, address)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360, address


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".desk-head :is(h1, .badge, a)")].map((element) => {
    const text = document.createRange();
    text.selectNodeContents(element);
    return [element.innerText, (element.matches(".badge") ? element : text).getBoundingClientRect()];
  });
  return boxes.flatMap(([name, one], at) => boxes.slice(at + 1)
    .filter(([, other]) => one.left < other.right && other.left < one.right)
    .filter(([, other]) => one.top < other.bottom && other.top < one.bottom)
    .map(([other]) => `${name} / ${other}`));
}"""


def test_nothing_at_the_top_of_an_owners_desk_lies_on_anything_else(phone: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    phone.goto(desk(live_site, event))
    expect(phone.locator(".desk-links a")).to_have_count(5)
    for width in (320, 390, 560, 1280):
        phone.set_viewport_size({"width": width, "height": 740})
        assert phone.evaluate("innerWidth") == width
        assert phone.evaluate(OVERLAPS) == [], width
