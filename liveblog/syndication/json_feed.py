"""JSON Feeds (version 1.1, jsonfeed.org)."""

import json
from typing import Any

from django.conf import settings
from django.urls import reverse

from liveblog import rendering
from liveblog.addresses import ABSOLUTE, absolute
from liveblog.models import Event, Update
from liveblog.syndication.entries import ENTRIES, Entries, title_of

VERSION = "https://jsonfeed.org/version/1.1"


def event_feed(event: Event, *, at_most: int | None = ENTRIES) -> bytes:
    """Return an event's feed."""
    return _feed(
        Entries.of_event(event, at_most=at_most),
        title=event.title,
        description=event.description,
        language=event.language,
        page=ABSOLUTE.stream(event),
        address=absolute(reverse("feed-json", args=[event.slug])),
    )


def all_feed() -> bytes:
    """Return the feed of all events."""
    return _feed(
        Entries.of_all(),
        title=settings.SITE_NAME,
        description="The newest updates of all live blogs.",
        language="en",
        page=absolute("/"),
        address=absolute(reverse("all-json")),
    )


def _feed(entries: Entries, *, title: str, description: str, language: str, page: str, address: str) -> bytes:
    feed = {
        "version": VERSION,
        "title": title,
        "home_page_url": page,
        "feed_url": address,
        "description": description,
        "language": language,
        "authors": [{"name": settings.SITE_NAME}],
        "items": [_item(update) for update in entries.shown],
        # The format knows no tombstones, but lets us add what begins with an underscore.
        "_withdrawn": [update.uuid.urn for update in entries.withdrawn],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode(errors="replace")


def _item(update: Update) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": update.uuid.urn,
        "url": ABSOLUTE.permalink(update),
        "title": title_of(update),
        "content_html": rendering.entry(update),
        "date_published": update.published_at.isoformat(),
        "date_modified": update.changed_at.isoformat(),
        "authors": [{"name": update.byline}],
        "language": update.event.language,
    }
    if figures := update.readable_photos:
        item["image"] = ABSOLUTE.picture(update.event, figures[0])["largest"]
    if update.is_key:
        item["tags"] = ["key moment"]
    return item
