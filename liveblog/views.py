"""Pages anyone may read: the same bytes for everyone, without a cookie, each saying how it may be cached."""

import hashlib
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import Error
from django.db.models import F, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt

from liveblog import live, markup, rendering
from liveblog.addresses import ABSOLUTE, absolute
from liveblog.caching import cacheable, picture_response
from liveblog.dependencies import depends_on_every_event
from liveblog.errors import bad_address
from liveblog.event_page import event_context, oembed_address
from liveblog.feed import Tail
from liveblog.models import Event, Photo, Update
from liveblog.models.event import EventQuerySet
from liveblog.models.head import DESCRIPTION_CHARACTERS
from liveblog.public import find_event, public, with_players
from liveblog.stream import Selection, read_page

PAST_EVENTS = 50
PHOTO_SHARED_SECONDS = 5
PHOTO_BROWSER_SECONDS = 3600


@public
def index(request: HttpRequest) -> HttpResponse:
    """List the events: live now, upcoming, past."""
    depends_on_every_event(request)
    events = Event.objects.public()
    context = {
        "lives": _with_latest(events.filter(status=Event.Status.LIVE)),
        "upcoming": events.filter(status=Event.Status.UPCOMING).order_by(F("starts_at").asc(nulls_last=True), "pk"),
        "past": events.filter(status=Event.Status.ENDED).order_by("-ended_at", "-pk")[:PAST_EVENTS],
        "canonical": absolute("/"),
    }
    return refreshable(request, "liveblog/index.html", context)


def refreshable(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Show a page that is fetched again while it is open; its digest tells whether its part ``content`` has changed."""
    content = render_to_string(f"{template}#content", context)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return render(request, template, context | {"content": content, "digest": digest}, status=status)


def _with_latest(events: EventQuerySet) -> list[Event]:
    """Return events with their ``latest`` update, or ``None``; in two queries, however many events there are."""
    found = list(events)
    of_event = Update.objects.filter(event=OuterRef("pk")).visible().newest_first().values("pk")[:1]
    newest = Update.objects.filter(pk__in=events.values(newest=Subquery(of_event)))
    shown = newest.only("event", "number", "headline", "body_text", "photos", "published_at")
    latest = {update.event_id: update for update in shown.order_by()}
    for event in found:
        event.latest = latest.get(event.pk)  # type: ignore[attr-defined]
        event.picture = rendering.cover(event, "(min-width: 48rem) 16rem, 100vw")  # type: ignore[attr-defined]
    return found


@public
@with_players
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an event, or the part of its stream that is asked for."""
    event = find_event(request, slug)
    try:
        page = read_page(event, Selection.from_query(request.GET.dict(), event))
    except ValueError as error:
        return bad_address(request, str(error))
    except ObjectDoesNotExist:
        raise Http404 from None
    return render(request, "liveblog/event.html", event_context(page))


@public
@with_players
def update(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one update on a page of its own."""
    try:
        event = find_event(request, slug)
        update = event.updates.get(number=number)
    except (Http404, Update.DoesNotExist):
        return refreshable(request, "liveblog/gone.html", {"title": "There is nothing here"}, status=404)
    address = update.get_absolute_url()
    if update.withdrawn_at:
        context = {"event": event, "title": f"Withdrawn – {event.title}", "address": address}
        return refreshable(request, "liveblog/gone.html", context, status=410)
    context = {
        "event": event,
        "update": update,
        "card": rendering.card(update),
        "title": f"{update.title or 'Update'} – {event.title}",
        "address": address,
        "canonical": ABSOLUTE.permalink(update),
        "oembed": oembed_address(ABSOLUTE.permalink(update)),
        "description": markup.shorten(update.body_text or update.title, characters=DESCRIPTION_CHARACTERS),
    }
    return refreshable(request, "liveblog/update.html", context)


@public
def photo(request: HttpRequest, slug: str, name: str, width: int) -> HttpResponse:
    """Show a photo that readers can see; one of a draft, a waiting or a withdrawn update is a 404."""
    photos = Photo.objects.select_related("event", "update")
    found = photos.filter(event__slug=slug, name=name).first()
    if found is None or width not in found.file_widths or not found.is_shown:
        raise Http404
    response = picture_response(request, found.name, width)
    # A reader's browser may keep it; shared caches forget within seconds what was withdrawn.
    response["Cache-Control"] = cacheable(PHOTO_SHARED_SECONDS, browser_seconds=PHOTO_BROWSER_SECONDS)
    return response


@csrf_exempt
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer a poll as ``live.changes`` does, for servers and test clients without ASGI."""
    if request.method == "OPTIONS":
        answer = live.options()
    elif request.method not in {"GET", "HEAD"}:
        answer = live.not_allowed()
    else:
        answer = _changes(slug, request.META["QUERY_STRING"])
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)


def _changes(slug: str, query: str) -> live.Answer:
    try:
        question = live.Question.parse(query)
    except ValueError:
        return live.malformed()
    try:
        tail = Tail.load(slug)
    except Error:
        return live.silent()
    return live.missing() if tail is None else live.answer_with(tail, tail.since(*question))
