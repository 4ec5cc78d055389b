"""People at the desk: a volunteer comes in by a link, posts, is approved on another screen, and is thrown out."""

from collections.abc import Callable, Sequence

import pytest
from axes.models import AccessAttempt
from playwright.sync_api import Page, expect

from liveblog.models import Event, Role, Waiting
from tests.browser.phones import nudge
from tests.browser.reading import expect_accessible, open_page
from tests.browser.sessions import start_session
from tests.server import Site

PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


def signed_in(page: Page, site: Site, name: str) -> Page:
    start_session(page.context, site, name)
    return page


def desk(site: Site, event: Event) -> str:
    return f"{site.url}/desk/{event.slug}/"


def invite(owner: Page, site: Site, event: Event, name: str) -> str:
    """Invite somebody on the people's page and return the link."""
    owner.goto(f"{desk(site, event)}people/")
    owner.fill("#invite-name", name)
    owner.get_by_role("button", name="Make a link").click()
    expect(owner.locator("#made svg")).to_be_visible()
    return owner.input_value("#link")


def post(page: Page, body: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-script", "on")  # before that, it is a plain form
    page.fill("#composer [name=body]", body)
    page.click("#composer .post")


def read_code(page: Page, scheme: str) -> list[list[bool]]:
    """Return the modules of the QR code as they are painted: dark or not."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    return page.evaluate(
        """async () => {
      const svg = document.querySelector('#made svg');
      const size = svg.viewBox.baseVal.width;
      const image = new Image();
      const copy = svg.cloneNode(true);
      copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
      copy.setAttribute('width', size); copy.setAttribute('height', size);
      image.src = 'data:image/svg+xml,' + encodeURIComponent(new XMLSerializer().serializeToString(copy));
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), {width: size, height: size});
      const pen = canvas.getContext('2d');
      pen.drawImage(image, 0, 0);
      const {data} = pen.getImageData(0, 0, size, size);
      return Array.from({length: size}, (_, y) => Array.from({length: size}, (_, x) => data[4 * (y * size + x)] < 128));
    }"""
    )


def test_a_volunteer_comes_in_by_a_link_posts_is_approved_elsewhere_and_is_thrown_out(
    opened: Callable[..., Page], page: Page, live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=1)
    owner = signed_in(opened(), live_site, "ada")
    link = invite(owner, live_site, event, "Sam Okafor")

    phone = opened(**PHONE)
    phone.goto(link)
    expect(phone.get_by_role("heading", name="Sam Okafor")).to_be_visible()
    phone.get_by_role("button", name="Start reporting").tap()
    expect(phone).to_have_url(desk(live_site, event))
    expect(phone.locator(".who")).to_contain_text("Sam Okafor, guest")

    open_page(page, live_site, event)
    owner.goto(desk(live_site, event))
    expect(owner.locator("#queue")).to_be_hidden()
    post(phone, "Two hundred people at the *gate*.")
    expect(phone.locator("#queue .queued")).to_contain_text("Two hundred people at the gate.")
    expect(phone.locator("#composer [name=body]")).to_have_value("")
    assert live_site.updates(event)[-1].number == 1

    nudge(owner)
    expect(owner.locator("#queue .queued")).to_contain_text("Two hundred people")
    expect(owner).to_have_title("(1) The landing – desk")
    owner.locator("#queue").get_by_role("button", name="Publish").click()
    expect(owner.locator("#item-2")).to_contain_text("Two hundred people at the gate.")
    expect(owner.locator("#queue")).to_be_hidden()
    expect(owner).to_have_title("The landing – desk")
    expect(page.locator("#update-2")).to_contain_text("Sam Okafor")
    nudge(phone)
    expect(phone.locator("#item-2")).to_be_visible()
    expect(phone.locator("#queue")).to_be_hidden()

    owner.goto(f"{desk(live_site, event)}people/")
    owner.get_by_role("button", name="Revoke").click()
    expect(owner.locator("#people")).to_contain_text("Revoked")
    post(phone, "Am I still in?")
    expect(phone.locator("#outbox")).to_contain_text("invitation")
    expect(phone.locator("#outbox")).to_contain_text("Am I still in?")
    phone.reload()
    expect(phone.get_by_role("heading", name="Your invitation has ended")).to_be_visible()
    expect(page.locator("#update-2")).to_be_visible()
    assert len(live_site.updates(event)) == 2


def test_the_code_is_the_links_dark_on_light_in_every_scheme_and_nothing_is_blocked(
    opened: Callable[..., Page], live_site: Site
) -> None:
    import segno

    event = live_site.event(author=live_site.user("ada"))
    owner = signed_in(opened(), live_site, "ada")
    complaints: list[str] = []
    owner.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    link = invite(owner, live_site, event, "Sam")
    wanted = [[bool(dark) for dark in row] for row in segno.make(link, error="m", micro=False).matrix_iter(border=4)]
    for scheme in ("light", "dark"):
        assert read_code(owner, scheme) == wanted
    assert not complaints


@pytest.mark.parametrize("has_clipboard", [True, False])
def test_the_link_can_be_copied_with_and_without_a_clipboard(
    has_clipboard: bool, opened: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"))
    owner = signed_in(opened(permissions=["clipboard-read", "clipboard-write"]), live_site, "ada")
    if not has_clipboard:  # as on plain http from another machine
        owner.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    link = invite(owner, live_site, event, "Sam")
    owner.get_by_role("button", name="Copy the link").click()
    expect(owner.locator(".made-copied")).to_have_text("Copied.")
    owner.focus("#invite-name")
    owner.keyboard.press("Control+V")
    expect(owner.locator("#invite-name")).to_have_value(link)


def test_a_link_lets_nobody_in_who_only_opens_it_and_works_without_javascript(
    opened: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"))
    token = live_site.do(event.invite, name="Sam", made_by=live_site.user("ada"))[1]
    plain = opened(java_script_enabled=False)
    plain.goto(f"{live_site.url}/join/{token}/")
    plain.goto(desk(live_site, event))
    expect(plain.get_by_role("heading", name="Sign in")).to_be_visible()
    plain.goto(f"{live_site.url}/join/{token}/")
    plain.click("main form button")
    expect(plain).to_have_url(desk(live_site, event))
    plain.fill("[name=body]", "By a plain form.")
    plain.click("#composer .post")
    expect(plain.locator("#queue")).to_contain_text("By a plain form.")
    plain.click("text=Take back")
    expect(plain.locator("#queue")).to_contain_text("Not published")
    plain.click("text=Edit and send again")
    expect(plain.locator("#composer [name=body]")).to_have_value("By a plain form.")


def test_a_rejected_text_comes_back_with_the_reason_and_does_not_push_a_draft_out(
    opened: Callable[..., Page], live_site: Site
) -> None:
    event, bob = live_site.event(author=live_site.user("ada")), live_site.user("bob")
    live_site.do(event.appoint, user=bob, role=Role.CONTRIBUTOR)
    live_site.do(event.submit, author=bob, headline="Hearsay", body="The minister has **left**.", needs_approval=True)
    owner, phone = signed_in(opened(), live_site, "ada"), signed_in(opened(**PHONE), live_site, "bob")
    for page in (owner, phone):
        page.goto(desk(live_site, event))
    phone.fill("#composer [name=body]", "A draft of mine.")
    owner.click("text=Reject…")
    owner.fill("[name=reason]", "Who says so?")
    owner.locator(".reject").get_by_role("button", name="Reject").click()
    expect(owner.locator("#queue")).to_be_hidden()
    nudge(phone)
    expect(phone.locator("#queue")).to_contain_text("Who says so?")
    phone.get_by_role("link", name="Edit and send again").tap()
    expect(phone.locator("#composer [name=body]")).to_have_value("The minister has **left**.")
    expect(phone.locator("#composer [name=headline]")).to_have_value("Hearsay")
    phone.fill("#composer [name=body]", "The minister has left, says the ministry.")
    phone.tap("#composer .post")
    expect(phone.locator("#composer [name=body]")).to_have_value("A draft of mine.")
    expect(phone.locator("#queue")).to_contain_text("says the ministry")
    waiting = live_site.do(lambda: list(Waiting.objects.filter(event=event).for_approval()))
    assert [one.body for one in waiting] == ["The minister has left, says the ministry."]


def test_what_arrives_in_the_queue_leaves_a_reason_being_typed_alone(
    opened: Callable[..., Page], live_site: Site
) -> None:
    event, bob = live_site.event(author=live_site.user("ada")), live_site.user("bob")
    live_site.do(event.appoint, user=bob, role=Role.CONTRIBUTOR)
    first = live_site.do(event.submit, author=bob, body="The first.", needs_approval=True)
    second = live_site.do(event.submit, author=bob, body="The second.", needs_approval=True)
    owner = signed_in(opened(), live_site, "ada")
    owner.goto(desk(live_site, event))
    owner.locator(f"#waiting-{second.key} summary").click()
    owner.locator(f"#reason-{second.key}").press_sequentially("We need ")
    live_site.do(event.submit, author=bob, body="The third.", needs_approval=True)
    live_site.do(first.publish)
    nudge(owner)
    expect(owner.locator("#queue")).to_contain_text("The third.")
    expect(owner.locator("#queue")).not_to_contain_text("The first.")
    expect(owner.locator(f"#reason-{second.key}")).to_be_focused()
    owner.keyboard.type("a source.")
    expect(owner.locator(f"#reason-{second.key}")).to_have_value("We need a source.")
    live_site.do(lambda: Waiting.objects.get(pk=second.pk).edit(headline="", body="The second, changed.", due_at=None))
    nudge(owner)
    expect(owner.locator("#queue")).to_contain_text("The second, changed.")
    expect(owner.locator(f"#reason-{second.key}")).to_have_value("We need a source.")
    expect(owner.locator(f"#reason-{second.key}")).to_be_focused()


def test_a_lockout_is_said_in_our_words(opened: Callable[..., Page], live_site: Site) -> None:
    nine = AccessAttempt(username="mallory", ip_address="127.0.0.1", failures_since_start=9)
    live_site.do(nine.save)
    page = opened(**PHONE)
    page.goto(f"{live_site.url}/accounts/login/")
    page.fill("[name=username]", "mallory")
    page.fill("[name=password]", "the tenth guess")
    page.tap("main form .post")
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    expect_usable(page, widths=[360])


SMALL = """() => [...document.querySelectorAll(':is(#people, #queue, .invited) :is(a, button, summary, select, input)')]
  .filter((one) => one.type !== 'hidden' && !one.closest('.prose'))
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML)"""


def expect_usable(page: Page, widths: Sequence[int] = (1280, 320)) -> None:
    """Assert that everybody can use the page: nothing sideways, nothing too small to hit, nothing axe finds."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        assert page.evaluate(SMALL) == [], f"{page.url} at {width}"
    expect_accessible(page)  # no width hides anything, so once will do


def test_everybody_can_use_every_page_about_people(opened: Callable[..., Page], live_site: Site) -> None:
    event, bob = live_site.event(author=live_site.user("ada")), live_site.user("bob")

    def fill() -> tuple[str, str, Waiting]:
        event.appoint(user=bob, role=Role.CONTRIBUTOR)
        _, token = event.invite(name="Someone with a rather long name indeed", made_by=bob)
        event.invite(name="Kim", made_by=bob)[0].revoke()
        _, last = event.invite(name="Jo", made_by=bob)
        event.submit(author=bob, headline="W" * 60, body="x" * 90, needs_approval=True).reject(reason="y" * 90)
        waiting = event.submit(author=bob, headline="A headline", body="> Quoted\n\n`code`", needs_approval=True)
        assert isinstance(waiting, Waiting)
        return token, last, waiting

    token, last, waiting = live_site.do(fill)
    guest = opened()
    for address in (f"/join/{token}/", "/join/nothing/"):
        guest.goto(live_site.url + address)
        expect_usable(guest)
    owner = signed_in(opened(), live_site, "ada")
    invite(owner, live_site, event, "Sam")
    expect_usable(owner)
    owner.goto(desk(live_site, event))
    owner.click("text=Reject…")
    expect_usable(owner)
    owner.goto(f"{desk(live_site, event)}waiting/{waiting.key}/")
    expect_usable(owner)
    contributor = signed_in(opened(), live_site, "bob")
    contributor.goto(desk(live_site, event))
    expect_usable(contributor)
    live_site.do(lambda: event.invitations.get(name__startswith="Someone").revoke())
    guest.goto(f"{live_site.url}/join/{last}/")
    guest.click(".invited button")
    expect(guest).to_have_url(desk(live_site, event))
    live_site.do(lambda: event.invitations.get(name="Jo").revoke())
    guest.reload()
    expect(guest.get_by_role("heading", name="Your invitation has ended")).to_be_visible()
    expect_usable(guest)
