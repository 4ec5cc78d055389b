"""Feeds, structured data, the head of pages, the map of the site: what machines are told, and that it is so."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import feedparser
import pytest
import rnc2rng
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from lxml import etree
from PIL import Image

from liveblog import markup
from liveblog.models import Event
from liveblog.syndication import pictures
from tests.page import Elements
from tests.server import publish

pytestmark = pytest.mark.django_db

HERE = "http://testserver"
ATOM = "{http://www.w3.org/2005/Atom}"
GONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
NASTY = "</title></content></script><script>alert(1)</script>]]>\"'&amp;<!--\x08\x1b\ufffe\u2028"


@pytest.fixture
def event(make_event: Callable[..., Event]) -> Event:
    return make_event("Storm over the bay", updates=3, summary="Wind and *water*.", slug="storm", language="de")


def get(path: str, **headers: str) -> HttpResponse:
    return Client().get(path, headers=headers)


@cache
def grammar() -> etree.RelaxNG:
    source = (Path(__file__).parent / "schemas" / "atom.rnc").read_text()
    grammar = rnc2rng.dumps(rnc2rng.loads(source)).replace('xmlns:local=""', "")  # which no name in it uses
    return etree.RelaxNG(etree.fromstring(grammar.encode()))


def atom(path: str = "/events/storm/feed.atom") -> etree._Element:
    """Return a feed that is valid."""
    response = get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = etree.fromstring(response.content)
    grammar().assertValid(feed.getroottree())
    for entry in feed.iter(ATOM + "entry"):
        assert entry.find(ATOM + "author") is not None
        assert entry.find(ATOM + "content") is not None
    return feed


def text(element: etree._Element, name: str) -> str:
    found = element.find(ATOM + name)
    assert found is not None
    return found.text or ""


# Atom.


def test_the_grammar_refuses_what_is_no_atom(event: Event) -> None:
    feed = atom()
    identifier = feed.find(ATOM + "id")
    assert identifier is not None
    feed.remove(identifier)
    assert not grammar().validate(feed.getroottree())


def test_a_feed_reader_finds_the_updates_newest_first(event: Event) -> None:
    publish(event, "**Bold** and [elsewhere](/there).", headline="Fourth", is_key=True, byline="Ada Byron")
    atom()
    feed = feedparser.parse(get("/events/storm/feed.atom").content)
    assert not feed.bozo
    assert feed.feed.id == event.uuid.urn
    assert feed.feed.title == "Storm over the bay"
    assert [entry.title for entry in feed.entries] == ["Fourth", "Headline 3", "Headline 2", "Headline 1"]
    newest = feed.entries[0]
    update = event.updates.get(number=4)
    assert newest.id == update.uuid.urn == f"urn:uuid:{update.uuid}"
    assert newest.link == f"{HERE}/events/storm/updates/4/"
    assert newest.author == "Ada Byron"
    assert newest.tags[0].term == "key-moment"
    content = newest.content[0]
    assert content.type == "text/html"
    assert "<strong>Bold</strong>" in content.value
    assert f'href="{HERE}/there"' in content.value
    links = {link.rel: link.href for link in feed.feed.links}
    assert links == {"self": f"{HERE}/events/storm/feed.atom", "alternate": f"{HERE}/events/storm/"}


def test_an_edit_moves_updated_and_keeps_the_id_and_a_withdrawal_leaves_a_tombstone(event: Event) -> None:
    def read() -> dict[str, dict[str, Any]]:
        return {entry.id: entry for entry in feedparser.parse(get("/events/storm/feed.atom").content).entries}

    update = event.updates.get(number=2)
    before = read()
    update.edit(body="Put right.")
    after = read()
    assert before.keys() == after.keys()
    one = update.uuid.urn
    assert after[one].updated > before[one].updated
    assert after[one].published == before[one].published
    assert "Put right." in after[one].content[0].value
    update.withdraw()
    feed = atom()
    assert one not in read()
    (gone,) = feed.iter(GONE)
    assert gone.get("ref") == one
    assert datetime.fromisoformat(gone.get("when")) == update.withdrawn_at
    assert b"Put right." not in get("/events/storm/feed.atom").content
    update.restore()
    assert one in read()
    assert not list(atom().iter(GONE))


def test_nothing_that_is_typed_breaks_out_of_its_element(make_event: Callable[..., Event]) -> None:
    event = make_event("X" + NASTY.replace("\n", " "), slug="storm", summary=NASTY)
    publish(event, "Text " + NASTY, headline=NASTY.replace("\u2028", ""), byline=NASTY)
    feed = atom()
    (entry,) = feed.iter(ATOM + "entry")
    assert text(entry, "title").startswith("</title></content></script><script>alert(1)</script>]]>\"'&amp;")
    content = text(entry, "content")
    assert "<script" not in content
    assert [one.tag.removeprefix(ATOM) for one in entry] == "id title published updated link author content".split()
    assert len(list(atom("/feed.atom").iter(ATOM + "entry"))) == 1
    for path in ("/events/storm/", "/events/storm/updates/1/"):
        html = get(path).content.decode()
        assert "<script>alert" not in html
        (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
        assert not set("<>&\u2028\u2029") & set(data)
        assert "</script><script>alert(1)" in json.dumps(json.loads(data), ensure_ascii=False)
        title = next(one for one in Elements(html).found if one.attributes.get("property") == "og:title")
        assert "</script>" in title["content"]
    assert json.loads(get("/events/storm/feed.json").content)["items"][0]["title"].startswith("</title>")


# JSON Feed.


def test_a_json_feed_says_the_same(event: Event) -> None:
    event.updates.get(number=1).withdraw()
    response = get("/events/storm/feed.json")
    assert response["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(response.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{HERE}/events/storm/feed.json"
    assert feed["home_page_url"] == f"{HERE}/events/storm/"
    entries = feedparser.parse(get("/events/storm/feed.atom").content).entries
    assert [item["id"] for item in feed["items"]] == [entry.id for entry in entries]
    assert [item["content_html"] for item in feed["items"]] == [entry.content[0].value for entry in entries]
    for item in feed["items"]:
        assert datetime.fromisoformat(item["date_published"]).tzinfo
        assert datetime.fromisoformat(item["date_modified"]).tzinfo
        assert item["authors"] == [{"name": "ada"}]
    assert feed["_withdrawn"] == [event.updates.get(number=1).uuid.urn]


# Both.


@pytest.mark.parametrize("path", ["/events/storm/feed.atom", "/events/storm/feed.json", "/feed.atom", "/feed.json"])
def test_who_has_the_present_state_is_told_so_until_something_changes(event: Event, path: str) -> None:
    first = get(path)
    assert first["Access-Control-Allow-Origin"] == "*"
    assert first["Cache-Control"].startswith("public, max-age=0, s-maxage=5")
    assert not first.cookies
    again = get(path, **{"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    event.updates.get(number=3).edit(headline="Changed")
    assert get(path, **{"If-None-Match": first["ETag"]}).status_code == 200
    event.make_draft()
    assert get(path, **{"If-None-Match": first["ETag"]}).status_code == (404 if "storm" in path else 200)
    assert Client().post(path).status_code == 405


@pytest.mark.parametrize("path", ["/events/storm/feed.atom", "/events/storm/feed.json"])
def test_a_time_tells_the_state_only_once_no_other_change_can_have_it(event: Event, path: str) -> None:
    assert "Last-Modified" not in get(path)
    Event.objects.filter(pk=event.pk).update(changed_at=timezone.now() - timedelta(minutes=2))
    settled = {"If-Modified-Since": get(path)["Last-Modified"]}
    assert get(path, **settled).status_code == 304
    event.updates.get(number=3).edit(headline="Changed")
    assert get(path, **settled).status_code == 200


def test_the_feed_of_all_events_holds_what_is_public(event: Event, make_event: Callable[..., Event]) -> None:
    make_event("Secret plans", status="draft", updates=1)
    other = make_event("Another night", updates=1)
    entries = feedparser.parse(get("/feed.atom").content).entries
    assert len(entries) == 4
    assert entries[0].id == other.updates.get().uuid.urn
    assert b"Secret" not in get("/feed.atom").content + get("/feed.json").content
    atom("/feed.atom")


def test_pages_link_to_their_feeds(event: Event) -> None:
    for path, feeds in (("/", "/feed"), ("/events/storm/", "/events/storm/feed")):
        found = Elements(get(path).content.decode()).found
        links = {one["type"]: one["href"] for one in found if one.attributes.get("rel") == "alternate"}
        assert links["application/atom+xml"] == f"{HERE}{feeds}.atom"
        assert links["application/feed+json"] == f"{HERE}{feeds}.json"


# Structured data.

TERMS: dict[str, dict[str, Any]] = {
    "LiveBlogPosting": {
        "@context": "https://schema.org",
        "@type": str,
        "@id": "url",
        "url": "url",
        "mainEntityOfPage": "url",
        "headline": str,
        "description": str,
        "inLanguage": str,
        "datePublished": "time",
        "dateModified": "time",
        "coverageStartTime": "time",
        "coverageEndTime": "time",
        "publisher": "Organization",
        "image": "url",
        "about": "Event",
        "liveBlogUpdate": ["BlogPosting"],
    },
    "BlogPosting": {
        "@context": "https://schema.org",
        "@type": str,
        "@id": "url",
        "url": "url",
        "mainEntityOfPage": "url",
        "isPartOf": "LiveBlogPosting",
        "headline": str,
        "articleBody": str,
        "inLanguage": str,
        "datePublished": "time",
        "dateModified": "time",
        "author": "Person",
        "publisher": "Organization",
        "image": ["url"],
    },
    "Organization": {"@type": str, "name": str, "url": "url", "logo": "ImageObject"},
    "ImageObject": {"@type": str, "url": "url", "width": int, "height": int},
    "Person": {"@type": str, "name": str, "url": "url"},
    "Event": {"@type": str, "name": str, "startDate": "time", "endDate": "time"},
}
"""The terms of schema.org that we use, each with the type that its page there expects: Text, URL, DateTime, a Thing."""


def check(value: Any, expected: Any) -> None:
    """Hold a value to the type its term expects."""
    if isinstance(expected, list):
        assert isinstance(value, list)
        for one in value:
            check(one, expected[0])
    elif expected == "url":
        assert value.startswith(f"{HERE}/"), value
    elif expected == "time":
        assert datetime.fromisoformat(value).tzinfo is not None
    elif expected in TERMS:
        assert value["@type"] == expected
        for term, one in value.items():
            assert term in TERMS[expected], f"{term} is no known term of {expected}"
            check(one, TERMS[expected][term])
    elif isinstance(expected, str):
        assert value == expected
    else:
        assert isinstance(value, expected)


def data_of(path: str) -> dict[str, Any]:
    html = get(path).content.decode()
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_an_events_data_is_what_the_page_shows(event: Event) -> None:
    publish(event, "Wind *rises*.\n\nAnd falls.", byline="Ada Byron")
    event.updates.get(number=2).edit(body="Changed.")
    data = data_of("/events/storm/")
    check(data, "LiveBlogPosting")
    shown = Elements(get("/events/storm/").content.decode()).cards
    posts = data["liveBlogUpdate"]
    assert [post["url"] for post in posts] == [f"{HERE}/events/storm/#update-{one.number}" for one in shown]
    for post, one in zip(posts, shown, strict=True):
        said = markup.plain(one.text)
        assert markup.plain(post["articleBody"]) in said
        assert post["author"]["name"] in said
        assert "?" not in post["url"]
    assert posts[0]["headline"] == "Wind rises. And falls."
    assert posts[2]["articleBody"] == "Changed."
    event.refresh_from_db()
    assert data["dateModified"] == event.changed_at.isoformat(timespec="seconds")
    assert "coverageEndTime" not in data
    event.end()
    assert data_of("/events/storm/")["coverageEndTime"]
    older = data_of("/events/storm/?sort=newest&around=first")["liveBlogUpdate"]
    assert len(older) == 4


def test_an_updates_data_is_a_posting_of_its_own(event: Event) -> None:
    data = data_of("/events/storm/updates/2/")
    check(data, "BlogPosting")
    assert data["url"] == f"{HERE}/events/storm/updates/2/"
    assert data["isPartOf"]["url"] == f"{HERE}/events/storm/"
    assert data["articleBody"] == "This is update 2."


# The head.


def head(path: str) -> dict[str, str]:
    found = Elements(get(path).content.decode()).found
    metas = [one.attributes for one in found if one.tag == "meta"]
    return {one.get("property") or one.get("name", ""): one.get("content", "") for one in metas}


def test_what_a_shared_link_shows_follows_the_last_change(event: Event) -> None:
    before = head("/events/storm/")
    assert before["og:title"] == "Storm over the bay"
    assert before["og:description"] == before["description"] == "Wind and water."
    assert before["og:url"] == f"{HERE}/events/storm/"
    assert before["og:image"] == f"{HERE}/events/storm/social-{event.head_revision}.jpg"
    publish(event, "It is **here**.", headline="Landfall", is_key=True)
    after = head("/events/storm/")
    assert after["og:description"] == "Landfall – Wind and water."
    assert after["article:modified_time"] > before["article:modified_time"]
    assert after["og:image"] != before["og:image"]
    assert head("/events/storm/updates/4/")["og:title"] == "Landfall – Storm over the bay"
    assert head("/events/storm/updates/4/")["og:description"] == "It is here."


# Pictures of shared links.


def picture(path: str) -> Image.Image:
    response = get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    return Image.open(BytesIO(response.content))


def test_a_social_card_is_drawn_once_a_revision_and_for_no_invented_one(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    real = pictures.picture_of

    def counted(event: Event) -> bytes:
        drawn.append(event.head_revision)
        return real(event)

    monkeypatch.setattr(pictures, "picture_of", counted)
    address = "/events/storm/social-{}.jpg"
    first = picture(address.format(event.head_revision))
    assert first.size == (1200, 630)
    for revision in (event.head_revision, 0, 7, 99, 10**9):
        assert get(address.format(revision))["Cache-Control"].startswith("public, max-age=0, s-maxage=5,")
    assert len(drawn) == 1
    event.end()
    assert picture(address.format(event.head_revision)).tobytes() != first.tobytes()
    assert len(drawn) == 2
    event.make_draft()
    assert get(address.format(event.head_revision)).status_code == 404


@pytest.mark.parametrize(
    "title", ["A", "Wort" * 37, "月面着陸の実況", "الهبوط على القمر", "🚀🚀🚀", "a b " * 37, "\u202eabc", "Ελλάδα"]
)
def test_any_title_can_be_drawn(make_event: Callable[..., Event], title: str) -> None:
    event = make_event(title[:150], slug="titled")
    publish(event, title * 3, is_key=True)
    event.refresh_from_db()
    assert picture(f"/events/titled/social-{event.head_revision}.jpg").size == (1200, 630)


# The site as a whole.


def test_the_map_names_every_public_page_and_nothing_else(event: Event, make_event: Callable[..., Event]) -> None:
    make_event("Secret plans", status="draft", updates=1, slug="draft")
    event.updates.get(number=2).withdraw()
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    index = etree.fromstring(get("/sitemap.xml").content)
    assert index.tag == f"{space}sitemapindex"
    found = {}
    for location in index.iter(f"{space}loc"):
        assert (location.text or "").startswith(HERE)
        part = etree.fromstring(get((location.text or "").removeprefix(HERE)).content)
        assert part.tag == f"{space}urlset"
        for url in part:
            address, modified = (one.text or "" for one in url)
            found[address.removeprefix(HERE)] = datetime.fromisoformat(modified)
    assert set(found) == {"/events/storm/", "/events/storm/updates/1/", "/events/storm/updates/3/"}
    assert all(get(path).status_code == 200 for path in found)
    assert get("/sitemap-updates-2.xml").status_code == get("/sitemap-updates-0.xml").status_code == 404
    assert get(f"/sitemap-updates-{10**20}.xml").status_code == 404


def test_crawlers_are_told_where_they_have_no_business_and_where_the_map_is(event: Event) -> None:
    said = get("/robots.txt").content.decode()
    assert f"Sitemap: {HERE}/sitemap.xml" in said
    for closed in ("/desk/", "/admin/", "/accounts/", "/join/"):
        assert f"Disallow: {closed}\n" in said


def test_the_icons_are_what_they_say() -> None:
    response = get("/favicon.ico")
    assert response["Content-Type"] == "image/x-icon"
    icon = Image.open(BytesIO(response.content))
    assert icon.format == "ICO"
    assert {(16, 16), (32, 32), (48, 48)} <= icon.info["sizes"]
    folder = Path(__file__).resolve().parent.parent / "static" / "img"
    assert Image.open(folder / "icon-180.png").size == (180, 180)
    found = Elements(get("/").content.decode()).found
    icons = [one["href"] for one in found if one.attributes.get("rel") in {"icon", "apple-touch-icon"}]
    assert len(icons) == 3
    assert all((folder / Path(address).name).exists() for address in icons)


def test_a_draft_is_nowhere(make_event: Callable[..., Event]) -> None:
    event = make_event("Secret plans", status="draft", updates=1, slug="draft")
    for path in ("feed.atom", "feed.json", f"social-{event.head_revision}.jpg", "fragment/", "embed/"):
        assert get(f"/events/draft/{path}").status_code == 404
    for path in ("/feed.atom", "/feed.json", "/sitemap.xml", "/sitemap-events.xml", "/"):
        assert b"Secret" not in get(path).content
        assert b"/draft/" not in get(path).content
