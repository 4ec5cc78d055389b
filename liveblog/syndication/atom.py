"""Atom feeds (RFC 4287), with tombstones for what was withdrawn (RFC 6721)."""

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from django.conf import settings
from django.urls import reverse

from liveblog import rendering
from liveblog.addresses import ABSOLUTE, absolute
from liveblog.models import Event, Update
from liveblog.syndication.entries import ENTRIES, Entries, title_of

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 can't hold (section 2.2)."""


def event_feed(event: Event, *, at_most: int | None = ENTRIES) -> bytes:
    """Return an event's feed."""
    return _feed(
        Entries.of_event(event, at_most=at_most),
        id=event.uuid.urn,
        title=event.title,
        subtitle=event.description,
        language=event.language,
        updated_at=event.changed_at,
        page=ABSOLUTE.stream(event),
        address=absolute(reverse("feed-atom", args=[event.slug])),
    )


def all_feed(updated_at: datetime) -> bytes:
    """Return the feed of all events."""
    return _feed(
        Entries.of_all(),
        id=absolute("/"),
        title=settings.SITE_NAME,
        subtitle="The newest updates of all live blogs.",
        language="en",
        updated_at=updated_at,
        page=absolute("/"),
        address=absolute(reverse("all-atom")),
    )


def _feed(
    entries: Entries,
    *,
    id: str,  # noqa: A002  (its name in the format)
    title: str,
    subtitle: str,
    language: str,
    updated_at: datetime,
    page: str,
    address: str,
) -> bytes:
    feed = Element("feed", {"xmlns": ATOM, "xmlns:at": TOMBSTONES, "xml:lang": language})
    _add(feed, "id", id)
    _add(feed, "title", title)
    _add(feed, "subtitle", subtitle)
    _add(feed, "updated", _iso(updated_at))
    _add(feed, "link", rel="self", type="application/atom+xml", href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=page)
    _add(_add(feed, "author"), "name", settings.SITE_NAME)
    _add(feed, "generator", "Liveblog")
    for update in entries.withdrawn:
        assert update.withdrawn_at
        _add(feed, "at:deleted-entry", ref=update.uuid.urn, when=_iso(update.withdrawn_at))
    for update in entries.shown:
        _add_entry(feed, update)
    return tostring(feed, encoding="utf-8", xml_declaration=True)


def _add_entry(feed: Element, update: Update) -> None:
    entry = _add(feed, "entry", **{"xml:lang": update.event.language})
    _add(entry, "id", update.uuid.urn)
    _add(entry, "title", title_of(update))
    _add(entry, "published", _iso(update.published_at))
    _add(entry, "updated", _iso(update.changed_at))
    _add(entry, "link", rel="alternate", type="text/html", href=ABSOLUTE.permalink(update))
    _add(_add(entry, "author"), "name", update.byline)
    if update.is_key:
        _add(entry, "category", term="key-moment", label="Key moment")
    _add(entry, "content", rendering.entry(update), type="html")


def _add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """Add an element with any text that people have typed."""
    element = SubElement(parent, name, {key: _FORBIDDEN.sub("\ufffd", value) for key, value in attributes.items()})
    element.text = _FORBIDDEN.sub("\ufffd", text)
    element.tail = "\n"
    return element


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
