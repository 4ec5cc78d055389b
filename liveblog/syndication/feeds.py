"""The feeds' addresses, with conditional requests: a feed that has not changed is not drawn again."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from liveblog.caching import cacheable
from liveblog.dependencies import depends_on, depends_on_every_event
from liveblog.models import Event
from liveblog.public import find_event, public
from liveblog.syndication import atom, json_feed

FEED_SECONDS = 5
SETTLED_SECONDS = 60
"""How old a change must be before Last-Modified names it. Its seconds are too coarse for two changes in one second:
who asked between them would never get the second (RFC 9110, section 8.8.2.2)."""
ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"


@public
def event_atom(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with an event's Atom feed."""
    event = _find(request, slug)
    return _answer(request, state_of(event), event.changed_at, ATOM_TYPE, lambda: atom.event_feed(event))


@public
def event_json(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer with an event's JSON Feed."""
    event = _find(request, slug)
    return _answer(request, state_of(event), event.changed_at, JSON_TYPE, lambda: json_feed.event_feed(event))


@public
def all_atom(request: HttpRequest) -> HttpResponse:
    """Answer with the Atom feed of all events."""
    depends_on_every_event(request)
    state, changed_at = _state_of_all()
    return _answer(request, state, None, ATOM_TYPE, lambda: atom.all_feed(changed_at))


@public
def all_json(request: HttpRequest) -> HttpResponse:
    """Answer with the JSON Feed of all events."""
    depends_on_every_event(request)
    state, _ = _state_of_all()
    return _answer(request, state, None, JSON_TYPE, json_feed.all_feed)


def _find(request: HttpRequest, slug: str) -> Event:
    event = find_event(request, slug)
    depends_on(request, event, turns=[event.changed_at + timedelta(seconds=SETTLED_SECONDS)])
    return event


def state_of(event: Event) -> str:
    """Return a text that differs after each change that a reader can see."""
    return f"{event.edition}-{event.revision}"


def _state_of_all() -> tuple[str, datetime]:
    events = list(Event.objects.public().order_by("pk").only("pk", "edition", "revision", "changed_at"))
    state = " ".join(f"{event.pk}:{state_of(event)}" for event in events)
    changed_at = max((event.changed_at for event in events), default=timezone.now())
    return hashlib.sha256(state.encode()).hexdigest()[:24], changed_at


def _answer(
    request: HttpRequest, state: str, changed_at: datetime | None, content_type: str, draw: Callable[[], bytes]
) -> HttpResponse:
    """Answer with a feed; without ``changed_at`` it gets an ETag only.

    The feed of all events has none: its latest change lies further back once an event is deleted.
    """
    etag, modified = f'"{state}"', None
    if changed_at and (timezone.now() - changed_at).total_seconds() >= SETTLED_SECONDS:
        modified = int(changed_at.timestamp())
    response = get_conditional_response(request, etag=etag, last_modified=modified)
    if response is None:
        response = HttpResponse(draw(), content_type=content_type, headers={"ETag": etag})
        if modified:
            response.headers["Last-Modified"] = http_date(modified)
    response["Cache-Control"] = cacheable(FEED_SECONDS)
    response["Access-Control-Allow-Origin"] = "*"
    return response
