"""Two authors at one desk, each on a device of their own, and what arrives at the other."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Browser, Dialog, Page, expect

from liveblog.desk.changes import CHANGES
from liveblog.models import Event, Role, Update
from tests.browser.phones import LOOK_AGAIN, nudge, outbox
from tests.browser.proxy import Proxy
from tests.browser.reading import expect_accessible, until
from tests.browser.sessions import start_session
from tests.server import Site

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
SCREEN = {"viewport": {"width": 1280, "height": 800}}

# In one step each: a form whose answer comes just now is gone before Playwright could press it.
SEND_EDIT = """([number, text]) => {
  const form = document.querySelector(`#item-${number} form.editor`);
  if (!form) return;
  form.elements.body.value = text;
  form.elements.body.dispatchEvent(new Event('input', {bubbles: true}));
  form.querySelector('.post').click();
}"""
PRESS_CANCEL = """() => {
  const found = document.querySelector('form.editor [data-cancel]');
  found?.click();
  return Boolean(found);
}"""

ITEMS = """() => [...document.querySelectorAll('#items > .item')].map((item) => ({
  number: Number(item.dataset.number),
  revision: Number(item.dataset.revision),
  isPinned: item.classList.contains('is-pinned'),
  isWithdrawn: item.classList.contains('is-withdrawn'),
  text: (item.querySelector('article .prose') ?? item.querySelector('.withdrawn-text'))?.textContent.trim(),
}))"""


@pytest.fixture
def desks(browser: Browser, live_site: Site) -> Iterator[Callable[..., Page]]:
    """Open a desk as a user of this name: ``desks("ada", event, **PHONE)``. A script that fails fails the test."""
    contexts = []
    errors: list[str] = []

    def open_desk(
        name: str,
        event: Event,
        *,
        role: Role = Role.EDITOR,
        query: str = "",
        port: int = 0,
        has_clock: bool = False,
        **options: object,
    ) -> Page:
        who = live_site.user(name)
        live_site.do(User.objects.filter(pk=who.pk).update, first_name=name.capitalize())  # others know them without
        live_site.do(lambda: event.memberships.get_or_create(user=who, defaults={"role": role}))
        context = browser.new_context(timezone_id="UTC", **options)  # type: ignore[arg-type]
        start_session(context, live_site, name)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda said: re.search("NoTarget|inline style", said.text) and errors.append(said.text))
        contexts.append(context)
        page = context.new_page()
        if has_clock:
            page.clock.install()
        page.goto(f"http://127.0.0.1:{port or live_site.port}/desk/{event.slug}/{query}")
        expect(page.locator("#items")).to_be_attached()
        return page

    yield open_desk
    for context in contexts:
        context.close()
    assert not errors


def shown(page: Page) -> list[dict[str, object]]:
    """Return what the desk shows, from the top."""
    found: list[dict[str, object]] = page.evaluate(ITEMS)
    return found


def write(page: Page, text: str) -> None:
    """Post by the composer."""
    page.fill("#composer [name=body]", text)
    page.click("#composer .post")


def test_posts_edits_pins_and_withdrawals_of_one_arrive_at_the_other(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=2)
    ada, bo = desks("ada", event, **SCREEN), desks("bo", event, **PHONE)
    write(ada, "From Ada.")
    expect(bo.locator("#item-3 .prose")).to_have_text("From Ada.")  # by itself; the rest is asked for at once
    assert [item["number"] for item in shown(bo)] == [3, 2, 1]
    bo.tap("#edit-3")
    bo.fill("#item-3 [name=body]", "Put right by Bo.")
    bo.tap("#item-3 .post")
    expect(bo.locator("#item-3 .prose")).to_have_text("Put right by Bo.")
    nudge(ada)
    expect(ada.locator("#item-3 .prose")).to_have_text("Put right by Bo.")
    ada.click("#pin-1")
    expect(ada.locator("#item-1.is-pinned")).to_be_visible()
    nudge(bo)
    expect(bo.locator("#item-1.is-pinned")).to_be_visible()
    bo.tap("#pin-2")
    expect(bo.locator("#item-1:not(.is-pinned)")).to_be_visible()
    nudge(ada)
    expect(ada.locator("#item-2.is-pinned")).to_be_visible()
    expect(ada.locator("#item-1:not(.is-pinned)")).to_be_visible()
    ada.click("#withdraw-3")
    expect(ada.locator("#item-3.is-withdrawn")).to_be_visible()
    nudge(bo)
    expect(bo.locator("#item-3.is-withdrawn")).to_be_visible()
    expect(bo.locator("#restore-3")).to_have_text("Restore")


FIELD = """(field) => ({
  isFocused: document.activeElement === field,
  selection: [field.selectionStart, field.selectionEnd],
  scrolled: field.scrollTop,
  at: Math.round(field.getBoundingClientRect().top),
  text: field.value,
})"""


@pytest.mark.parametrize("device", [PHONE, SCREEN], ids=["phone", "screen"])
def test_ten_arrivals_do_not_disturb_what_is_being_typed(
    device: dict[str, object], desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=6)
    page = desks("ada", event, **device)
    type_on_while_five_arrive(page, live_site, event, "#composer [name=body]")
    page.click("#edit-3")
    type_on_while_five_arrive(page, live_site, event, "#item-3 [name=body]")


def type_on_while_five_arrive(page: Page, site: Site, event: Event, selector: str) -> None:
    """Hold everything about a field before five arrivals against the same afterwards."""
    field = page.locator(selector)
    field.fill("\n".join(f"Line {number} of a long text." for number in range(60)))
    field.evaluate("(field) => { field.focus(); field.setSelectionRange(700, 705); field.scrollTop = 300 }")
    before = field.evaluate(FIELD)
    assert before["isFocused"]
    assert before["scrolled"] == 300
    node = field.element_handle()
    for number in range(5):
        headline = "A headline that takes its room" if number % 2 else ""
        arrived = site.publish(event, f"Arrival {number}", headline=headline).number
        if number == 2:
            site.do(lambda: event.updates.get(number=5).edit(body=f"Changed beside {selector}\n\nand\n\ngrown"))
            site.do(lambda: event.updates.get(number=6).withdraw())
        nudge(page)
        expect(page.locator(f"#item-{arrived}")).to_be_attached()
    after = field.evaluate(FIELD)
    assert abs(after.pop("at") - before.pop("at")) <= 1
    assert after == before
    assert node.evaluate("(field) => field.isConnected && document.activeElement === field")
    assert [item["number"] for item in shown(page)] == list(range(arrived, 0, -1))
    page.keyboard.type("typed on")
    assert "typed on" in field.input_value()


def test_what_is_under_the_thumb_stays_there_though_the_composer_far_above_has_the_focus(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=18)
    page = desks("ada", event, **PHONE)
    expect(page.locator("#composer [name=body]")).to_be_focused()
    page.locator("#item-6").evaluate("(item) => scrollTo(0, scrollY + item.getBoundingClientRect().top - 100)")
    top = "(item) => Math.round(item.getBoundingClientRect().top)"
    before = page.locator("#item-6").evaluate(top)
    for number in range(3):
        arrived = live_site.publish(event, f"Arrival {number} takes its room.").number
        nudge(page)
        expect(page.locator(f"#item-{arrived}")).to_be_attached()
        assert abs(page.locator("#item-6").evaluate(top) - before) <= 1


def edit_elsewhere(site: Site, event: Event, number: int, body: str, **more: object) -> None:
    """Have Bo change an update."""
    bo = site.user("bo", first_name="Bo")
    site.do(lambda: event.updates.get(number=number).edit(body=body, editor=bo, **more))


def test_a_change_elsewhere_stands_above_the_open_form_which_is_left_alone(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=3)
    page = desks("ada", event, **PHONE)
    page.tap("#edit-1")
    field = page.locator("#item-1 [name=body]")
    expect(field).to_be_focused()
    assert field.evaluate("one => one.selectionStart === one.value.length && one.value.length > 0")
    assert page.locator("#item-1").evaluate("one => one.getBoundingClientRect().top") < 400, "with its text on top"
    field.fill("Mine")
    before = field.evaluate(FIELD)
    edit_elsewhere(live_site, event, 1, "Theirs, **strongly**.")
    nudge(page)
    line = page.locator("#item-1 .meanwhile")
    expect(line).to_contain_text("Changed meanwhile by Bo:")
    expect(line).to_contain_text("Theirs, strongly.")
    assert field.evaluate(FIELD) == before

    page.tap("#item-1 .post")
    expect(page.get_by_text("Bo has changed this update meanwhile")).to_be_visible()
    expect(page.locator("#item-1 .clash")).to_contain_text("Theirs, **strongly**.")
    expect(page.locator("#item-1 [name=body]")).to_have_value("Mine")
    page.tap("#item-1 [data-cancel]")  # keep theirs
    expect(page.locator("#item-1 .prose")).to_have_text("Theirs, strongly.")
    expect(page.locator("#edit-1")).to_be_focused()

    page.tap("#edit-1")
    expect(page.locator("#item-1 [name=body]")).to_have_value("Theirs, **strongly**.")
    page.fill("#item-1 [name=body]", "Mine again")
    edit_elsewhere(live_site, event, 1, "Theirs again")
    page.tap("#item-1 .post")
    expect(page.locator("#item-1 .clash")).to_contain_text("Theirs again")
    page.get_by_role("button", name="Save mine instead").tap()
    expect(page.locator("#item-1 .prose")).to_have_text("Mine again")
    assert live_site.do(lambda: event.updates.get(number=1).body) == "Mine again"
    assert live_site.do(lambda: event.updates.get(number=1).versions.count()) == 3


def test_a_pin_elsewhere_is_no_change_to_speak_of_and_a_withdrawal_is(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=2)
    page = desks("ada", event, **SCREEN)
    page.click("#edit-1")
    page.fill("#item-1 [name=body]", "Typed")
    live_site.do(lambda: event.pin(update=event.updates.get(number=1)))
    live_site.publish(event, "Something else")
    nudge(page)
    expect(page.locator("#item-3")).to_be_visible()
    assert page.locator(".meanwhile").count() == 0
    live_site.do(lambda: event.updates.get(number=1).withdraw())
    nudge(page)
    expect(page.locator("#item-1 .meanwhile")).to_contain_text("Withdrawn meanwhile")
    page.click("#item-1 .post")
    expect(page.locator("#item-1 .errors")).to_contain_text("Restore it")
    expect(page.locator("#item-1 [name=body]")).to_have_value("Typed")


def test_an_edit_whose_answer_was_lost_is_kept_and_sent_again_without_a_conflict(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=1)
    page = desks("ada", event, **PHONE)
    lost: list[int] = []

    def lose(route: object) -> None:
        if not lost and route.request.method == "POST":  # type: ignore[attr-defined]
            lost.append(1)
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/updates/1/", lose)
    page.tap("#edit-1")
    page.fill("#item-1 [name=body]", "Said once.")
    page.tap("#item-1 .post")
    expect(page.locator("#trouble")).to_be_visible()
    nudge(page)
    expect(page.locator("#item-1 .meanwhile")).to_contain_text("by you, from elsewhere")
    expect(page.locator("#item-1 [name=body]")).to_have_value("Said once.")
    page.tap("#item-1 .post")
    expect(page.locator("#item-1 .prose")).to_have_text("Said once.")
    assert live_site.do(lambda: event.updates.get(number=1).versions.count()) == 1


def test_what_was_typed_into_a_form_is_back_after_a_reload(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=3)
    page = desks("ada", event, **PHONE)
    page.tap("#edit-2")
    page.fill("#item-2 [name=headline]", "Half a head")
    page.fill("#item-2 [name=body]", "Half a text")
    page.reload()
    expect(page.locator("#item-2 [name=body]")).to_have_value("Half a text")
    expect(page.locator("#item-2 [name=headline]")).to_have_value("Half a head")
    expect(page.locator("#item-2 .restored")).to_be_visible()
    expect(page.locator("#composer [name=body]")).to_be_focused()
    edit_elsewhere(live_site, event, 2, "Theirs")
    page.reload()
    expect(page.locator("#item-2 [name=body]")).to_have_value("Half a text")
    page.locator("#item-2 .post").tap()
    expect(page.locator("#item-2 .clash")).to_contain_text("Theirs")  # it knew what it began from
    page.tap("#item-2 .post")
    expect(page.locator("#item-2 .prose")).to_have_text("Half a text")
    page.reload()
    expect(page.locator("#item-2 .prose")).to_have_text("Half a text")
    assert page.locator("form.editor").count() == 0


def test_the_keyboard_saves_cancels_and_undoes(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=2)
    page = desks("ada", event, **SCREEN)
    asked: list[str] = []
    answers = [False, True]

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if answers.pop(0) else dialog.dismiss()

    page.on("dialog", answer)
    page.focus("#edit-2")
    page.keyboard.press("Enter")
    expect(page.locator("#item-2 [name=body]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#edit-2")).to_be_focused()
    assert asked == [], "nothing was changed"
    page.keyboard.press("Enter")
    page.locator("#item-2 [name=body]").fill("By keys")
    page.keyboard.press("Escape")
    expect(page.locator("#item-2 [name=body]")).to_have_value("By keys")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#item-2 .prose")).to_have_text("By keys")
    expect(page.locator("#edit-2")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#item-2 [name=body]").fill("Given up")
    page.keyboard.press("Escape")
    expect(page.locator("#item-2 .prose")).to_have_text("By keys")
    assert len(asked) == 2
    page.focus("#withdraw-2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#item-2 .prose")).to_have_text("By keys")
    assert live_site.do(lambda: event.updates.get(number=2).withdrawn_at) is None


def test_a_withdrawal_is_at_once_and_can_be_undone_for_ten_seconds(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=2)
    page = desks("ada", event, **PHONE)
    page.evaluate("window.passed = 0; performance.now = () => 60_000 + window.passed")  # timers go on
    page.tap("#withdraw-2")
    expect(page.locator("#item-2 .undo")).to_contain_text("Withdrawn.")
    expect(page.locator("#item-2 .undo")).to_contain_text("10 seconds left")
    assert [update.number for update in live_site.updates(event)] == [1]
    live_site.publish(event, "Meanwhile")
    nudge(page)
    expect(page.locator("#item-3")).to_be_visible()
    page.evaluate("() => { window.passed = 7_500; const now = Date.now; Date.now = () => now() - 600_000; }")
    expect(page.locator("#item-2 .undo")).to_contain_text("3 seconds left")
    page.evaluate("window.passed = 10_100")  # whatever the clock says, which somebody has set back
    expect(page.locator("#item-2 .undo")).to_have_count(0)
    expect(page.locator("#restore-2")).to_have_text("Restore")
    page.tap("#restore-2")
    expect(page.locator("#item-2 .prose")).to_be_visible()


def test_moving_the_pin_from_what_is_not_on_the_page_is_no_error(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=53)
    live_site.do(lambda: event.pin(update=event.updates.get(number=1)))
    page = desks("ada", event, **SCREEN)
    page.click("#pin-53")
    expect(page.locator("#item-53.is-pinned")).to_be_visible()
    live_site.publish(event, "After the pin had moved")
    nudge(page)
    expect(page.locator("#item-54")).to_be_visible()
    assert page.locator("#item-1").count() == 0, "it lies outside what is loaded"
    page.click("#older")
    expect(page.locator("#item-1")).to_be_attached()
    assert page.locator(".is-pinned").count() == 1
    assert [item["number"] for item in shown(page)] == list(range(54, 0, -1))


def test_a_page_of_older_updates_stays_one_and_grows_only_within(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=60)
    place = live_site.do(lambda: event.updates.get(number=41).place)
    page = desks("ada", event, **SCREEN, query=f"?before={place}")
    assert [item["number"] for item in shown(page)] == list(range(40, 0, -1))
    live_site.publish(event, "The newest")
    between = live_site.do(lambda: event.updates.get(number=20).published_at + timedelta(microseconds=1))
    live_site.publish(event, "In between", published_at=between)
    live_site.do(lambda: event.updates.get(number=40).move(published_at=timezone.now()))
    nudge(page)
    expect(page.locator("#item-62")).to_be_attached()
    expect(page.locator("#item-40")).to_have_count(0)
    assert [item["number"] for item in shown(page)] == [*range(39, 20, -1), 62, *range(20, 0, -1)]


def test_a_desk_that_fell_far_behind_fetches_anew_and_keeps_what_is_being_written(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=52)
    page = desks("ada", event, **SCREEN)
    page.click("#older")
    expect(page.locator("#item-1")).to_be_attached()
    page.fill("#composer [name=body]", "Being written")
    page.click("#edit-50")
    page.fill("#item-50 [name=body]", "Being changed")
    page.context.set_offline(True)

    def happen() -> None:
        author = event.authors.order_by("pk").first()
        with transaction.atomic():
            event.updates.get(number=50).edit(body="Changed by somebody")
            event.updates.get(number=49).withdraw()
            for number in range(CHANGES - 1):
                event.publish(author=author, body=f"Far ahead {number}")

    live_site.do(happen)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "before=" in request.url else None)
    page.context.set_offline(False)
    newest = 52 + CHANGES - 1
    expect(page.locator(f"#item-{newest}")).to_be_attached()
    assert fetched, "changes alone led there: it was not far behind"
    expect(page.locator("#composer [name=body]")).to_have_value("Being written")
    expect(page.locator("#item-50 [name=body]")).to_have_value("Being changed")
    expect(page.locator("#item-50 .meanwhile")).to_contain_text("Changed by somebody")
    assert [item["number"] for item in shown(page)] == list(range(newest, 0, -1)), "all that had been loaded"


def test_a_question_that_is_swallowed_is_given_up_and_asked_again(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=1)
    with Proxy(live_site.port) as network:
        page = desks("ada", event, port=network.port, has_clock=True, service_workers="block", **SCREEN)
        network.reset()  # or the next question would go out on another old connection
        network.swallow()
        with page.expect_request("**/changes/?*"):
            nudge(page)
        network.mend()  # for new connections: the question under way gets no answer any more
        live_site.publish(event, "Meanwhile")
        page.clock.fast_forward(16_000)
        nudge(page)
        expect(page.locator("#item-2")).to_be_visible()


def test_who_is_signed_out_is_told_quietly_and_goes_on_when_signed_in_again(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=1)
    page = desks("ada", event, **PHONE)
    page.fill("#composer [name=body]", "Kept")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    nudge(page)
    expect(page.locator("#stream-state")).to_contain_text("You are signed out.")
    expect(page.locator("#stream-state a")).to_be_visible()
    live_site.publish(event, "Missed")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    nudge(page)
    expect(page.locator("#item-2")).to_be_visible()
    expect(page.locator("#stream-state")).to_be_hidden()
    expect(page.locator("#composer [name=body]")).to_have_value("Kept")


@pytest.mark.parametrize("has_clipboard", [True, False])
def test_a_link_is_copied_with_a_clipboard_and_without(
    has_clipboard: bool, desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=1)
    page = desks("ada", event, **SCREEN, permissions=["clipboard-read", "clipboard-write"])
    if not has_clipboard:
        page.evaluate("Object.defineProperty(navigator.clipboard, 'writeText', { value: () => Promise.reject() })")
    page.click("#more-1")
    page.evaluate(
        """() => {
            const link = document.querySelector("#copy-1");
            window.labels = [];
            new MutationObserver(() => labels.push(link.textContent)).observe(link, { childList: true });
        }"""
    )
    page.click("#copy-1")
    page.wait_for_function("labels.includes('Copied')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{live_site.page(event)}updates/1/"
    assert page.locator(".copy-field").count() == 0
    assert page.get_attribute("#see-1", "href") == f"/events/{event.slug}/?around=1#update-1"


def test_an_update_is_compared_with_what_it_said_and_erased(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=2)
    edit_elsewhere(live_site, event, 1, "This is quite another text.")
    owner = desks("cleo", event, role=Role.OWNER, **PHONE)
    other = desks("bo", event, **SCREEN)
    assert other.locator("#purge-1").count() == 0
    owner.tap("#more-1")
    owner.tap("#versions-1")
    expect(owner.locator(".compared ins").first).to_be_visible()
    owner.go_back()
    owner.tap("#more-1")
    owner.tap("#purge-1")
    owner.tap(".purge .post")
    expect(owner.get_by_role("alert")).to_contain_text("Nothing has been erased")
    owner.fill("[name=number]", "1")
    owner.tap(".purge .post")
    expect(owner.locator("#item-1")).to_contain_text("erased")
    nudge(other)
    expect(other.locator("#item-1")).to_contain_text("erased")
    assert "another text" not in other.content()


def test_the_stream_works_without_javascript(desks: Callable[..., Page], live_site: Site) -> None:
    event = live_site.event(updates=2)
    live_site.do(lambda: Update.objects.filter(event=event).update(posted_at=timezone.now() - timedelta(hours=1)))
    page = desks("cleo", event, role=Role.OWNER, **SCREEN, java_script_enabled=False)
    page.click("#edit-1")
    page.fill("[name=body]", "Changed plainly.")
    page.fill("[name=correction]", "It was not so.")
    edit_elsewhere(live_site, event, 1, "Theirs, plainly.")
    page.click(".post >> text=Save")
    expect(page.locator(".clash")).to_contain_text("Theirs, plainly.")
    page.click("text=Save mine instead")
    expect(page.locator("#item-1")).to_contain_text("Changed plainly.")
    expect(page.locator("#item-1 .corrections")).to_contain_text("It was not so.")
    page.click("#withdraw-2")
    page.click("#restore-2")
    page.click("#pin-2")
    expect(page.locator("#item-2 .flag")).to_be_visible()
    page.click("#more-1")
    page.click("#versions-1")
    page.check("[name=from][value='1']")
    page.check("[name=to][value='2']")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".compared ins").last).to_contain_text("Theirs")
    page.goto(page.url.split("versions/")[0] + "purge/")
    page.fill("[name=number]", "1")
    page.click(".post")
    expect(page.locator("#item-1")).to_contain_text("erased")


SMALL = """() => [...document.querySelectorAll(':is(.desk-stream, .versions, .purge) :is(a, button, summary)')]
  .filter((one) => !one.closest('article, .visually-hidden') && one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44).map(([html]) => html)"""


def expect_whole(page: Page, site: Site, event: Event) -> None:
    """Wait until the desk shows exactly the event's updates, each as it is, as a fresh page does."""

    def right() -> list[dict[str, object]]:
        now = Event.objects.get(pk=event.pk)
        return [
            {
                "number": update.number,
                "revision": update.revision,
                "isPinned": update.number == now.pinned_number and not update.withdrawn_at,
                "isWithdrawn": bool(update.withdrawn_at),
                "text": update.title if update.withdrawn_at else update.body_text,
            }
            for update in now.updates.newest_first()
        ]

    until(page, lambda: shown(page) == site.do(right))


def test_after_forty_changes_by_two_with_the_network_cut_both_desks_are_whole(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=8)
    chance = random.Random(20261122)
    with Proxy(live_site.port) as first, Proxy(live_site.port) as second:
        ada = desks("ada", event, role=Role.OWNER, port=first.port, **PHONE)
        bo = desks("bo", event, port=second.port, **SCREEN)
        pages, networks = [ada, bo], [first, second]
        for step in range(40):
            act = chance.choice(["post", "edit", "withdraw", "restore", "pin", "key", "elsewhere", "elsewhere"])
            which = chance.randrange(2)
            page = pages[which]
            if step in {8, 24}:
                networks[which].cut() if step == 8 else networks[which].swallow()
            if step in {14, 30}:
                for network in networks:
                    network.mend()
                    network.reset()
            number = chance.choice([item["number"] for item in shown(page)])
            control = page.locator(f"#{act}-{number}")
            if act == "post":
                page.locator("#composer [name=body]").fill(f"Step {step}")
                page.locator("#composer .post").click()
            elif act == "elsewhere":
                target = chance.randint(1, 8)
                happening = chance.choice([Update.withdraw, Update.restore, _move, _edit])
                live_site.do(_try, event, target, happening)
            elif act == "edit" and control.count():
                press(page, f"{act}-{number}")
                form = page.locator(f"#item-{number} form.editor")
                if networks[which].passes:
                    until(page, lambda form=form, control=control: form.count() or not control.count())
                page.evaluate(SEND_EDIT, [number, f"Edited in step {step}"])
            elif control.count() and control.is_visible():
                press(page, f"{act}-{number}")
            page.wait_for_timeout(chance.choice([0, 20, 100]))  # what was asked for is under way, or answered
        for page in pages:
            page.evaluate("window.confirm = () => true")
            while page.evaluate(PRESS_CANCEL):
                page.wait_for_timeout(20)
            until(page, lambda page=page: not outbox(page) or page.evaluate(LOOK_AGAIN))
        for page in pages:
            nudge(page)
            expect_whole(page, live_site, event)
        before = shown(bo)
        bo.reload()
        assert shown(bo) == before


def press(page: Page, control: str) -> None:
    """Press a control, unless it has gone in this very moment."""
    page.evaluate("(id) => document.getElementById(id)?.click()", control)


def _edit(update: Update) -> None:
    update.edit(body=f"{update.body} And more.")


def _move(update: Update) -> None:
    update.move(published_at=update.published_at - timedelta(minutes=update.number % 3))


def _try(event: Event, number: int, happening: Callable[[Update], None]) -> None:
    with suppress(ValidationError):
        happening(event.updates.get(number=number))


def test_the_stream_is_accessible_and_fits_a_small_phone_with_room_for_thumbs(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(updates=5)
    live_site.do(lambda: Update.objects.filter(event=event).update(posted_at=timezone.now() - timedelta(hours=1)))
    edit_elsewhere(live_site, event, 1, "Another text", correction="It was not so.")
    live_site.do(lambda: event.updates.get(number=4).withdraw())
    live_site.do(lambda: event.pin(update=event.updates.get(number=3)))
    page = desks("cleo", event, role=Role.OWNER, viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True)

    def check(name: str) -> None:
        expect_accessible(page, name, within="#desk")
        wide = page.evaluate(
            "[...document.querySelectorAll('.desk-stream *, .versions *, .compared *, .purge *')]"
            ".filter((one) => one.getBoundingClientRect().right > 320).map((one) => one.outerHTML.slice(0, 90))"
        )
        assert wide == [], name
        small = page.evaluate(SMALL)
        assert small == [], name

    page.tap("#more-3")
    check("stream")
    page.clock.set_fixed_time(timezone.now())  # the ten seconds for undoing don't pass
    page.tap("#withdraw-2")
    expect(page.locator(".undo")).to_be_visible()
    check("undo")
    assert page.locator(".undo").is_visible()
    page.tap("#edit-1")
    page.fill("#item-1 [name=body]", "Mine")
    edit_elsewhere(live_site, event, 1, "Theirs")
    nudge(page)
    expect(page.locator(".meanwhile")).to_be_visible()
    check("meanwhile")
    page.tap("#item-1 .post")
    expect(page.locator(".clash")).to_be_visible()
    check("conflict")
    home = page.url.split("#")[0]
    page.goto(f"{home}updates/1/versions/?from=1&to=3")
    check("versions")
    page.goto(f"{home}updates/1/purge/")
    page.tap(".purge .post")
    expect(page.get_by_role("alert").filter(has_text="Nothing has been erased")).to_be_visible()
    check("purge")


def test_the_title_and_the_way_to_the_readers_page_follow_what_happens_elsewhere(
    desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(status="draft")
    ada, bo = desks("ada", event, role=Role.OWNER, **SCREEN), desks("bo", event, **PHONE)
    expect(bo.get_by_role("link", name="Preview")).to_be_visible()
    ada.get_by_role("button", name="Go live").click()
    expect(ada.locator("#status .badge")).to_have_text("Live")
    nudge(bo)
    for page in (ada, bo):
        expect(page.get_by_role("link", name="Readers’ page", exact=True)).to_be_visible()
        expect(page.locator("#status .badge")).to_have_text("Live")
    live_site.do(event.revise, title="Another title")
    nudge(bo)
    expect(bo.locator("#desk-title")).to_have_text("Another title")
    expect(bo).to_have_title("Another title – desk")


def _rename_elsewhere(event: Event) -> None:
    event.revise(title="Renamed", time_zone="Asia/Tokyo")


def _restore_backup(event: Event) -> None:
    event.revise(title="Renamed")
    Event.objects.filter(pk=event.pk).update(edition="0badcafe", time_zone="Asia/Tokyo")


def _rename_and_post_much(event: Event) -> None:
    author = event.authors.order_by("pk").first()
    with transaction.atomic():
        _rename_elsewhere(event)
        for number in range(CHANGES + 1):
            event.publish(author=author, body=f"Far ahead {number}")


@pytest.mark.parametrize("happening", [_rename_elsewhere, _restore_backup, _rename_and_post_much])
def test_a_desk_that_fetches_its_stream_anew_has_the_head_of_now_as_well(
    happening: Callable[[Event], None], desks: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(status="draft", updates=1)
    page = desks("ada", event, **SCREEN)
    expect(page.get_by_role("link", name="Preview")).to_be_visible()
    page.fill("#composer [name=body]", "Being written")
    page.context.set_offline(True)
    live_site.do(event.go_live)
    live_site.do(happening, event)
    page.context.set_offline(False)
    nudge(page)
    expect(page.locator("#desk-title")).to_have_text("Renamed")
    expect(page).to_have_title("Renamed – desk")
    expect(page.locator("#status .badge")).to_have_text("Live")
    expect(page.get_by_role("link", name="Readers’ page", exact=True)).to_be_visible()
    expect(page.locator("#composer [name=body]")).to_have_value("Being written")
    page.click("#composer .more-fields summary")
    expect(page.locator("#composer .more-fields")).to_contain_text("In Asia/Tokyo")
    tokyo = timezone.now().astimezone(ZoneInfo("Asia/Tokyo"))
    page.fill("#composer-at", f"{tokyo - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    expect(page.locator("#composer-when")).to_contain_text("Gets the time")  # by UTC it would lie ahead
