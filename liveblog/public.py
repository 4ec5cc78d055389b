"""What public pages share: which events they find, how long caches keep them, what they may load."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from liveblog import players
from liveblog.caching import cacheable
from liveblog.dependencies import depends_on
from liveblog.models import Event

PAGE_SECONDS = 2

type View = Callable[..., HttpResponse]


def find_event(request: HttpRequest, slug: str) -> Event:
    """Return a public event, which the answer depends on; raises ``Http404`` for drafts too."""
    found = Event.objects.public().filter(slug=slug).first()
    if found is None:
        raise Http404
    sockets_end_at = found.ended_at and found.ended_at + timedelta(seconds=settings.ENDED_SOCKET_SECONDS)
    depends_on(request, found, turns=(found.starts_at, found.ends_at, sockets_end_at))
    return found


def public(view: View) -> View:
    """Allow GET and HEAD only, and let shared caches keep a page for two seconds, but no error.

    Cookies are forgotten: Django replaces damaged ones, in an answer that caches give to everybody.
    """

    @wraps(view)
    def cached(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.COOKIES.clear()
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        if request.method not in {"GET", "HEAD"}:
            response: HttpResponse = HttpResponseNotAllowed(["GET", "HEAD"])
        else:
            response = view(request, *args, **kwargs)
        if "Cache-Control" not in response:
            response["Cache-Control"] = cacheable(PAGE_SECONDS) if response.status_code == 200 else "no-store"
        return response

    return csrf_exempt(cached)  # who posts here is told that it is not allowed, not that a token is missing


def static_file(path: str, content_type: str, *, seconds: int) -> HttpResponse:
    """Answer with a file of ``static/`` at an address that never changes; browsers keep it for so many seconds."""
    found = finders.find(path)
    assert found, f"static/{path} comes with the code"
    headers = {"Cache-Control": f"public, max-age={seconds}"}
    return HttpResponse(Path(found).read_bytes(), content_type=content_type, headers=headers)


def with_players(view: View) -> View:
    """Let a page load the players in its updates, also in those that arrive later."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return allow_players(view(request, *args, **kwargs))

    return shown


def allow_players(response: HttpResponse) -> HttpResponse:
    """Give an answer the Content-Security-Policy of a page with players."""
    response._csp_config = settings.SECURE_CSP | players.policy()  # type: ignore[attr-defined]
    return response
