"""Pages anyone may read: the same bytes for everyone, without a cookie, each saying how it may be cached."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from liveblog import live, markup, players, rendering
from liveblog.addresses import READERS, Addresses
from liveblog.caching import cacheable
from liveblog.feed import Tail
from liveblog.models import Event, Photo, Update
from liveblog.models.event import DESCRIPTION_CHARACTERS, EventQuerySet
from liveblog.stream import Asked, Page, read_page

PAGE_SECONDS = 2
PAST_EVENTS = 50
PHOTO_SHARED_SECONDS = 5
PHOTO_BROWSER_SECONDS = 3600

type View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Let shared caches keep a page for two seconds, and nothing else at all; GET and HEAD only."""

    @wraps(view)
    def cached(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            response: HttpResponse = HttpResponseNotAllowed(["GET", "HEAD"])
        else:
            response = view(request, *args, **kwargs)
        if "Cache-Control" not in response:
            response["Cache-Control"] = cacheable(PAGE_SECONDS) if response.status_code == 200 else "no-store"
        return response

    return csrf_exempt(cached)  # who posts here is told that it is not allowed, not that a token is missing


@public
def index(request: HttpRequest) -> HttpResponse:
    """List the events: live now, upcoming, past."""
    events = Event.objects.public()
    context = {
        "lives": _with_latest(events.filter(status=Event.Status.LIVE)),
        "upcoming": events.filter(status=Event.Status.UPCOMING).order_by(F("starts_at").asc(nulls_last=True), "pk"),
        "past": events.filter(status=Event.Status.ENDED).order_by("-ended_at", "-pk")[:PAST_EVENTS],
        "canonical": settings.BASE_URL + "/",
    }
    return followed(request, "liveblog/index.html", context)


def followed(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Show a page that open ones fetch again: its part ``content``, and a digest that tells them whether it differs."""
    content = render_to_string(f"{template}#content", context)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return render(request, template, context | {"content": content, "digest": digest}, status=status)


def _with_latest(events: EventQuerySet) -> list[Event]:
    """Return events that know their ``latest`` update, or ``None``; in two queries, however many events there are."""
    found = list(events)
    of_event = Update.objects.filter(event=OuterRef("pk")).visible().newest_first().values("pk")[:1]
    newest = Update.objects.filter(pk__in=events.values(newest=Subquery(of_event)))
    shown = newest.only("event", "number", "headline", "body_text", "photos", "published_at")
    latest = {update.event_id: update for update in shown.order_by()}
    for event in found:
        event.latest = latest.get(event.pk)  # type: ignore[attr-defined]
        event.picture = rendering.cover(event, "(min-width: 48rem) 16rem, 100vw")  # type: ignore[attr-defined]
    return found


def playing(view: View) -> View:
    """Let a page that shows updates load the players that may stand in them, now or when more arrive."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return let_play(view(request, *args, **kwargs))

    return shown


def let_play(response: HttpResponse) -> HttpResponse:
    """Give one answer the policy of a page with players."""
    response._csp_config = settings.SECURE_CSP | players.policy()  # type: ignore[attr-defined]
    return response


@public
@playing
def event(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an event, or the part of its stream that is asked for."""
    event = find_event(slug)
    try:
        page = read_page(event, Asked.read(request.GET.dict(), event))
    except ValueError as error:
        return refused(request, str(error))
    except ObjectDoesNotExist:
        raise Http404 from None
    return render(request, "liveblog/event.html", event_context(page))


@public
@playing
def update(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show one update on a page of its own, which follows what becomes of it."""
    try:
        event = find_event(slug)
        update = event.updates.get(number=number)
    except (Http404, Update.DoesNotExist):
        return followed(request, "liveblog/gone.html", {"title": "There is nothing here"}, status=404)
    address = update.get_absolute_url()
    if update.withdrawn_at:
        context = {"event": event, "title": f"Withdrawn – {event.title}", "address": address}
        return followed(request, "liveblog/gone.html", context, status=410)
    context = {
        "event": event,
        "update": update,
        "card": rendering.card(update),
        "title": f"{update.title or 'Update'} – {event.title}",
        "address": address,
        "canonical": settings.BASE_URL + address,
        "oembed": oembed_link(settings.BASE_URL + address),
        "description": markup.shorten(update.body_text or update.title, characters=DESCRIPTION_CHARACTERS),
    }
    return followed(request, "liveblog/update.html", context)


@public
def photo(request: HttpRequest, slug: str, name: str, width: int) -> HttpResponse:
    """Show a photo that readers meet; one of a draft, a waiting or a withdrawn update is not there."""
    photos = Photo.objects.select_related("event", "update")
    found = photos.filter(event__slug=slug, name=name).first()
    if found is None or width not in found.file_widths or not found.is_shown:
        raise Http404
    response = photo_response(request, found, width)
    # A reader's browser may keep it; shared caches forget within seconds what was withdrawn.
    response["Cache-Control"] = cacheable(PHOTO_SHARED_SECONDS, browser_seconds=PHOTO_BROWSER_SECONDS)
    return response


def photo_response(request: HttpRequest, photo: Photo, width: int) -> HttpResponse:
    """Return one width of a photo, whose bytes never change under its name; raises ``Http404`` if its file is lost."""
    try:
        content = photo.path(width).read_bytes()
    except OSError:
        raise Http404 from None
    etag = f'"{photo.name}-{width}"'
    response = HttpResponse(content, content_type="image/webp", headers={"ETag": etag})
    return cast("HttpResponse", get_conditional_response(request, etag=etag, response=response))


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
        question = live.Question.read(query)
    except ValueError:
        return live.malformed()
    try:
        tail = Tail.load(slug)
    except Error:
        return live.silent()
    return live.missing() if tail is None else live.told(tail, tail.since(*question))


@public
def healthz(request: HttpRequest) -> HttpResponse:
    """Say whether this process can serve: 200, or 503 and why not."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        return _unwell(f"The database does not answer: {error}")
    if waiting:
        return _unwell(f"{len(waiting)} migrations have not been applied.")
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


def _unwell(reason: str) -> HttpResponse:
    return HttpResponse(reason + "\n", status=503, content_type="text/plain", headers={"Cache-Control": "no-store"})


def oembed_link(page: str) -> str:
    """Return where those who meet the address of a ``page`` of ours learn how to embed it (oembed.com, discovery)."""
    return f"{settings.BASE_URL}{reverse('oembed')}?{urlencode({'url': page, 'format': 'json'})}"


def event_context(page: Page, addresses: Addresses = READERS) -> dict[str, Any]:
    """Return what every page that shows an event's stream needs."""
    event = page.event
    return {
        "event": event,
        "page": page,
        "here": f"{addresses.stream(event)}?",
        "head": rendering.head(event, addresses),
        "rows": page.rows(addresses),
        "canonical": settings.BASE_URL + event.get_absolute_url(),
        "oembed": oembed_link(settings.BASE_URL + event.get_absolute_url()),
        "description": described(event),
        "poll_only": event.status == Event.Status.ENDED and live.socket_seconds(event.ended_at) <= 0,
    }


def described(event: Event) -> str:
    """Return what an event is about, for those who show a link to it: while it is live, its latest key moment first."""
    latest = None
    if event.status == Event.Status.LIVE:
        latest = event.updates.visible().filter(is_key=True).newest_first().first()
    said = f"{latest.title} – {event.description}" if latest else event.description
    return markup.shorten(said, characters=DESCRIPTION_CHARACTERS)


def find_event(slug: str) -> Event:
    """Return the event that readers find there; raises ``Http404`` for drafts too."""
    found = Event.objects.public().filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def refused(request: HttpRequest, reason: str = "The request could not be understood.") -> HttpResponse:
    """Answer a request that makes no sense, saying why."""
    return _error(request, 400, "That address does not work", reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django found malformed, or too large to be read."""
    if isinstance(exception, RequestDataTooBig):
        if "Liveblog-Author" in request.headers:  # an outbox, which shows the words beside what it keeps
            return HttpResponse("This is too large to be sent.\n", status=413, content_type="text/plain")
        return _error(request, 413, "That is too much at once", "Nothing was changed. Go back and send less.")
    return refused(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for unknown pages and drafts alike."""
    return _error(request, 404, "There is nothing here", "The page may have moved, or it was never there.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer somebody who may not do that."""
    return _error(request, 403, "This is not yours to change", "Ask one of the event’s authors to add you.")


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours."""
    return _error(request, 500, "Something went wrong here", "It has been noted. Please try again in a moment.")


def _error(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    response = render(request, "error.html", {"title": title, "reason": reason}, status=status)
    response["Cache-Control"] = "no-store"
    return response
