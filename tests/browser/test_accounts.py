"""Accounts in a browser: a colleague comes in by a link, passwords change, nothing that is being written is lost."""

import re
from collections.abc import Callable, Iterator
from email import message_from_string, policy

import pytest
from playwright.sync_api import Page, expect

from liveblog.models import Event, Role
from tests.browser.phones import expect_posted, nudge, sign_in, write
from tests.browser.reading import expect_accessible, until
from tests.browser.sessions import start_session
from tests.server import PASSWORD, Site
from tests.smtp import MailServer, mail_server

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
NEW_PASSWORD = "the quick brown fox sleeps"
BODY = "#composer [name=body]"
SMALL = """() => [...document.querySelectorAll('main :is(a, button, select, input):not(p a, li a)')]
  .filter((one) => one.type !== 'hidden' && one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML)"""


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


def desk(site: Site, event: Event) -> str:
    return f"{site.url}/desk/{event.slug}/"


def expect_usable(page: Page) -> None:
    """Assert that everybody can use the page: nothing sideways, nothing too small to hit, nothing axe finds."""
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        assert page.evaluate(SMALL) == [], f"{page.url} at {width}"
    expect_accessible(page)


def invite(owner: Page, site: Site, event: Event, who: str) -> str:
    owner.goto(f"{desk(site, event)}people/")
    owner.fill("#colleague-who", who)
    owner.get_by_role("button", name="Invite", exact=True).click()
    expect(owner.locator("#made svg")).to_be_visible()
    return owner.input_value("#link")


def fill_in(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"main [name={name}]", value)


def test_a_colleague_comes_in_by_a_link_makes_an_account_and_gets_a_new_password_from_the_owner(
    opened: Callable[..., Page], live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=1)
    owner = opened()
    start_session(owner.context, live_site, "ada")
    link = invite(owner, live_site, event, "Kim")
    expect_usable(owner)

    phone = opened(**PHONE)
    phone.goto(link)
    expect_usable(phone)
    name = f"kim-{event.slug}"[:100]
    fill_in(phone, username=name, password1="short", password2="short")
    phone.get_by_role("button", name="Make the account").tap()
    expect(phone.locator(".field .wrong")).to_contain_text("at least 8 characters")
    expect_usable(phone)
    fill_in(phone, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    phone.get_by_role("button", name="Make the account").tap()
    expect(phone).to_have_url(desk(live_site, event))
    expect(phone.locator("#said")).to_contain_text("You are editor of this event now.")
    write(phone, "From an editor.")
    until(phone, lambda: [update.byline for update in live_site.updates(event)][-1:] == ["Kim"])
    phone.goto(link)
    expect(phone.get_by_role("heading", name="This invitation opens nothing")).to_be_visible()

    owner.goto(f"{desk(live_site, event)}people/")
    owner.get_by_role("button", name="New password…").click()
    expect(owner.locator("#made")).to_contain_text("A new password for Kim")
    expect_usable(owner)
    forgetful = opened(**PHONE)
    forgetful.goto(owner.input_value("#link"))
    expect_usable(forgetful)
    fill_in(forgetful, new_password1=PASSWORD, new_password2=PASSWORD)
    forgetful.get_by_role("button", name="Use it and sign in").tap()
    forgetful.wait_for_url(f"{live_site.url}/desk/")
    expect(forgetful.locator(".who")).to_contain_text(name)


def test_a_password_changed_elsewhere_signs_an_open_desk_out_which_keeps_what_is_typed_and_sends_it_later(
    opened: Callable[..., Page], live_site: Site
) -> None:
    live_site.user("pia")
    event = live_site.event(author=live_site.user("pia"), updates=1)
    phone, laptop = opened(**PHONE), opened()
    for page in (phone, laptop):
        sign_in(page, live_site.url, "pia")
        page.goto(desk(live_site, event))
    phone.locator(BODY).press_sequentially("Half a sen")
    laptop.locator(BODY).press_sequentially("Being written")
    laptop.get_by_role("link", name="Account").click()
    laptop.get_by_role("link", name="Change the password").click()
    fill_in(laptop, old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    laptop.get_by_role("button", name="Change it").click()
    expect(laptop.locator("#said")).to_contain_text("Your password is changed.")
    laptop.goto(desk(live_site, event))
    expect(laptop.locator(BODY)).to_have_value("Being written")

    nudge(phone)
    expect(phone.locator("#stream-state")).to_contain_text("You are signed out.")
    expect(phone.locator(BODY)).to_have_value("Half a sen")
    write(phone, "A whole sentence.")
    phone.locator(BODY).press_sequentially("And another")
    phone.get_by_role("link", name="Sign in to send").tap()
    phone.wait_for_url("**/accounts/login/**")
    fill_in(phone, username="pia", password=NEW_PASSWORD)
    phone.tap("main .post")
    expect(phone).to_have_url(desk(live_site, event))
    expect_posted(phone, live_site, event, live_site.updates(event)[0].body, "A whole sentence.")
    expect(phone.locator(BODY)).to_have_value("And another")


def test_without_javascript_what_was_written_comes_through_a_forgotten_password(
    opened: Callable[..., Page], server: Callable[..., Site], mails: MailServer
) -> None:
    site = server(EMAIL_URL=f"smtp://127.0.0.1:{mails.port}/?from=desk@example.org")
    event = site.event(author=site.user("ada", email="ada@example.org"))
    page = opened(java_script_enabled=False, **PHONE)
    start_session(page.context, site, "ada")
    page.goto(desk(site, event))
    page.fill("[name=body]", "Written long ago.")
    page.context.clear_cookies(name="sessionid")
    page.click("#composer .post")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Forgotten your password?").click()
    expect(page.locator("#written")).to_have_value("Written long ago.")
    fill_in(page, email="ada@example.org")
    page.get_by_role("button", name="Send a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    until(page, lambda: mails.mails)
    text = message_from_string(mails.mails[0][1], policy=policy.default).get_content()
    found = re.search(r"http\S+/accounts/reset/\S+", text)
    assert found
    page.goto(found[0])
    fill_in(page, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    page.get_by_role("button", name="Use it and sign in").click()
    expect(page).to_have_url(desk(site, event))
    expect(page.locator("[name=body]")).to_have_value("Written long ago.")


def test_everybody_can_use_every_page_about_accounts(
    opened: Callable[..., Page], server: Callable[..., Site], mails: MailServer
) -> None:
    site = server(EMAIL_URL=f"smtp://127.0.0.1:{mails.port}")
    event = site.event(author=site.user("ada"))
    _, token = site.do(event.invite_colleague, name="Kim", role=Role.EDITOR, made_by=site.user("ada"))
    stranger, ada = opened(), opened()
    for address in ("login/", "reset/", "reset/sent/", "reset/MQ/x/"):
        stranger.goto(f"{site.url}/accounts/{address}")
        expect_usable(stranger)
    stranger.goto(f"{site.url}/accounts/reset/")
    stranger.click(".post")
    expect_usable(stranger)
    site.user("bob")
    start_session(ada.context, site, "bob")
    for path in ("/accounts/", "/accounts/password/", f"/join/{token}/"):
        ada.goto(site.url + path)
        expect_usable(ada)
    ada.goto(f"{site.url}/accounts/password/")
    ada.click(".post")
    expect_usable(ada)
    ada.goto(f"{site.url}/accounts/")
    fill_in(ada, name="", email="x")
    ada.click(".post")
    expect_usable(ada)
