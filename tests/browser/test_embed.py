"""The live feed on other sites, as their readers meet it: host pages of another origin in a real browser."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from liveblog.models import Event
from tests.browser.hosts import SHIFTS, Host, frame_in, serving, shifts
from tests.browser.reading import catch_up, expect_accessible, until
from tests.browser.sessions import start_session
from tests.server import Site

WP_EMBED = Path("/usr/share/wordpress/wp-includes/js/wp-embed.js")
"""WordPress' own script, where Debian's package is installed."""

# What WordPress does with an unknown provider's frame, and the part of its script that hears it (wp-embed.js).
WP_DOCUMENTED = """
addEventListener("message", (event) => {
  const { message, secret, value } = event.data ?? {};
  if (!secret || /[^a-zA-Z0-9]/.test(secret)) return;
  for (const frame of document.querySelectorAll(`iframe[data-secret="${secret}"]`)) {
    if (event.source !== frame.contentWindow) continue;
    if (message === "height") frame.height = Math.min(1000, Math.max(200, parseInt(value, 10)));
    const isOwn = message === "link" && new URL(value).host === new URL(frame.src).host;
    if (isOwn && document.activeElement === frame) top.location.href = value;
  }
});
"""

# Notes whoever touches storage, before any script of the page runs.
STORAGE = """
window.touched = [];
for (const name of ["getItem", "setItem", "removeItem"]) {
  const real = Storage.prototype[name];
  Storage.prototype[name] = function (...rest) { window.touched.push([name, ...rest]); return real.apply(this, rest); };
}
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A publisher's site."""
    with serving() as host:
        yield host


@pytest.fixture
def event(live_site: Site) -> Event:
    return live_site.event(updates=6, summary="Follow it here.")


@pytest.fixture
def reader(context: BrowserContext) -> Page:
    """A reader of the host's site, whose page counts what moves."""
    page = context.new_page()
    page.add_init_script(SHIFTS)
    return page


def codes(site: Site, event: Event, query: str = "") -> dict[str, str]:
    """Return the codes that the dialog offers, by label."""
    import re

    html = site.get(f"{site.page(event)}embed/code/{query}").text
    found = re.findall(r'<textarea[^>]*aria-label="([^"]+)"[^>]*>(.*?)</textarea>', html, re.DOTALL)
    return {label: unescape(text) for label, text in found}


def held(frame: Frame) -> str:
    button = frame.locator("#held")
    return button.inner_text() if button.is_visible() else ""


def bodies(frame: Frame) -> list[str]:
    return frame.locator("#cards > article:not([data-held]) .prose").all_inner_texts()


def test_a_script_puts_a_live_feed_where_it_stands_and_moves_nothing(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    code = codes(live_site, event, "?limit=3&height=500")["Code with a script"]
    policy = {"Content-Security-Policy": f"script-src {live_site.url}"}
    later = (
        f'<script async src="{live_site.url}/embed.js" data-event="{event.slug}" data-limit="2"'
        ' data-theme="dark" data-title="The second"></script>'
    )
    reader.goto(host.article(code, tail=later, headers=policy))
    frame = frame_in(reader, "limit=3")
    element = reader.locator("iframe").first
    assert element.get_attribute("title") == f"Live blog: {event.title}"
    assert element.get_attribute("loading") == "lazy"
    assert reader.locator("[data-liveblog] > a").count() == 0
    assert (element.bounding_box() or {})["height"] == 500
    assert (reader.locator("iframe").nth(1).bounding_box() or {})["height"] == 600
    before = reader.locator("#after").bounding_box()
    assert shifts(reader) == 0

    live_site.publish(event, "While it stands there.")
    catch_up(live_site, event)
    until(reader, lambda: held(frame) == "1 new update")
    assert bodies(frame) == [f"This is update {number}." for number in (6, 5, 4)]
    live_site.do(lambda: event.updates.get(number=6).edit(body="Longer.\n\n" * 30))
    catch_up(live_site, event)
    until(reader, lambda: "Longer." in bodies(frame)[0])
    assert reader.locator("#after").bounding_box() == before
    assert shifts(reader) == 0

    frame.locator("#held").click()
    until(reader, lambda: bodies(frame)[0] == "While it stands there.")
    until(reader, lambda: (element.bounding_box() or {})["height"] > 500)  # only now, because somebody pressed


def test_a_snippet_inserted_later_works_and_strangers_cannot_resize_it(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    reader.goto(host.article('<div id="place"></div>'))
    reader.evaluate(
        """([source, slug]) => {
          const script = document.createElement("script");
          Object.assign(script, { src: source, async: true });
          Object.assign(script.dataset, { event: slug, limit: "2", height: "300" });
          document.getElementById("place").append(script);
        }""",
        [f"{live_site.url}/embed.js", event.slug],
    )
    frame = frame_in(reader, "limit=2")
    element = reader.locator("#place > iframe")
    reader.evaluate('window.postMessage({ liveblog: "height", height: 4000 }, "*")')
    stranger = "<script>parent.postMessage({ liveblog: 'height', height: 4000 }, '*'); parent.told = true</script>"
    reader.evaluate(
        "(html) => { const frame = document.createElement('iframe');"
        " frame.srcdoc = html; document.body.append(frame); }",
        stranger,
    )
    until(reader, lambda: reader.evaluate("window.told === true"))
    for nonsense in ("-5", "1e9", "null", "'high'", "{}", "NaN"):
        frame.evaluate(f"parent.postMessage({{ liveblog: 'height', height: {nonsense} }}, '*')")
    frame.evaluate("parent.postMessage({ liveblog: 'height', height: 320 }, '*')")
    until(reader, lambda: (element.bounding_box() or {})["height"] >= 320)
    assert (element.bounding_box() or {})["height"] in (320, 20_000)  # 1e9 is cut to what a page may be
    frame.evaluate("parent.postMessage({ liveblog: 'height', height: 200 }, '*')")
    assert (element.bounding_box() or {})["height"] >= 320


def test_a_frame_reads_and_writes_no_storage_sets_no_cookie_and_never_leaves_its_address(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    reader.context.add_init_script(STORAGE)
    reader.goto(host.article(codes(live_site, event, "?limit=3")["Code of a frame"]))
    frame = frame_in(reader, "limit=3")
    address = frame.url
    frame.locator("#sort-oldest").click()
    until(reader, lambda: frame.locator("#feed").get_attribute("data-order") == "oldest")
    frame.locator("#jump-last").click()
    until(reader, lambda: bodies(frame)[-1] == "This is update 6.")
    for press in ("#pause", "#zone", "#check"):
        frame.locator(press).click()
    live_site.publish(event, "Held back in either order.")
    catch_up(live_site, event)
    until(reader, lambda: held(frame) == "1 new update")
    assert frame.evaluate("window.touched") == []
    assert reader.context.cookies() == []
    assert frame.url == address
    assert frame.locator("#cards > article").count() >= 3


def test_a_frame_keeps_what_its_publisher_chose_wherever_its_reader_goes(
    reader: Page, host: Host, live_site: Site
) -> None:
    event = live_site.event(updates=60)
    live_site.do(live_site.updates(event)[29].mark_key)
    options = {"limit": "4", "theme": "dark", "accent": "0a5fb4", "lang": "de", "header": "0", "order": "oldest"}
    asked: list[dict[str, str]] = []
    reader.goto(host.article(f'<iframe src="{live_site.page(event)}embed/?{urlencode(options)}" height="600">'))
    frame = frame_in(reader, "limit=4")
    reader.on("request", lambda one: asked.append(query_of(one.url)) if "/embed/?" in one.url else None)

    def expect_chosen(count: int) -> None:
        until(reader, lambda: frame.locator("#cards > article").count() == count and asked)
        links = [query_of(link.get_attribute("href") or "") for link in frame.locator(".edge a").all()]
        for query in [*asked, *links]:
            assert {name: query.get(name) for name in options} == options
        asked.clear()

    frame.locator("#jump-last").click()
    expect_chosen(4)
    frame.locator("#edge-top a").click()
    expect_chosen(8)
    frame.locator("#keys a").dispatch_event("click")
    until(reader, lambda: frame.locator("#update-30").count())
    expect_chosen(4)
    frame.locator("#sort-newest").click()
    until(reader, lambda: frame.locator("#feed").get_attribute("data-order") == "newest")
    expect_chosen(4)
    live_site.do(event.revise, time_zone="Asia/Tokyo")
    until(reader, lambda: frame.locator("#feed").get_attribute("data-zone") == "Asia/Tokyo")
    expect_chosen(4)


def test_a_frame_of_one_update_keeps_what_its_publisher_chose_when_it_reloads(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    address = f"{live_site.page(event)}updates/2/embed/?theme=dark&lang=de"
    reader.goto(host.article(f'<iframe src="{address}" height="600">'))
    frame = frame_in(reader, "theme=dark")
    with reader.expect_request("**/updates/2/embed/?*") as reloaded:
        live_site.do(event.revise, time_zone="Asia/Tokyo")
    assert query_of(reloaded.value.url).items() >= {"theme": "dark", "lang": "de"}.items()
    until(reader, lambda: frame.locator("#feed").get_attribute("data-zone") == "Asia/Tokyo")


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return dict(parse_qsl(urlsplit(address).query))


@pytest.mark.parametrize("how", ["allow-scripts", ""])
def test_it_works_in_a_sandbox_and_where_the_sandbox_allows_nothing(
    how: str, reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    errors: list[str] = []
    reader.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    code = codes(live_site, event, "?limit=3")["Code of a frame"]
    reader.goto(host.article(code.replace("<iframe", f'<iframe sandbox="{how}"')))
    if not how:
        shown = reader.frame_locator("iframe").locator("#cards > article")
        expect(shown).to_have_count(3)
        return
    frame = frame_in(reader, "limit=3")
    assert frame.evaluate("self.origin") == "null"
    until(reader, lambda: frame.locator("#connection[data-socket=open]").count())
    live_site.publish(event, "Into the sandbox.")
    catch_up(live_site, event)
    until(reader, lambda: held(frame) == "1 new update")
    frame.locator("#held").click()
    frame.locator("#edge-bottom a").click()
    until(reader, lambda: len(bodies(frame)) == 7)
    frame.locator(".permalink").first.click()
    assert not [error for error in errors if "sandbox" not in error.lower()], errors


def test_without_javascript_the_feed_can_be_read_and_leafed_through(
    browser: Browser, host: Host, live_site: Site, event: Event
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(host.article(codes(live_site, event, "?limit=4")["Code of a frame"]))
    frame = page.frame_locator("iframe")
    expect(frame.locator("#cards > article")).to_have_count(4)
    frame.get_by_text("Load older updates").click()
    expect(frame.locator("#cards > article")).to_have_count(2)
    assert page.url.startswith(host.url)
    context.close()


@pytest.mark.parametrize("script", ["documented", "its own"])
def test_wordpress_shows_it_and_hears_its_height(
    script: str, reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    if script == "its own" and not WP_EMBED.exists():
        pytest.skip("WordPress is not installed here (Debian: wordpress); its documented protocol is tested")
    address = live_site.page(event)
    answer = live_site.get("/oembed/", url=address, maxwidth=640).json()
    html = answer["html"]
    # What wp_filter_oembed_result makes of it.
    html = html.replace("<iframe", '<iframe class="wp-embedded-content" sandbox="allow-scripts" security="restricted"')
    html = html.replace('/embed/"', '/embed/#?secret=AbCdEf1234" data-secret="AbCdEf1234"').replace(
        ' loading="lazy"', ""
    )
    host.publish("/wp-embed.js", WP_EMBED.read_text() if script == "its own" else WP_DOCUMENTED, kind="text/javascript")
    reader.goto(host.article(html, tail='<script src="/wp-embed.js"></script>'))
    frame = frame_in(reader, "/embed/")
    element = reader.locator("iframe")
    live_site.publish(event, "For WordPress.")
    catch_up(live_site, event)
    until(reader, lambda: held(frame) == "1 new update")
    assert (element.bounding_box() or {})["height"] == answer["height"]
    assert shifts(reader) == 0
    frame.locator("#held").click()
    until(reader, lambda: (element.bounding_box() or {})["height"] > answer["height"])
    assert (element.bounding_box() or {})["height"] <= 1000


def test_one_update_in_a_frame_follows_its_edits_its_withdrawal_and_its_return(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    code = codes(live_site, event, "?update=3")["Code with a script"]
    reader.goto(host.article(code))
    frame = frame_in(reader, "updates/3/embed/")
    update = live_site.do(event.updates.get, number=3)
    expect(frame.locator(".prose").last).to_have_text("This is update 3.")
    live_site.publish(event, "Another one.")
    live_site.do(update.edit, body="Put right.")
    catch_up(live_site, event)
    until(reader, lambda: bodies(frame) == ["Put right."])
    live_site.do(update.withdraw)
    catch_up(live_site, event)
    until(reader, lambda: frame.locator("#empty").is_visible())
    assert frame.locator("#empty").inner_text() == "This update was withdrawn."
    assert "Put right." not in frame.content()
    live_site.do(update.restore)
    catch_up(live_site, event)
    until(reader, lambda: bodies(frame) == ["Put right."])
    assert shifts(reader) == 0


FETCH = """
const place = document.getElementById("place");
fetch("{address}").then((answer) => answer.text()).then((html) => {{ place.innerHTML = html; }});
"""


def test_a_fragment_becomes_part_of_the_host_page_by_fetch_and_by_htmx(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    found = codes(live_site, event, "?limit=5")
    place = '<div id="place"></div>'
    reader.goto(host.article(place, tail=f"<script>{FETCH.format(address=found['Address of the HTML'])}</script>"))
    expect(reader.locator("#place article")).to_have_count(5)
    assert reader.locator("#place").evaluate("(place) => place.textContent.includes('This is update 6.')")

    library = live_site.get("/").text.split('src="')[1].split('"')[0]
    setting = found["Setting for htmx"]
    htmx = f'{setting}<script src="{live_site.url}{library}"></script>'
    code = found["Code for htmx"].replace("every 30s", "again from:body")
    reader.goto(host.article(code, path="/htmx", head=htmx))
    expect(reader.locator("article")).to_have_count(5)
    with reader.expect_response("**/fragment/**") as nothing_new:
        _again(reader)
    assert nothing_new.value.status == 204
    live_site.publish(event, "Through htmx.")
    until(reader, lambda: "Through htmx." in _again(reader))


def test_what_is_too_wide_in_a_fragment_scrolls_by_itself_and_not_the_host_page(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    row = "|" + "|".join(f" column{number} " for number in range(30)) + "|"
    live_site.publish(event, f"```\n{'x' * 300}\n```\n\n{row}\n{'|---' * 30}|\n{row}\n\n{'y' * 300}")
    reader.set_viewport_size({"width": 390, "height": 740})
    fetch = FETCH.format(address=live_site.page(event, "fragment/"))
    reader.goto(host.article('<div id="place"></div>', tail=f"<script>{fetch}</script>"))
    expect(reader.locator("#place article").first.locator("pre, table")).to_have_count(2)
    assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert reader.evaluate("document.querySelector('#place table').scrollWidth > innerWidth")


def _again(page: Page) -> str:
    page.evaluate("document.body.dispatchEvent(new Event('again'))")
    return page.locator("body").inner_text()


def test_the_dialog_shows_what_is_chosen_measures_it_and_gives_the_code(
    context: BrowserContext, live_site: Site, event: Event
) -> None:
    page = context.new_page()
    page.goto(live_site.page(event))
    page.get_by_role("link", name="Embed", exact=True).click()
    dialog = page.get_by_role("dialog", name="Embed")
    expect(dialog).to_be_visible()
    script = dialog.get_by_label("Code with a script")
    preview = page.frame_locator("#embed-preview")
    expect(preview.locator("#cards > article")).to_have_count(6)
    dialog.get_by_label("Updates").fill("1")
    dialog.get_by_label("Updates").press("Tab")
    expect(preview.locator("#cards > article")).to_have_count(1)
    dialog.get_by_label("Colours").select_option("dark")
    expect(script).to_have_value(_holding('data-theme="dark"', 'data-limit="1"'))
    expect(preview.locator("html[data-theme=dark]")).to_have_count(1)
    dialog.get_by_label("Title and summary").select_option("0")
    expect(script).to_have_value(_holding('data-header="0"'))
    content = page.frame_locator("#embed-preview").locator("body")
    until(page, lambda: dialog.get_by_label("Height").input_value() == str(max(200, _height_of(content))))
    dialog.get_by_label("Height").fill("99999")
    expect(dialog.get_by_role("alert")).to_contain_text("from 150 to 5000")
    preview.locator("a").first.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#embed-preview")).to_have_count(0)
    page.get_by_role("link", name="Embed", exact=True).click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#embed-preview")).to_have_count(0)


def test_the_dialog_at_the_desk_gives_the_code_and_leaves_what_is_being_typed(
    context: BrowserContext, live_site: Site
) -> None:
    event = live_site.event(author=live_site.user("ada"), updates=6)
    start_session(context, live_site, "ada")
    page = context.new_page()
    page.goto(f"{live_site.url}/desk/{event.slug}/")
    page.fill("[name=body]", "Half a sentence")
    page.get_by_role("link", name="Embed", exact=True).click()
    dialog = page.get_by_role("dialog", name="Embed")
    expect(dialog.get_by_label("Code with a script")).to_have_value(_holding(f'data-event="{event.slug}"'))
    expect(page.frame_locator("#embed-preview").locator("#cards > article")).to_have_count(6)
    dialog.get_by_label("Updates").fill("2")
    dialog.get_by_label("Updates").press("Tab")
    expect(dialog.get_by_label("Code with a script")).to_have_value(_holding('data-limit="2"'))
    page.wait_for_function(PREVIEW_HAS_ITS_HEIGHT)  # which changes the code once more
    dialog.get_by_role("button", name="Copy").first.click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    dialog.get_by_role("button", name="Copy", exact=True).first.click()
    expect(dialog.get_by_role("button", name="Copied")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("[name=body]")).to_have_value("Half a sentence")
    expect(page.get_by_role("link", name="Embed", exact=True)).to_be_focused()


PREVIEW_HAS_ITS_HEIGHT = """() => {
  const preview = document.querySelector("#embed-preview");
  const shown = preview.contentDocument;
  if (shown?.querySelectorAll("#cards > article").length !== 2) return false;
  const wanted = String(Math.min(Math.max(shown.body.offsetHeight, 200), 800));
  const codes = [...document.querySelectorAll("#embed-codes textarea")];
  return document.querySelector("#embed-height").value === wanted
    && codes.some((code) => code.value.includes(`height="${wanted}"`))
    && !document.querySelector(".htmx-request");
}"""


def _holding(*parts: str) -> "object":
    import re

    return re.compile("".join(f"(?=.*{re.escape(part)})" for part in parts), re.DOTALL)


def _height_of(content: "object") -> int:
    return int(content.evaluate("(body) => body.offsetHeight"))  # type: ignore[attr-defined]


def test_only_the_sites_an_event_names_may_frame_it_and_nobody_frames_anything_else(
    reader: Page, host: Host, live_site: Site, event: Event
) -> None:
    live_site.do(event.revise, embed_sites=["https://news.example"])
    address = f"{live_site.page(event)}embed/"
    live_site.refresh(address)
    reader.goto(host.article(f'<iframe src="{address}"></iframe><iframe src="{live_site.page(event)}"></iframe>'))
    until(reader, lambda: len(reader.frames) == 3)
    until(reader, lambda: all("chrome-error" in frame.url for frame in reader.frames[1:]))
    live_site.do(event.revise, embed_sites=["https://news.example", host.url])
    live_site.refresh(address)
    reader.reload()
    frame_in(reader, "/embed/")


def test_frames_and_the_dialog_are_accessible_and_fit_a_phone(page: Page, live_site: Site, event: Event) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for address in (
        "embed/",
        "embed/?accent=ffee00&theme=dark",
        "embed/?accent=ffee00",
        "updates/2/embed/",
        "embed/code/",
    ):
        page.goto(live_site.page(event, address))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        expect_accessible(page, address, schemes=["light"])  # frames choose their colours by their address


def test_in_a_wide_frame_the_lines_stay_short_enough_to_read(reader: Page, live_site: Site, event: Event) -> None:
    reader.set_viewport_size({"width": 1600, "height": 800})
    for address in ("embed/", "updates/2/embed/"):
        reader.goto(live_site.page(event, address))
        box = reader.locator("#cards > article").first.bounding_box() or {}
        assert 600 < box["width"] < 800
        assert abs(box["x"] - (1600 - box["width"]) / 2) < 1, "and in the middle"
