"""The pages that stand in a frame on other sites: an event's feed, one update."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from liveblog import players
from liveblog.embed.colour import stylesheet
from liveblog.embed.options import Options
from liveblog.event_page import event_context
from liveblog.models import Event
from liveblog.public import find_event, public, static_file
from liveblog.stream import Page, Selection, read_alone, read_page

ACCENT_SECONDS = 86_400
SCRIPT_SECONDS = 300
ANYWHERE = ("*", "file:")
"""``*`` alone does not include a page that a publisher tries out from the disk."""

type View = Callable[..., HttpResponse]


def framed(view: View) -> View:
    """Let the event's sites frame a page, or everyone where it names none, and pages of any origin fetch it.

    Errors are shown in the frame too; browsers would show pages of their own instead.
    """

    @wraps(view)
    def shown(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        sites: list[str] = []
        try:
            event = find_event(request, slug)
            sites = event.embed_sites
            response = view(request, event, *args, **kwargs)
        except Http404:
            response = _message(request, 404, "This live blog is no longer available.")
        ancestors = ["'self'", *sites] if sites else ANYWHERE
        policy = settings.SECURE_CSP | players.policy() | {"frame-ancestors": ancestors}
        response._csp_config = policy  # type: ignore[attr-defined]
        response.xframe_options_exempt = True
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return shown


@public
@framed
def event(request: HttpRequest, event: Event) -> HttpResponse:
    """Show an event's feed as a frame's whole content."""
    query = request.GET.dict()
    options, wrong = Options.from_query(query)
    try:
        if wrong:
            raise ValueError(" ".join(wrong.values()))
        selection = Selection.from_query({"sort": options.order} | query, event)
        page = read_page(event, selection, size=options.limit)
    except ValueError as error:
        return _message(request, 400, f"This frame’s address does not work: {error}")
    except ObjectDoesNotExist:
        return _message(request, 404, "That update is not here any more.")
    return render(request, "liveblog/embed/event.html", _context(request, page, options))


@public
@framed
def update(request: HttpRequest, event: Event, number: int) -> HttpResponse:
    """Show one update as a frame's whole content."""
    options, wrong = Options.from_query(request.GET.dict())
    if wrong:
        return _message(request, 400, f"This frame’s address does not work: {' '.join(wrong.values())}")
    found = event.updates.filter(number=number).first()
    if found is None:
        return _message(request, 404, "There is no such update.")
    found.event = event
    context = _context(request, read_alone(event, found), options) | {"only": number}
    return render(request, "liveblog/embed/event.html", context, status=410 if found.withdrawn_at else 200)


@public
def accent(request: HttpRequest, accent: str) -> HttpResponse:
    """Answer with the style sheet for a publisher's colour, which never changes."""
    response = HttpResponse(stylesheet(accent), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={ACCENT_SECONDS}"
    return response


@public
def script(request: HttpRequest) -> HttpResponse:
    """Answer with the script that publishers paste; its address never changes, so browsers keep it for minutes only."""
    response = static_file("js/embed.js", "text/javascript; charset=utf-8", seconds=SCRIPT_SECONDS)
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _context(request: HttpRequest, page: Page, options: Options) -> dict[str, Any]:
    """Return what a frame needs; the links to other parts of its stream keep the publisher's options."""
    here = f"{request.path}{options.query}&" if options.query else f"{request.path}?"
    return event_context(page) | {"options": options, "framed": True, "here": here}


def _message(request: HttpRequest, status: int, words: str) -> HttpResponse:
    return render(request, "liveblog/embed/message.html", {"words": words}, status=status)
