"""The desk without a network: it opens, keeps to its author, takes what is shared, and leaves readers alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from liveblog.models import Event
from tests.browser.phones import BODY, expect_posted, sign_in, write
from tests.browser.proxy import Proxy
from tests.browser.reading import until
from tests.browser.sessions import start_session
from tests.server import Site

KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  }
  return found;
}"""
SHARE = """([text, address, photos]) => {
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', enctype: 'multipart/form-data', action: '/desk/share/' });
  for (const [name, value] of [['title', 'A headline elsewhere'], ['text', text], ['url', address]]) {
    const input = document.createElement('input');
    Object.assign(input, { name, value });
    form.append(input);
  }
  const files = document.createElement('input');
  Object.assign(files, { type: 'file', name: 'photos', multiple: true });
  const data = new DataTransfer();
  for (const [name, bytes] of photos) data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/png' }));
  files.files = data.files;
  form.append(files);
  document.body.append(form);
  form.submit();
}"""
WAITING = "caches.open('desk-shared').then((shared) => shared.keys()).then((requests) => requests.length)"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


@pytest.fixture
def event(live_site: Site) -> Event:
    """A live event of ada's, with an update."""
    return live_site.event("The storm", author=live_site.user("ada"), updates=1)


def installed(page: Page, url: str, event: Event) -> Page:
    """Open the list of desks, which brings the worker, then a desk, until the worker keeps both."""
    page.goto(f"{url}/desk/")
    until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    page.goto(f"{url}/desk/{event.slug}/")
    until(page, lambda: {"/desk/", f"/desk/{event.slug}/"} <= set(page.evaluate(KEPT)))
    return page


def test_the_desk_opens_without_a_network_and_posts_when_it_is_back(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.fill(BODY, "Begun with a network")
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#seen")).to_contain_text("Offline: showing the desk as it was at")
    expect(page.locator("#items article")).to_have_count(1)
    expect(page.locator(BODY)).to_have_value("Begun with a network")
    write(page, "Ended without.")
    page.goto(f"{live_site.url}/desk/")
    expect(page.locator("#entries .entry")).to_contain_text("Ended without.")
    page.locator(f"a[href='/desk/{event.slug}/']").tap()
    expect(page.locator("#entries .entry")).to_contain_text("Ended without.")
    page.goto(f"{live_site.url}/desk/never-opened/")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    page.context.set_offline(False)
    expect_posted(page, live_site, event, "This is update 1.", "Ended without.")


def test_who_leaves_as_the_network_comes_back_is_not_taken_back(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.context.set_offline(True)
    page.goto(f"{live_site.url}/desk/never-opened/")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    page.evaluate(
        """() => {
          addEventListener("beforeunload", () => setTimeout(() => dispatchEvent(new Event("online"))));
          document.querySelector(".onward a[href='/desk/']").click();
        }"""
    )
    page.wait_for_url(f"{live_site.url}/desk/")
    expect(page.locator(f"a[href='/desk/{event.slug}/']")).to_be_visible()


def test_a_network_that_swallows_shows_the_kept_page_after_three_seconds(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    with Proxy(live_site.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        page = installed(phone("ada", live_site).new_page(), url, event)
        proxy.swallow()
        page.reload(wait_until="commit")
        expect(page.locator("#seen")).to_contain_text("No answer from the service")
        expect(page.locator(BODY)).to_be_visible()


def test_readers_pages_posts_and_polls_are_left_alone(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    for address in (live_site.page(event), f"{live_site.url}/", f"{live_site.url}/desk/{event.slug}/edit/"):
        page.goto(address)
    page.goto(f"{live_site.url}/desk/{event.slug}/?before=2100-01-01T00:00:00.000000Z,9")
    write(page, "Posted.")
    expect(page.locator("#outbox")).to_be_hidden()
    kept = [address for address in page.evaluate(KEPT) if not address.startswith(("/static/", "/desk/notes/"))]
    assert sorted(kept) == ["/desk/", f"/desk/{event.slug}/"]
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(live_site.page(event))


def test_pages_of_one_author_are_never_shown_to_another(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    theirs = live_site.event("Bob’s offline event", author=live_site.user("bob"))
    page.context.clear_cookies()  # ada's login has expired, and bob takes the phone
    start_session(page.context, live_site, "bob")
    installed(page, live_site.url, theirs)
    page.context.set_offline(True)
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    page.goto(f"{live_site.url}/desk/")
    expect(page.get_by_role("link", name="Bob’s offline event")).to_be_visible()


def test_signing_out_takes_the_kept_pages_and_a_failed_sign_in_hides_them(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.context.clear_cookies()
    page.goto(f"{live_site.url}/desk/")
    page.fill("[name=username]", "bob")
    page.fill("[name=password]", "wrong")
    page.tap(".post")
    expect(page.get_by_role("alert").first).to_be_visible()
    page.context.set_offline(True)
    page.goto(f"{live_site.url}/desk/")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    page.context.set_offline(False)
    page.wait_for_url("**/accounts/login/**")  # the page tries again by itself, and nobody is signed in
    sign_in(page, live_site.url, "ada")
    page.get_by_role("button", name="Sign out").tap()
    page.wait_for_url(f"{live_site.url}/")
    assert not [address for address in page.evaluate(KEPT) if address.startswith("/desk/")]


def test_what_is_shared_is_taken_once_though_the_page_dies_half_way(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.add_init_script("if (localStorage.getItem('slow')) createImageBitmap = () => new Promise(() => {})")
    page.evaluate("localStorage.setItem('slow', 'yes')")
    page.goto(f"{live_site.url}/desk/")
    page.evaluate(SHARE, ["What they said", "", [["one.png", list(PNG)], ["two.png", list(PNG)]]])
    page.wait_for_url(f"**/desk/{event.slug}/")
    expect(page.locator(".shot")).to_have_count(2)
    expect(page.locator(BODY)).to_have_value("A headline elsewhere\n\nWhat they said")
    page.evaluate("localStorage.removeItem('slow')")
    page.reload()
    until(page, lambda: page.evaluate(WAITING) == 0)
    expect(page.locator(".shot")).to_have_count(2)
    expect(page.locator(".shot .shot-state", has_text=re.compile("."))).to_have_count(0)
    expect(page.locator(BODY)).to_have_value("A headline elsewhere\n\nWhat they said")
    page.tap("#composer .post")
    until(page, lambda: len(live_site.updates(event)) == 2)
    assert len(live_site.updates(event)[1].photos) == 2


def test_what_is_shared_comes_into_the_draft_of_the_desk_used_last(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.fill(BODY, "Already here.")
    page.goto(f"{live_site.url}/desk/")
    page.context.set_offline(True)
    page.evaluate(SHARE, ["What they said", "https://example.org/", [["shot.png", list(PNG)]]])
    page.wait_for_url(f"**/desk/{event.slug}/")
    expect(page.locator(BODY)).to_have_value(
        "Already here.\n\nA headline elsewhere\n\nWhat they said\n\nhttps://example.org/"
    )
    expect(page.locator(".shot")).to_have_count(1)
    page.reload()
    expect(page.locator(".shot")).to_have_count(1)
    assert "https://example.org/" in page.input_value(BODY)
    assert page.input_value(BODY).count("What they said") == 1
    page.context.set_offline(False)
    page.tap("#composer .post")
    until(page, lambda: len(live_site.updates(event)) == 2)
    assert len(live_site.updates(event)[1].photos) == 1


def test_the_very_first_share_comes_to_the_desk_that_is_open(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = phone("ada", live_site).new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    until(page, lambda: f"/desk/{event.slug}/" in page.evaluate(KEPT))
    page.evaluate(SHARE, ["What they said", "", []])
    page.wait_for_url(f"**/desk/{event.slug}/")
    expect(page.locator(BODY)).to_have_value("A headline elsewhere\n\nWhat they said")


def test_pages_that_are_never_kept_say_so_in_our_words(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    page.context.set_offline(True)
    for path in ("edit", "people", "preview", "archive"):
        page.goto(f"{live_site.url}/desk/{event.slug}/{path}/")
        expect(page.get_by_role("heading", name="No network")).to_be_visible()
        expect(page.locator("#no-network")).to_contain_text("not kept on this device")
    page.context.set_offline(False)
    page.goto(f"{live_site.url}/desk/{event.slug}/edit/")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_who_signs_out_with_something_unsent_is_asked(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = phone("ada", live_site).new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    page.route("**/updates/", lambda route: route.abort())
    write(page, "On the way.")
    expect(page.locator(".entry")).to_have_count(1)
    page.get_by_role("button", name="Sign out").tap()
    expect(page.locator("#ask")).to_contain_text("An update has not been sent yet.")
    page.get_by_role("button", name="Stay").tap()
    expect(page.locator(BODY)).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Sign out").tap()
    page.get_by_role("button", name="Sign out all the same").tap()
    page.wait_for_url(f"{live_site.url}/")


def test_without_a_last_desk_the_list_says_that_something_waits(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = phone("ada", live_site).new_page()
    page.goto(f"{live_site.url}/desk/")
    until(page, lambda: page.evaluate("navigator.serviceWorker.controller !== null"))
    page.evaluate(SHARE, ["What they said", "", []])
    expect(page.locator("#shared")).to_contain_text("Choose the event")
    page.locator(f"a[href='/desk/{event.slug}/']").tap()
    expect(page.locator(BODY)).to_have_value("A headline elsewhere\n\nWhat they said")
    page.goto(f"{live_site.url}/desk/")
    expect(page.locator("#shared")).to_be_hidden()


def test_the_servers_own_addresses_of_the_app_store_nothing(live_site: Site) -> None:
    with live_site.visitor() as client:
        worker = client.get("/desk/sw.js")
        assert worker.headers["Content-Type"].startswith("text/javascript")
        assert worker.headers["Cache-Control"] == "no-cache"
        manifest = client.get("/desk/manifest.webmanifest")
        assert manifest.headers["Content-Type"] == "application/manifest+json"
        described = manifest.json()
        assert (described["start_url"], described["scope"]) == ("/desk/", "/desk/")
        for icon in described["icons"]:
            assert client.get(icon["src"]).headers["Content-Type"] == icon["type"]
        shared = client.post("/desk/share/", data={"text": "Not kept"}, files={"photos": ("a.png", PNG, "image/png")})
        assert shared.status_code == 200
        assert "Open the desk once first" in shared.text
        assert "Not kept" not in shared.text
        assert "no-store" in shared.headers["Cache-Control"]
        assert client.get("/desk/share/").status_code == 200
        assert client.put("/desk/share/").status_code == 405


def test_a_guest_who_has_just_come_in_can_reload_without_a_network(
    browser: Browser, live_site: Site, event: Event
) -> None:
    _, token = live_site.do(event.invite, name="Vera", made_by=live_site.user("ada"))
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{live_site.url}/join/{token}/")
    page.get_by_role("button", name="Start reporting").tap()
    page.wait_for_url(f"**/desk/{event.slug}/")
    until(page, lambda: f"/desk/{event.slug}/" in page.evaluate(KEPT))
    context.set_offline(True)
    write(page, "From the crowd.")
    page.reload()
    expect(page.locator("#entries .entry")).to_contain_text("From the crowd.")
    context.set_offline(False)
    until(page, lambda: live_site.do(event.waiting.count) == 1)
    expect(page.locator("#seen")).to_be_hidden()  # the stream has caught up
    context.close()


def test_the_page_that_says_no_network_gives_way_when_there_is_one(
    phone: Callable[..., BrowserContext], live_site: Site, event: Event
) -> None:
    page = installed(phone("ada", live_site).new_page(), live_site.url, event)
    other = live_site.event("The flood", author=live_site.user("ada"))
    page.context.set_offline(True)
    page.goto(f"{live_site.url}/desk/{other.slug}/")
    expect(page.get_by_role("heading", name="No network")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(BODY)).to_be_visible()
