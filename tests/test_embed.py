"""Frames, oEmbed, the fragment and the dialog, without a browser: what they let in and what they say."""

import gzip
import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import Client

from liveblog.desk.events import EventForm
from liveblog.desk.forms import carry_out
from liveblog.embed import colour
from liveblog.embed.options import Options
from liveblog.models import Event
from liveblog.models.sites import read_site
from tests.page import Elements
from tests.server import publish

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent
FRAMES = ("embed/", "updates/1/embed/")


@pytest.fixture
def event(make_event: Callable[..., Event]) -> Event:
    return make_event("Storm over the bay", updates=5, summary="Wind and *water*.", slug="storm")


def get(path: str, **query: str) -> HttpResponse:
    return Client().get(path, query)


def policy_of(response: HttpResponse) -> dict[str, list[str]]:
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in parts}


# Who may frame what.


@pytest.mark.parametrize("path", FRAMES)
def test_anyone_may_frame_a_frame_unless_the_event_names_its_sites(event: Event, path: str) -> None:
    address = f"/events/storm/{path}"
    response = get(address)
    assert response.status_code == 200
    assert "X-Frame-Options" not in response
    assert policy_of(response)["frame-ancestors"] == ["*", "file:"]
    event.revise(embed_sites=["https://news.example", "https://*.paper.example"])
    assert policy_of(get(address))["frame-ancestors"] == ["'self'", "https://news.example", "https://*.paper.example"]
    refused = get(address, theme="purple")
    assert refused.status_code == 400
    assert policy_of(refused)["frame-ancestors"] == ["'self'", "https://news.example", "https://*.paper.example"]


@pytest.mark.parametrize(
    "path",
    "/ /events/storm/ /events/storm/updates/1/ /events/storm/embed/code/ /events/storm/fragment/ "
    "/accounts/login/ /events/nowhere/ /oembed/?url=x".split(),
)
def test_nobody_may_frame_anything_else(event: Event, path: str) -> None:
    response = Client().get(path)
    assert policy_of(response)["frame-ancestors"] == ["'none'"]
    assert response["X-Frame-Options"] == "DENY"


def test_frames_are_the_same_for_everyone_strict_and_without_cookies(event: Event) -> None:
    for path in FRAMES:
        response = get(f"/events/storm/{path}")
        assert not response.cookies
        assert response["Access-Control-Allow-Origin"] == "*"
        assert response["Cache-Control"].startswith("public, max-age=0, s-maxage=2")
        policy = policy_of(response)
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"] == policy["style-src"] == ["'self'"]
        found = Elements(response.content.decode()).found
        assert not [one for one in found if one.tag == "style" or "style" in one.attributes or "csrf" in str(one)]


def test_a_frame_holds_the_same_cards_as_the_page(event: Event) -> None:
    page = Elements(get("/events/storm/").content.decode()).cards
    framed = Elements(get("/events/storm/embed/").content.decode()).cards
    assert [card.text for card in framed] == [card.text for card in page]
    (alone,) = Elements(get("/events/storm/updates/3/embed/").content.decode()).cards
    assert alone.text == page[2].text


def test_drafts_and_unknown_events_are_the_same_404_in_a_frame(event: Event, make_event: Callable[..., Event]) -> None:
    make_event("Secret plans", status="draft", slug="draft", updates=1)
    for path in (*FRAMES, "fragment/", "embed/code/"):
        draft, unknown = get(f"/events/draft/{path}"), get(f"/events/unknown/{path}")
        assert draft.status_code == unknown.status_code == 404
        assert draft.content.replace(b"draft", b"unknown") == unknown.content
        assert draft["Cache-Control"] == "no-store"
        if path in FRAMES:
            assert b"no longer available" in draft.content
            assert "X-Frame-Options" not in draft


def test_the_frame_of_a_withdrawn_update_holds_nothing_of_it(event: Event) -> None:
    update = event.updates.get(number=2)
    update.edit(body="Something that was wrong.")
    update.withdraw()
    response = get("/events/storm/updates/2/embed/")
    assert response.status_code == 410
    assert response["Cache-Control"] == "no-store"
    assert "This update was withdrawn." in response.content.decode()
    assert "Something that was wrong." not in response.content.decode()
    assert get("/events/storm/updates/77/embed/").status_code == 404


# What a publisher may choose.


@pytest.mark.parametrize("path", FRAMES)
def test_the_links_inside_a_frame_lead_into_it_and_keep_what_was_chosen(event: Event, path: str) -> None:
    found = Elements(get(f"/events/storm/{path}", theme="dark", lang="de").content.decode())
    for name in ("sort-newest", "sort-oldest", "jump-first", "jump-last"):
        assert found.by_id(name)["href"].startswith(f"/events/storm/{path}?theme=dark&lang=de&sort="), name


def test_options_change_what_they_say(event: Event) -> None:
    query = {"theme": "dark", "accent": "A0B1C2", "order": "oldest", "limit": "2", "header": "0", "lang": "pt-BR"}
    html = get("/events/storm/embed/", **query).content.decode()
    found = Elements(html)
    assert [card.number for card in found.cards] == [1, 2]
    root = next(one for one in found.found if one.tag == "html")
    assert (root["data-theme"], root["data-language"]) == ("dark", "pt-BR")
    assert "is-bare" in found.by_id("live")["class"]
    assert '<link rel="stylesheet" href="/embed/accent-a0b1c2.css">' in html
    for name in ("sort-newest", "sort-oldest", "jump-first"):
        link = found.by_id(name)
        assert link["target"] == "_self"
        for kept in ("theme=dark", "accent=a0b1c2", "limit=2", "header=0", "lang=pt-BR", "order=oldest"):
            assert kept in link["href"], (name, kept)
    (more,) = [one for one in found.found if one.attributes.get("class") == "more"]
    assert "after=" in more["href"]
    following = Elements(Client().get(more["href"]).content.decode())
    assert [card.number for card in following.cards] == [3, 4]


@pytest.mark.parametrize(("typed", "tag"), [("de_at", "de-AT"), ("German", "de"), ("ZH-hant-tw", "zh-Hant-TW")])
def test_a_language_is_read_as_the_desk_reads_it(event: Event, typed: str, tag: str) -> None:
    html = get("/events/storm/embed/", lang=typed).content.decode()
    assert next(one for one in Elements(html).found if one.tag == "html")["data-language"] == tag


HOSTILE_OPTIONS = [
    {"theme": 'dark" onload="alert(1)'},
    {"theme": "DARK\x00"},
    {"accent": "javascript:alert(1)"},
    {"accent": "url(https://evil.example/)"},
    {"accent": "fff"},
    {"accent": "1234567"},
    {"accent": "٠٠٠٠٠٠"},
    {"accent": "ffffff;}body{display:none"},
    {"order": "random"},
    {"limit": "0"},
    {"limit": "51"},
    {"limit": "-1"},
    {"limit": "1e1"},
    {"limit": "9" * 400},
    {"header": "yes"},
    {"lang": '"><script>alert(1)</script>'},
    {"lang": "x" * 300},
    {"sort": "sideways"},
    {"before": "yesterday"},
    {"around": "1 OR 1=1"},
]


@pytest.mark.parametrize("query", HOSTILE_OPTIONS, ids=str)
def test_an_option_that_is_none_is_refused_in_words_and_comes_back_nowhere(event: Event, query: dict[str, str]) -> None:
    for path in ("embed/", "updates/1/embed/"):
        if path != "embed/" and query.keys() & {"sort", "before", "around"}:
            continue
        response = get(f"/events/storm/{path}", **query)
        html = response.content.decode()
        assert response.status_code == 400
        assert "This frame’s address does not work:" in html
        (value,) = query.values()
        assert len(value) < 5 or f'"{value}' not in html
        assert "<script>alert" not in html
        assert response["Cache-Control"] == "no-store"


def test_what_is_no_option_is_left_alone(event: Event) -> None:
    assert get("/events/storm/embed/", utm_source="x", theme="", limit=" 3 ").status_code == 200


def test_the_only_style_a_colour_can_become_is_itself(event: Event) -> None:
    response = get("/embed/accent-0a5fb4.css")
    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=86400"
    for wrong in ("0a5fb", "0A5FB4", "0a5fb4;", "%0a5fb4", "javascript", "0a5fb4.css%00"):
        assert Client().get(f"/embed/accent-{wrong}.css").status_code == 404


@pytest.mark.parametrize("ground", [colour.LIGHT_GROUND, colour.DARK_GROUND], ids=["day", "night"])
def test_every_colour_is_made_fit_to_be_read_and_a_fit_one_stays(ground: colour.Colour) -> None:
    steps = range(0, 256, 51)
    for chosen in ((red, green, blue) for red in steps for green in steps for blue in steps):
        shade = colour.readable(chosen, ground)
        assert colour.contrast(shade, ground) >= 4.5
        assert colour.contrast(colour.ink_on(shade), shade) >= 4.5
        if colour.contrast(chosen, ground) >= 4.5:
            assert shade == chosen


def test_contrast_is_measured_as_wcag_does() -> None:
    assert round(colour.contrast((0, 0, 0), (255, 255, 255)), 2) == 21
    assert round(colour.contrast((0x76, 0x76, 0x76), (255, 255, 255)), 2) == 4.54


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    assert (
        "--surface: light-dark(oklch(96% 0.009 85), oklch(23% 0.009 70));" in (ROOT / "static/css/site.css").read_text()
    )


def test_options_read_back_what_they_write() -> None:
    options, wrong = Options.from_query({"theme": "dark", "limit": "7", "header": "0", "accent": "#ABCDEF"})
    assert not wrong
    assert options.query == "?theme=dark&accent=abcdef&limit=7&header=0"
    assert Options.from_query(options.chosen) == (options, {})
    assert Options().query == ""


# The script.


def test_the_script_is_small_and_its_address_stays() -> None:
    source = (ROOT / "static/js/embed.js").read_bytes()
    assert len(gzip.compress(source)) < 2_000
    response = get("/embed.js")
    assert response.content == source
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"


# oEmbed, by its specification (oembed.com).


def oembed(address: str, **query: str) -> HttpResponse:
    return get("/oembed/", url=address, **query)


def test_an_event_is_a_rich_oembed_type(event: Event) -> None:
    response = oembed("http://testserver/events/storm/", format="json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == "*"
    answer = json.loads(response.content)
    assert answer["version"] == "1.0"
    assert answer["type"] == "rich"
    assert isinstance(answer["width"], int)
    assert isinstance(answer["height"], int)
    assert answer["title"] == "Storm over the bay"
    assert answer["provider_url"] == "http://testserver/"
    assert answer["cache_age"] > 0
    (frame,) = Elements(answer["html"]).found
    assert frame.tag == "iframe"
    assert frame["src"] == "http://testserver/events/storm/embed/"
    assert (frame["width"], frame["height"]) == (str(answer["width"]), str(answer["height"]))
    assert frame["title"] == "Storm over the bay"


def test_an_update_is_one_too(event: Event) -> None:
    answer = json.loads(oembed("http://testserver/events/storm/updates/3/").content)
    assert answer["title"] == "Headline 3 – Storm over the bay"
    assert answer["author_name"] == "ada"
    assert 'src="http://testserver/events/storm/updates/3/embed/"' in answer["html"]


@pytest.mark.parametrize(
    ("asked", "width", "height"),
    [
        ({}, 640, 600),
        ({"maxwidth": "300"}, 300, 600),
        ({"maxheight": "200"}, 640, 200),
        ({"maxwidth": "4000", "maxheight": "4000"}, 640, 600),
        ({"maxwidth": "1", "maxheight": "1"}, 1, 1),
    ],
)
def test_it_is_never_larger_than_asked(event: Event, asked: dict[str, str], width: int, height: int) -> None:
    answer = json.loads(oembed("http://testserver/events/storm/", **asked).content)
    assert (answer["width"], answer["height"]) == (width, height)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"url": "http://testserver/events/storm/", "format": "xml"}, 501),
        ({"url": "http://testserver/events/storm/", "format": "yaml"}, 501),
        ({"url": "http://testserver/events/storm/", "maxwidth": "wide"}, 400),
        ({"url": "http://testserver/events/storm/", "maxheight": "-5"}, 400),
        ({"url": "http://testserver/events/storm/", "maxwidth": "0"}, 400),
        ({"url": "http://testserver/events/storm/", "maxwidth": "9" * 400}, 400),
        ({"url": ""}, 404),
        ({"url": "http://testserver/"}, 404),
        ({"url": "http://testserver/desk/storm/"}, 404),
        ({"url": "http://testserver/events/draft/"}, 404),
        ({"url": "http://testserver/events/unknown/"}, 404),
        ({"url": "http://testserver/events/storm/updates/2/"}, 404),  # withdrawn
        ({"url": "http://testserver/events/storm/updates/99/"}, 404),
        ({"url": "https://evil.example/events/storm/"}, 404),
        ({"url": "http://testserver.evil.example/events/storm/"}, 404),
        ({"url": "http://testserver@evil.example/events/storm/"}, 404),
        ({"url": "http://evil.example#http://testserver/events/storm/"}, 404),
        ({"url": "http://127.0.0.1:6379/"}, 404),
        ({"url": "http://[::1]:5432/events/storm/"}, 404),
        ({"url": "http://[bad/events/storm/"}, 404),
        ({"url": "file:///etc/passwd"}, 404),
        ({"url": "javascript:alert(1)"}, 404),
        ({"url": "//testserver/events/storm/"}, 404),
        ({"url": "http://testserver/events/%73torm/%00"}, 404),
        ({"url": "http://testserver/events/%ff/"}, 404),
        ({"url": "http://testserver/events/storm/" + "a" * 5_000}, 404),
    ],
)
def test_what_is_wrong_is_answered_as_the_specification_says(
    event: Event, make_event: Callable[..., Event], query: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    make_event("Secret plans", status="draft", slug="draft")
    event.updates.get(number=2).withdraw()
    monkeypatch.setattr(socket.socket, "connect", _no_request)
    response = get("/oembed/", **query)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/plain")
    assert response["Cache-Control"] == "no-store"


def _no_request(*_: Any) -> None:
    raise AssertionError("a request was made to the address that was given")


def test_addresses_mean_the_same_however_they_are_written(event: Event) -> None:
    for address in (
        "https://testserver/events/storm/",
        "http://TESTSERVER/events/storm/?sort=oldest#update-3",
        "http://testserver/events/%73torm/",
        "http://testserver/events/storm",
        "http://testserver/events/storm/embed/",
    ):
        assert oembed(address).status_code == 200, address


def test_both_pages_tell_early_where_their_oembed_is(event: Event) -> None:
    for path, title in (("/events/storm/", "Storm over the bay"), ("/events/storm/updates/3/", "Headline 3")):
        html = get(path).content.decode()
        (link,) = [one for one in Elements(html).found if one.attributes.get("type") == "application/json+oembed"]
        assert html.index("json+oembed") < 1_500
        assert link["title"] == title
        assert quote(f"http://testserver{path}", safe="") in link["href"]
        assert Client().get(link["href"].removeprefix("http://testserver")).status_code == 200


def test_a_title_full_of_html_stays_in_its_place(make_event: Callable[..., Event]) -> None:
    title = "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    make_event(title, slug="hostile", updates=1)
    answer = json.loads(oembed("http://testserver/events/hostile/").content)
    (frame,) = Elements(answer["html"]).found
    assert frame["title"] == answer["title"] == title
    for path in ("", "embed/", "embed/code/", "fragment/", "updates/1/embed/"):
        found = Elements(get(f"/events/hostile/{path}").content.decode()).found
        assert not [one for one in found if one.tag == "img" or "onerror" in one.attributes]
        assert not [one for one in found if one.tag == "script" and "src" in one.attributes and "alert" in one.text]
        assert "<script>alert" not in get(f"/events/hostile/{path}").content.decode()


# The fragment.


def test_a_fragment_is_plain_html_for_another_page(event: Event) -> None:
    publish(
        event, "**Bold**, [a](https://example.org/) [b](/c) [d](//e.example) [f](#g).", headline="Last", is_key=True
    )
    event.revise(summary="[Home](/)")
    response = get("/events/storm/fragment/", limit="3")
    html = response.content.decode()
    found = Elements(html).found
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"].startswith("public, max-age=0, s-maxage=5")
    assert html.startswith("<section")
    assert not [one for one in found if one.tag in {"script", "link", "iframe", "html", "body"}]
    assert not [name for one in found for name in one.attributes if name.startswith(("hx-", "on"))]
    assert [one["id"] for one in found if one.tag == "article"] == [
        "liveblog-storm-6",
        "liveblog-storm-5",
        "liveblog-storm-4",
    ]
    for one in found:
        for name in ("href", "src"):
            assert one.attributes.get(name, "http").startswith("http")
    assert "<strong>Bold</strong>" in html
    assert "Storm over the bay" not in get("/events/storm/fragment/", header="0").content.decode()


def test_a_fragment_follows_the_event_and_says_when_nothing_has_changed(event: Event) -> None:
    first = get("/events/storm/fragment/")
    again = Client().get("/events/storm/fragment/", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    assert again["Access-Control-Allow-Origin"] == "*"
    assert "style-src 'unsafe-inline'" in first["Content-Security-Policy"]
    assert again["Content-Security-Policy"] == first["Content-Security-Policy"], "browsers replace the one they keep"
    event.updates.get(number=4).withdraw()
    later = Client().get("/events/storm/fragment/", headers={"If-None-Match": first["ETag"]})
    assert later.status_code == 200
    assert "This is update 4." not in later.content.decode()
    assert get("/events/storm/fragment/", limit="2")["ETag"] != later["ETag"]


def test_a_fragment_is_not_sent_again_to_who_says_its_state(event: Event) -> None:
    fields = [one for one in Elements(get("/events/storm/fragment/").content.decode()).found if one.tag == "input"]
    (state,) = ({one["name"]: one["value"]} for one in fields)
    assert get("/events/storm/fragment/", limit="2", **state).status_code == 200, "that is another fragment"
    again = get("/events/storm/fragment/", **state)
    assert (again.status_code, again.content) == (204, b"")
    assert again["Access-Control-Allow-Origin"] == "*"
    assert again["Cache-Control"].startswith("public, max-age=0, s-maxage=5")
    publish(event, "Something new.")
    assert "Something new." in get("/events/storm/fragment/", **state).content.decode()


def test_htmx_may_ask_from_elsewhere_and_nobody_may_post(event: Event) -> None:
    preflight = Client().options(
        "/events/storm/fragment/",
        headers={"Origin": "https://news.example", "Access-Control-Request-Headers": "hx-current-url,hx-request"},
    )
    assert preflight.status_code == 204
    assert preflight["Access-Control-Allow-Origin"] == "*"
    assert "HX-Current-URL" in preflight["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight
    for path in ("fragment/", "embed/", "embed/code/"):
        assert Client(enforce_csrf_checks=True).post(f"/events/storm/{path}").status_code == 405


@pytest.mark.parametrize("query", [one for one in HOSTILE_OPTIONS if not one.keys() & {"sort", "before", "around"}])
def test_a_fragment_refuses_the_same_options(event: Event, query: dict[str, str]) -> None:
    response = get("/events/storm/fragment/", **query)
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/plain")
    assert response["Access-Control-Allow-Origin"] == "*"


# The dialog.


def test_the_dialog_keeps_what_is_right_and_names_what_is_wrong(event: Event) -> None:
    html = get(
        "/events/storm/embed/code/", theme="dark", limit="99", height="7", own="1", accent="red"
    ).content.decode()
    assert "limit is a number from 1 to 50." in html
    assert "The height is a number of pixels from 150 to 5000." in html
    assert "accent is a colour" in html
    assert "data-theme=&quot;dark&quot;" in html
    assert 'data-frame="/events/storm/embed/?theme=dark"' in html


def test_the_dialog_for_one_update_is_for_one_that_is_there(event: Event) -> None:
    html = get("/events/storm/embed/code/", update="3").content.decode()
    assert "Embed one update" in html
    assert "http://testserver/events/storm/updates/3/" in html
    event.updates.get(number=3).withdraw()
    for number in ("3", "99", "x", "٣", "-1"):
        assert get("/events/storm/embed/code/", update=number).status_code == 404


@pytest.mark.parametrize("query", [{}, {"update": "3"}])
def test_the_line_for_wordpress_makes_the_addresses_known_that_the_dialog_gives(
    event: Event, query: dict[str, str]
) -> None:
    html = unescape(get("/events/storm/embed/code/", **query).content.decode())
    (address,) = re.findall(r'aria-label="Address">(.*?)</textarea>', html)
    (known, endpoint) = re.findall(r"wp_oembed_add_provider\( '(.*?)', '(.*?)' \);", html)[0]
    assert fnmatchcase(address, known)
    assert get(endpoint.removeprefix("http://testserver"), url=address).status_code == 200


# Sites that may embed.


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("www.example.org", "https://www.example.org"),
        ("HTTPS://Example.org/", "https://example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("*.example.org", "https://*.example.org"),
        ("zeitung.köln", "https://zeitung.xn--kln-sna"),
    ],
)
def test_a_site_becomes_an_origin(typed: str, origin: str) -> None:
    assert read_site(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        *"example.org/path 'none' * https://* a.org;script-src data: javascript:alert(1) ftp://example.org".split(),
        *"https://user@example.org example.org:99999 -x.org *.*.org".split(),
        "a b.org",
        "a.org; script-src *",
        "a" * 300 + ".org",
    ],
)
def test_what_is_no_site_is_refused_and_named(event: Event, author: Any, typed: str) -> None:
    form = EventForm({"title": "Storm", "embed_sites": f"ok.example\n{typed}"}, editor=author, event=event)
    assert not form.is_valid()
    assert typed[:80] in form.errors["embed_sites"][0]


def test_sites_are_set_at_the_desk_and_a_form_without_them_leaves_them(event: Event, author: Any) -> None:
    before = event.revision
    form = EventForm(
        {"title": "Storm over the bay", "embed_sites": "b.example\n\nb.example\na.example"}, editor=author, event=event
    )
    assert carry_out(form, form.save_event) == event
    assert event.embed_sites == ["https://b.example", "https://a.example"]
    form = EventForm({"title": "Another title"}, editor=author, event=event)
    assert carry_out(form, form.save_event) == event
    assert event.embed_sites == ["https://b.example", "https://a.example"]
    form = EventForm({"title": "Another title", "embed_sites": ""}, editor=author, event=event)
    assert carry_out(form, form.save_event) == event
    assert event.embed_sites == []
    assert event.revision == before + 3  # who may frame it takes one too: pages are kept


def test_the_codes_survive_a_title_with_every_kind_of_quote(make_event: Callable[..., Event]) -> None:
    title = '“Rock & Roll” <live> "at" 8 o\'clock </textarea>'
    make_event(title, slug="quotes")
    html = get("/events/quotes/embed/code/").content.decode()
    (area,) = re.findall(r'aria-label="Code with a script">(.*?)</textarea>', html, re.DOTALL)
    around, link, script = Elements(unescape(area)).found
    assert around["data-liveblog"] == ""
    assert link["href"] == "http://testserver/events/quotes/"
    assert script["data-title"] == f"Live blog: {title}"
    assert script["src"] == "http://testserver/embed.js"
    (area,) = re.findall(r'aria-label="Code of a frame">(.*?)</textarea>', html, re.DOTALL)
    (frame,) = Elements(unescape(area)).found
    assert frame["title"] == f"Live blog: {title}"
