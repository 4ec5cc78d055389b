"""An event controlled from a phone while a reader's page stays open: pause, resume, end, reopen, cover, deletion."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from config import environment
from liveblog.models import Attachment, Event, Role
from tests.browser.phones import sign_in
from tests.browser.reading import catch_up, expect_accessible, expect_right, open_page
from tests.browser.sessions import start_session
from tests.server import Site

OWN = next(iter(environment.own_addresses()), "")
SHIFTS = """() => new Promise((tell) => {
  const moved = (one) => one.sources.some((from) => from.node?.closest?.("#masthead"));
  new PerformanceObserver((list) => tell(list.getEntries().filter(moved).length))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell(0), 500);
})"""
SMALL = """() => {
  const parts = "#status, .settings, .offline, .choice";
  const controls = ":is(button, .button, summary, select, input:not([type=hidden], [type=checkbox]))";
  return [...document.querySelectorAll(parts)].flatMap((part) => [...part.querySelectorAll(controls)])
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44).map((one) => one.outerHTML);
}"""
WIDE = """() => [...document.querySelectorAll("body *:not(.keys *, .visually-hidden, .composer *)")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > 320.5).map((one) => one.outerHTML)"""
BACK = "Half time: we will be back at 20:00"


@pytest.fixture
def phone(browser: Browser, live_site: Site) -> Iterator[Page]:
    """A small phone whose owner is signed in."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    start_session(context, live_site, "ada")
    yield context.new_page()
    context.close()


def desk(site: Site, event: Event, rest: str = "") -> str:
    return f"{site.url}/desk/{event.slug}/{rest}"


def photo(folder: Path, colour: str = "teal") -> Path:
    path = folder / f"{colour}.jpg"
    Image.new("RGB", (1600, 900), colour).save(path)
    return path


def test_a_readers_open_page_follows_the_event_to_its_deletion(phone: Page, page: Page, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=2)
    word, badge = page.locator("#masthead .word"), page.locator("#masthead .badge")
    open_page(page, live_site, event)
    expect(word).to_have_text("")

    phone.goto(desk(live_site, event))
    phone.tap("#status summary")
    note = phone.locator(".suggestions .button").first.inner_text()
    phone.locator(".suggestions .button").first.tap()
    expect(phone.locator("#status > summary .badge")).to_have_text("Paused")
    expect(phone.locator("#said")).to_contain_text("readers see your note")
    expect(word).to_contain_text(note)
    expect(badge).to_have_text("Paused")
    expect_right(page, live_site, event)

    phone.get_by_text("Change the note").tap()
    phone.fill("#pause-note", BACK)
    phone.get_by_role("button", name="Change", exact=True).tap()
    expect(word).to_contain_text(BACK)
    live_site.publish(event, "Posted in the pause.")
    catch_up(live_site, event)
    expect(page.locator("#update-3")).to_be_attached()

    phone.get_by_role("button", name="Resume").tap()
    expect(phone.locator("#status > summary .badge")).to_have_text("Live")
    expect(badge).to_have_text("Live")
    expect(word).to_have_text("")
    expect_right(page, live_site, event)

    phone.tap("#status summary")
    phone.get_by_text("End the coverage").tap()
    phone.fill("#closing-note", "Thank you, and good night.")
    phone.get_by_role("button", name="End it now").tap()
    expect(phone.locator("#status > summary .badge")).to_have_text("Ended")
    expect(word).to_contain_text("Thank you, and good night.")
    expect(badge).to_have_text("Ended")
    expect_right(page, live_site, event)

    phone.get_by_role("button", name="Reopen").tap()
    expect(phone.locator("#status > summary .badge")).to_have_text("Live")
    catch_up(live_site, event)
    page.click("#check")  # an ended event is asked for once a minute; the reader is not so patient
    expect(badge).to_have_text("Live")
    expect(word).to_have_text("")
    expect_right(page, live_site, event)

    phone.goto(desk(live_site, event, "deletion/"))
    phone.get_by_label("Its address").fill("something else")
    phone.get_by_role("button", name="Delete for good").tap()
    expect(phone.get_by_role("alert").filter(has_text="to the letter")).to_be_visible()
    expect(badge).to_have_text("Live")
    phone.get_by_label("Its address").fill(event.slug)
    phone.get_by_role("button", name="Delete for good").tap()
    expect(phone.locator("#said")).to_contain_text("was deleted")
    expect(page.locator("#live")).to_have_text("This live blog is no longer available.")


def test_a_cover_comes_to_an_open_page_changes_and_goes_without_a_shift(
    phone: Page, page: Page, live_site: Site, tmp_path: Path
) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=2)
    open_page(page, live_site, event)
    cover = page.locator("#masthead .cover")
    sources = []
    for colour in ("teal", "maroon"):
        phone.goto(desk(live_site, event, "edit/"))
        phone.set_input_files("[name=cover]", photo(tmp_path, colour))
        phone.fill("[name=cover_alt]", f"All {colour}")
        phone.tap(".post")
        expect(phone.locator("#said")).to_contain_text("Saved")
        expect(cover).to_have_attribute("alt", f"All {colour}")
        page.wait_for_function("document.querySelector('.cover').naturalWidth > 0")
        sources.append(cover.get_attribute("src"))
        expect_right(page, live_site, event)
    assert sources[0] != sources[1]
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(SHIFTS) == 0
    box = cover.bounding_box()
    assert box
    assert abs(box["width"] / box["height"] - 16 / 9) < 0.02
    phone.goto(desk(live_site, event, "edit/"))
    phone.check("[name=cover_removed]")
    phone.tap(".post")
    expect(cover).to_have_count(0)
    expect_right(page, live_site, event)


def test_a_refused_picture_keeps_the_form_and_a_good_one_survives_another_error(
    phone: Page, live_site: Site, tmp_path: Path
) -> None:
    event = live_site.event(author=live_site.user("ada"))
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"\xff\xd8\xff no picture at all")
    phone.goto(desk(live_site, event, "edit/"))
    phone.fill("[name=summary]", "Typed before.")
    phone.set_input_files("[name=cover]", fake)
    phone.tap(".post")
    expect(phone.get_by_role("alert").filter(has_text="Cover picture")).to_be_visible()
    expect(phone.locator("[data-upload]")).to_be_hidden()
    assert phone.input_value("[name=summary]") == "Typed before."
    phone.set_input_files("[name=cover]", photo(tmp_path))
    phone.fill("[name=title]", "")
    phone.tap(".post")
    expect(phone.get_by_role("alert").filter(has_text="Title")).to_be_visible()
    phone.fill("[name=title]", "Named again")
    phone.tap(".post")
    expect(phone.locator("#said")).to_contain_text("Saved")
    saved = live_site.fresh(event)
    assert (saved.title, saved.summary) == ("Named again", "Typed before.")
    assert saved.cover


def test_the_planned_end_goes_when_it_has_passed_while_the_page_is_open(page: Page, live_site: Site) -> None:
    event = live_site.event()
    page.clock.install()
    now = page.evaluate("Date.now()")
    live_site.do(event.revise, ends_at=_moment(now + 600_000), starts_at=_moment(now - 60_000))
    open_page(page, live_site, event)
    expect(page.locator(".until")).to_be_visible()
    page.clock.fast_forward(601_000)
    expect(page.locator(".until")).to_be_hidden()


def test_a_contributor_sees_where_it_stands(browser: Browser, live_site: Site) -> None:
    event = live_site.event(author=live_site.user("ada"))
    live_site.do(event.appoint, user=live_site.user("bob"), role=Role.CONTRIBUTOR)
    live_site.do(event.pause, note=BACK)
    context = browser.new_context(viewport={"width": 320, "height": 640})
    start_session(context, live_site, "bob")
    page = context.new_page()
    page.goto(desk(live_site, event))
    expect(page.locator("#status")).to_contain_text(BACK)
    assert page.locator("#status button, #status summary").count() == 0
    context.close()


def test_every_step_works_without_javascript(browser: Browser, live_site: Site, tmp_path: Path) -> None:
    event = live_site.event(author=live_site.user("ada"), status="draft")
    context = browser.new_context(java_script_enabled=False)
    start_session(context, live_site, "ada")
    page = context.new_page()
    page.goto(desk(live_site, event))
    badge = page.locator("#status .badge").first
    page.get_by_role("button", name="Go live").click()
    expect(badge).to_have_text("Live")
    page.click("#status > summary")
    page.locator(".suggestions .button").nth(1).click()
    expect(badge).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    page.click("#status > summary")
    page.get_by_text("End the coverage").click()
    page.fill("#closing-note", "That was it.")
    page.get_by_role("button", name="End it now").click()
    expect(badge).to_have_text("Ended")
    page.goto(desk(live_site, event, "edit/"))
    page.set_input_files("[name=cover]", photo(tmp_path))
    page.click(".post")
    expect(page.locator("#said")).to_contain_text("Saved")
    page.goto(live_site.page(event))
    expect(page.locator(".word")).to_contain_text("That was it.")
    expect(page.locator(".cover")).to_be_visible()
    page.goto(desk(live_site, event, "deletion/"))
    page.get_by_role("button", name="Make it a draft").click()
    expect(page.get_by_text("Nobody has it open now")).to_be_visible()
    page.get_by_role("button", name="Make it a draft").click()
    page.goto(desk(live_site, event, "deletion/"))
    page.get_by_label("Its address").fill(event.slug)  # readers have known it
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#said")).to_contain_text("was deleted")
    context.close()


@pytest.mark.skipif(not OWN or ":" in OWN, reason="this machine has no address but its own")
def test_a_browser_logs_in_and_goes_live_at_the_machines_own_address(page: Page, server: Callable[..., Site]) -> None:
    site = server(HOST="0.0.0.0")
    event = site.event(author=site.user("ada"), status="upcoming")
    site.url = f"http://{OWN}:{site.port}"
    sign_in(page, site.url, "ada")
    page.goto(desk(site, event))
    assert not page.evaluate("isSecureContext")
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#status .badge").first).to_have_text("Live")
    assert site.fresh(event).status == "live"
    assert not any(cookie["secure"] for cookie in page.context.cookies())


def test_no_page_has_a_violation_scrolls_sideways_or_has_a_control_too_small(phone: Page, live_site: Site) -> None:
    ada = live_site.user("ada")
    live = live_site.event("A title of some length, as such titles are", author=ada, updates=1)
    paused = live_site.event("Paused", author=ada, updates=1)
    ended = live_site.event("Ended", author=ada, updates=1)

    def prepare() -> None:
        paused.pause(note="x" * 200)
        ended.end(note=BACK)
        for event in (live, paused, ended):
            file = io.BytesIO()
            Image.new("RGB", (800, 450), "teal").save(file, "PNG")
            file.seek(0)
            made = event.add_photo(uploader=ada, key=uuid4(), file=file)
            event.set_cover(attachment=Attachment(made.key, "All teal"))

    live_site.do(prepare)
    phone.set_viewport_size({"width": 320, "height": 640})
    for address in (
        "/",
        *(f"/events/{event.slug}/" for event in (live, paused, ended)),
        *(f"/desk/{event.slug}/" for event in (live, paused, ended)),
        f"/desk/{live.slug}/edit/",
        f"/desk/{live.slug}/deletion/",
    ):
        phone.goto(live_site.url + address)
        phone.evaluate("document.querySelectorAll('#status, .ending').forEach((one) => { one.open = true; })")
        assert phone.evaluate(WIDE) == [], address
        assert phone.evaluate(SMALL) == [], address
        expect_accessible(phone, address)


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
