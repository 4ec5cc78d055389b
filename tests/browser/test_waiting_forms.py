"""What waits is changed in its place in the queue, as safely as what is published."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from liveblog.models import Attachment, Event, Role, Waiting
from tests.browser.phones import BODY, bodies, nudge
from tests.browser.reading import until
from tests.server import Site


@pytest.fixture(autouse=True)
def media(live_site: Site, settings: object) -> None:
    """Have this process store photos where the server looks for them."""
    settings.MEDIA_ROOT = live_site.data_dir / "media"  # type: ignore[attr-defined]


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's for which bo writes."""
    event = live_site.event(author=live_site.user("ada"))
    live_site.do(event.memberships.create, user=live_site.user("bo"), role=Role.CONTRIBUTOR)
    return event


def hold(site: Site, event: Event, name: str = "ada", *, photos: int = 0, **more: object) -> Waiting:
    """Have somebody schedule an update for in an hour."""
    author = site.user(name)

    def submit() -> Waiting:
        keys = [_photo(event, author) for _ in range(photos)]
        due_at = timezone.now() + timedelta(hours=1)
        sent = {"body": "For later.", "due_at": due_at, "photos": [Attachment(key, "As it was") for key in keys]} | more
        waiting = event.submit(author=author, **sent)
        assert isinstance(waiting, Waiting)
        return waiting

    return site.do(submit)


def _photo(event: Event, author: object) -> object:
    file = BytesIO()
    Image.new("RGB", (300, 200), "teal").save(file, "PNG")
    file.seek(0)
    return event.add_photo(uploader=author, key=uuid4(), file=file).key  # type: ignore[arg-type]


def open_form(page: Page, site: Site, event: Event, waiting: Waiting) -> str:
    """Open the desk and the form; return the selector of what stands in its place."""
    page.goto(f"{site.url}/desk/{event.slug}/")
    page.tap(f"#edit-waiting-{waiting.key}")
    place = f"#waiting-{waiting.key}"
    expect(page.locator(f"{place} [name=body]")).to_be_visible()
    return place


def test_what_waits_is_changed_in_place_with_its_photos_time_and_key_flag(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    waiting = hold(live_site, event, photos=2)
    page = phone("ada", live_site).new_page()
    place = open_form(page, live_site, event, waiting)
    page.fill(f"{place} [name=body]", "Said *better*.")
    page.locator(f"{place} [name=alt]").first.fill("As it is")
    page.locator(f"{place} [data-step=remove]").last.tap()
    page.check(f"{place} [name=is_key]")
    page.tap(f"{place} .post")
    expect(page.locator(f"{place} .queued-text")).to_contain_text("Said better.")
    expect(page.locator(f"{place} .key-flag")).to_be_visible()
    expect(page.locator(f"{place} img")).to_have_count(1)
    expect(page.locator("#said")).to_have_text("Saved.")

    def publish() -> None:
        update = Waiting.objects.get(pk=waiting.pk).publish()
        assert (update.body, update.is_key) == ("Said *better*.", True)
        assert [photo.alt for photo in update.readable_photos] == ["As it is"]
        assert event.photos.filter(update=None, waiting=None).count() == 1

    live_site.do(publish)


def test_what_was_typed_is_back_after_leaving_and_after_a_lost_network(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    waiting = hold(live_site, event)
    context = phone("ada", live_site)
    page = context.new_page()
    place = open_form(page, live_site, event, waiting)
    page.fill(f"{place} [name=body]", "Half a text")
    page.goto(f"{live_site.url}/")
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect(page.locator(f"{place} [name=body]")).to_have_value("Half a text")
    expect(page.locator(f"{place} .restored")).to_be_visible()
    context.set_offline(True)
    page.tap(f"{place} .post")
    expect(page.locator("#trouble")).to_contain_text("Nothing you wrote is lost")
    expect(page.locator(f"{place} [name=body]")).to_have_value("Half a text")
    context.set_offline(False)
    page.tap(f"{place} .post")
    expect(page.locator(f"{place} .queued-text")).to_contain_text("Half a text")
    page.reload()
    expect(page.locator(f"{place} .queued-text")).to_contain_text("Half a text")


def test_an_expired_login_loses_nothing(phone: Callable[..., BrowserContext], live_site: Site, event: Event) -> None:
    waiting = hold(live_site, event)
    context = phone("ada", live_site)
    page = context.new_page()
    place = open_form(page, live_site, event, waiting)
    page.fill(f"{place} [name=body]", "Still here.")
    context.clear_cookies(name="sessionid")
    page.tap(f"{place} .post")
    expect(page.locator("#trouble")).to_contain_text("signed out")
    expect(page.locator(f"{place} [name=body]")).to_have_value("Still here.")


def test_a_change_and_a_publication_elsewhere_are_told_above_the_open_form(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    waiting = hold(live_site, event)
    page = phone("ada", live_site).new_page()
    place = open_form(page, live_site, event, waiting)
    page.fill(f"{place} [name=body]", "Mine")
    live_site.do(lambda: waiting.edit(headline="", body="Theirs, **strongly**.", due_at=waiting.due_at))
    nudge(page)
    expect(page.locator(f"{place} .meanwhile")).to_contain_text("Theirs, strongly.")
    expect(page.locator(f"{place} [name=body]")).to_have_value("Mine")
    page.tap(f"{place} .post")
    expect(page.locator(f"{place} .clash")).to_contain_text("Theirs, **strongly**.")
    page.get_by_role("button", name="Save mine instead").tap()
    expect(page.locator(f"{place} .queued-text")).to_contain_text("Mine")

    page.tap(f"#edit-waiting-{waiting.key}")
    page.fill(f"{place} [name=body]", "Too late")
    live_site.do(lambda: Waiting.objects.get(pk=waiting.pk).publish())
    nudge(page)
    expect(page.locator(f"{place} .meanwhile")).to_contain_text("It no longer waits")
    page.tap(f"{place} .post")
    expect(page.locator("#trouble")).to_contain_text("published already, as update 1")
    expect(page.locator(f"{place} [name=body]")).to_have_value("Too late")
    page.on("dialog", lambda dialog: dialog.accept())
    page.tap(f"{place} [data-cancel]")
    expect(page.locator(place)).to_have_count(0)
    expect(page.locator("#queue")).to_be_hidden()
    assert bodies(live_site, event) == ["Mine"]


def test_what_was_typed_into_something_that_no_longer_waits_comes_into_the_composer(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    waiting = hold(live_site, event)
    page = phone("ada", live_site).new_page()
    place = open_form(page, live_site, event, waiting)
    page.fill(f"{place} [name=body]", "Half a text")
    page.fill(BODY, "A draft")
    live_site.do(lambda: Waiting.objects.get(pk=waiting.pk).publish())
    page.reload()
    expect(page.locator(BODY)).to_have_value("Half a text")
    expect(page.locator("#said")).to_contain_text("no longer waits")
    page.tap("#composer .post")
    expect(page.locator(BODY)).to_have_value("A draft")
    until(page, lambda: bodies(live_site, event) == ["For later.", "Half a text"])


@pytest.mark.parametrize("is_by_link", [False, True], ids=["in place", "on a page of its own"])
def test_what_was_rejected_is_sent_again_with_its_photos_and_its_time(
    is_by_link: bool, phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    waiting = hold(live_site, event, "bo", photos=2, needs_approval=True, headline="Later")
    live_site.do(waiting.reject)
    page = phone("bo", live_site, timezone_id="UTC").new_page()
    asked: list[Route] = []
    page.route("**/photos/", lambda route: asked.append(route))
    if is_by_link:
        page.goto(f"{live_site.url}/desk/{event.slug}/waiting/{waiting.key}/")
        page.get_by_role("link", name="Edit and send again").tap()
    else:
        page.goto(f"{live_site.url}/desk/{event.slug}/")
        page.tap("[data-again]")
    expect(page.locator(BODY)).to_have_value("For later.")
    expect(page.locator(".shot")).to_have_count(2)
    until(page, lambda: page.locator(".shot canvas").first.evaluate("one => one.width") == 300)
    expect(page.locator("#composer-at")).not_to_have_value("")
    page.locator(".shot input").first.fill("Another word")
    page.fill(BODY, "For later, better.")
    page.tap("#composer .post")
    until(page, lambda: live_site.do(event.waiting.filter(rejected_at=None).count) == 1)
    again = live_site.do(lambda: event.waiting.get(rejected_at=None))
    assert (again.body, again.headline) == ("For later, better.", "Later")
    assert abs(again.due_at - waiting.due_at) < timedelta(minutes=1)
    assert [photo["alt"] for photo in again.photos] == ["Another word", "As it was"]
    assert not asked, "the service has them"
    live_site.do(lambda: Waiting.objects.get(pk=waiting.pk).erase())
    assert live_site.do(event.photos.count) == 2
