"""Atom feeds (RFC 4287), with tombstones for what was withdrawn (RFC 6721)."""

import re
from datetime import UTC, datetime
from io import StringIO
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings
from django.urls import reverse
from django.utils.xmlutils import SimplerXMLGenerator

from liveblog.addresses import ABSOLUTE, absolute
from liveblog.models import Event
from liveblog.syndication.entries import ENTRIES, Entries, Entry

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, however it is written (section 2.2)."""


def event_feed(event: Event, *, at_most: int | None = ENTRIES) -> bytes:
    """Return an event's feed."""
    entries = Entries.of_event(event, at_most=at_most)
    return _feed(
        entries,
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


class _Writer:
    """Writes elements whose text and attributes hold whatever people have typed."""

    def __init__(self) -> None:
        self.text = StringIO()
        self.xml = SimplerXMLGenerator(self.text, "utf-8", short_empty_elements=True)

    def open(self, name: str, **attributes: str) -> None:
        said = {key.rstrip("_").replace("_", ":"): _held(value) for key, value in attributes.items()}
        self.xml.startElement(name, AttributesImpl(said))

    def close(self, name: str) -> None:
        self.xml.endElement(name)
        self.xml.ignorableWhitespace("\n")

    def element(self, name: str, text: str = "", **attributes: str) -> None:
        self.open(name, **attributes)
        self.xml.characters(_held(text))
        self.close(name)


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
    write = _Writer()
    write.xml.startDocument()
    write.open("feed", xmlns=ATOM, xmlns_at=TOMBSTONES, xml_lang=language)
    write.element("id", id)
    write.element("title", title)
    write.element("subtitle", subtitle)
    write.element("updated", _written(updated_at))
    write.element("link", rel="self", type="application/atom+xml", href=address)
    write.element("link", rel="alternate", type="text/html", href=page)
    write.open("author")
    write.element("name", settings.SITE_NAME)
    write.close("author")
    write.element("generator", "Liveblog")
    for entry in entries.gone:
        assert entry.update.withdrawn_at
        write.element("at:deleted-entry", ref=entry.id, when=_written(entry.update.withdrawn_at))
    for entry in entries.shown:
        _entry(write, entry)
    write.close("feed")
    write.xml.endDocument()
    return write.text.getvalue().encode()


def _entry(write: _Writer, entry: Entry) -> None:
    write.open("entry", xml_lang=entry.update.event.language)
    write.element("id", entry.id)
    write.element("title", entry.title)
    write.element("published", _written(entry.update.published_at))
    write.element("updated", _written(entry.update.changed_at))
    write.element("link", rel="alternate", type="text/html", href=entry.url)
    write.open("author")
    write.element("name", entry.update.byline)
    write.close("author")
    if entry.update.is_key:
        write.element("category", term="key-moment", label="Key moment")
    write.element("content", entry.html, type="html")
    write.close("entry")


def _held(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
