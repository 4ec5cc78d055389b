"""Something else answers, a hotel's sign-in page or a proxy's error page: no page takes it for the service."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from liveblog.models import Event, Role
from tests.browser.foreign import PORTAL, foreign_answers
from tests.browser.hosts import Host, serving
from tests.browser.reading import expect_right, numbers, open_page, until
from tests.server import PASSWORD, Site

WORDS = "Something else answered"


# The event's page.


@pytest.mark.parametrize("link", ["#sort-oldest", "#edge-bottom a"])
def test_another_part_of_the_stream_that_can_not_be_had_is_said_and_had_later(
    page: Page, live_site: Site, link: str
) -> None:
    event = live_site.event(updates=60)
    open_page(page, live_site, event)
    before = numbers(page)
    with foreign_answers(page):
        page.click(link)
        expect(page.locator("#announcement")).to_have_text("That could not be loaded. Please try again.")
        assert numbers(page) == before
    page.click(link)
    until(page, lambda: 1 in numbers(page))
    expect_right(page, live_site, event)


def test_the_404_of_something_else_does_not_take_the_event_away(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    page.add_init_script("delete window.WebSocket")
    page.goto(live_site.page(event))
    with foreign_answers(page, status=404) as asked:
        until(page, lambda: len(asked) > 3 or page.clock.run_for(6_000))
        expect(page.locator("#update-1")).to_be_visible()
        expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
    live_site.publish(event)
    until(page, lambda: numbers(page) == [2, 1] or page.clock.run_for(6_000))


def test_a_page_whose_event_is_gone_does_not_become_the_page_of_something_else(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.clock.install()
    open_page(page, live_site, event)
    live_site.do(event.make_draft)
    gone = page.get_by_text("This live blog is no longer available")
    until(page, lambda: gone.count() or page.clock.run_for(6_000))
    page.evaluate("window.isTheSame = true")
    with foreign_answers(page) as asked:
        until(page, lambda: len(asked) > 1 or page.clock.run_for(61_000))
        assert page.evaluate("window.isTheSame")
    live_site.do(event.go_live)
    until(page, lambda: page.locator("#update-1").count() or page.clock.run_for(61_000))


# Embedding.


def test_the_codes_stay_when_something_else_answers(page: Page, live_site: Site) -> None:
    event = live_site.event(updates=1)
    page.goto(live_site.page(event, "embed/code/"))
    with foreign_answers(page) as asked:
        page.select_option("#embed-theme", "dark")
        until(page, lambda: asked)
        page.wait_for_load_state("networkidle")
        expect(page.get_by_label("Code with a script")).to_be_visible()
    page.select_option("#embed-theme", "light")
    expect(page.get_by_label("Code with a script")).to_have_value(re.compile('data-theme="light"'))


@pytest.fixture
def host() -> Iterator[Host]:
    """A publisher's site."""
    with serving() as host:
        yield host


def test_a_publishers_page_with_htmx_keeps_its_updates_when_something_else_answers(
    page: Page, host: Host, live_site: Site
) -> None:
    event = live_site.event(updates=2)
    page.goto(live_site.page(event, "embed/code/"))
    codes = {label: page.get_by_label(label).input_value() for label in ("Setting for htmx", "Code for htmx")}
    library = live_site.get("/").text.split('<script src="')[1].split('"')[0]
    head = f'{codes["Setting for htmx"]}<script src="{live_site.url}{library}"></script>'
    page.clock.install()
    page.goto(host.article(codes["Code for htmx"], head=head))
    expect(page.locator("article")).to_have_count(2)
    with foreign_answers(page) as asked:
        until(page, lambda: len(asked) > 1 or page.clock.run_for(31_000))
        page.wait_for_load_state("networkidle")
        expect(page.locator("article")).to_have_count(2)
        assert "Welcome to our network" not in page.content()
    live_site.publish(event)
    until(page, lambda: page.locator("article").count() == 3 or page.clock.run_for(31_000))
    assert page.locator(".liveblog").count() == 1


# The desk.


@pytest.fixture
def owner(browser: Browser, live_site: Site) -> Iterator[Page]:
    """A browser whose owner has signed in; a script that fails in a page fails the test."""
    live_site.user("ada")
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    page.goto(f"{live_site.url}/desk/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_site.url}/desk/")
    yield page
    context.close()
    assert not errors


def desk(site: Site, event: Event, rest: str = "") -> str:
    return f"{site.url}/desk/{event.slug}/{rest}"


def test_settings_that_something_else_has_answered_are_still_there_to_be_saved(owner: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    owner.goto(desk(live_site, event, "edit/"))
    owner.fill("[name=title]", "Typed in a hotel")
    with foreign_answers(owner):
        owner.click("#settings .post")
        expect(owner.locator("#trouble")).to_contain_text(WORDS)
        expect(owner.locator("[name=title]")).to_have_value("Typed in a hotel")
    owner.click("#settings .post")
    expect(owner.locator("#desk-title")).to_contain_text("Typed in a hotel")


def test_steps_that_something_else_has_answered_are_still_there_to_be_taken(owner: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), status="upcoming", updates=1)
    owner.goto(desk(live_site, event))
    with foreign_answers(owner):
        for button in ("Go live", "Pin"):
            owner.get_by_role("button", name=button, exact=True).click()
            expect(owner.locator("#trouble")).to_contain_text(WORDS)
            owner.locator("#trouble").get_by_role("button", name="Close").click()
    for button in ("Go live", "Pin"):
        owner.get_by_role("button", name=button, exact=True).click()
    expect(owner.locator("#status .badge").first).to_have_text("Live")
    expect(owner.locator("#item-1.is-pinned")).to_be_visible()


def test_people_that_something_else_has_answered_for_are_still_there(owner: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    live_site.user("bo")
    owner.goto(desk(live_site, event, "people/"))
    owner.fill("#people [name=username]", "bo")
    with foreign_answers(owner):
        owner.get_by_role("button", name="Add", exact=True).click()
        expect(owner.locator("#trouble")).to_contain_text(WORDS)
        expect(owner.locator("#people [name=username]")).to_have_value("bo")
    owner.get_by_role("button", name="Add", exact=True).click()
    expect(owner.locator("#people")).to_contain_text("bo")


def test_what_waits_stays_in_the_queue_when_something_else_answers(owner: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    cleo = live_site.user("cleo")
    live_site.do(event.appoint, user=cleo, role=Role.CONTRIBUTOR)
    live_site.do(event.submit, author=cleo, body="May I?", needs_approval=True)
    owner.goto(desk(live_site, event))
    publish = owner.locator("#queue").get_by_role("button", name="Publish", exact=True)
    with foreign_answers(owner):
        publish.click()
        expect(owner.locator("#trouble")).to_contain_text(WORDS)
        expect(publish).to_be_visible()
    publish.click()
    expect(owner.locator("#item-1")).to_contain_text("May I?")


def test_the_preview_shows_nothing_that_is_not_the_services_own(owner: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    owner.goto(desk(live_site, event))
    owner.fill("#composer [name=body]", "It **happened**")
    with foreign_answers(owner) as asked:
        owner.click("#preview-toggle")
        until(owner, lambda: [address for address in asked if address.endswith("/render/")])
        owner.wait_for_load_state("networkidle")
        assert "Welcome to our network" not in owner.content()
    owner.fill("#composer [name=body]", "It **has happened**")
    expect(owner.locator("#preview strong")).to_have_text("has happened")


@pytest.mark.parametrize("body", [PORTAL, "<section>A proxy's page</section>"])
def test_a_desk_that_gets_the_answers_of_something_else_says_so(owner: Page, live_site: Site, body: str) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=1)
    owner.goto(desk(live_site, event))
    state = owner.locator("#stream-state")
    with foreign_answers(owner, body=body):
        until(owner, lambda: state.is_visible() or owner.evaluate(NUDGE))
        expect(state).to_contain_text("trying again")
    until(owner, lambda: state.is_hidden() or owner.evaluate(NUDGE))


NUDGE = "document.dispatchEvent(new Event('visibilitychange'))"
