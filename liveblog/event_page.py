"""What a page with an event's stream shows: the reader's own, the frame on another site, the preview at the desk."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from liveblog import live, markup, rendering
from liveblog.addresses import ABSOLUTE, READERS, Addresses, absolute, socket_address
from liveblog.models import Event
from liveblog.models.head import DESCRIPTION_CHARACTERS
from liveblog.stream import Page


def event_context(page: Page, addresses: Addresses = READERS) -> dict[str, Any]:
    """Return the context of its template."""
    event = page.event
    return {
        "event": event,
        "page": page,
        "rows": page.rows(addresses),
        "head": rendering.head(event, addresses),
        "here": f"{addresses.stream(event)}?",
        "canonical": ABSOLUTE.stream(event),
        "oembed": oembed_address(ABSOLUTE.stream(event)),
        "description": description_of(event),
        "live_url": socket_address(event),
        "poll_only": event.status == Event.Status.ENDED and live.socket_seconds(event.ended_at) <= 0,
    }


def oembed_address(page: str) -> str:
    """Return the address that says how to embed a ``page`` of ours (oembed.com, discovery)."""
    return f"{absolute(reverse('oembed'))}?{urlencode({'url': page, 'format': 'json'})}"


def description_of(event: Event) -> str:
    """Return the description of an event for links to it; while it is live, its latest key moment comes first."""
    latest = None
    if event.status == Event.Status.LIVE:
        latest = event.updates.visible().filter(is_key=True).newest_first().first()
    said = f"{latest.title} – {event.description}" if latest else event.description
    return markup.shorten(said, characters=DESCRIPTION_CHARACTERS)
