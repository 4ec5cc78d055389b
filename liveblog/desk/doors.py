"""Who may come in, by which method."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from liveblog.models import Event

type View = Callable[..., HttpResponse]

read_or_write = require_http_methods(["GET", "HEAD", "POST"])


class AuthorRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def signed_in(view: View) -> View:
    """Ask who is there first. A form sent by htmx stays where it is, with its text, and is told."""

    @wraps(view)
    def asked(request: HttpRequest, **address: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, **address)
        if is_htmx(request):
            return HttpResponse("You are signed out.\n", status=401, content_type="text/plain")
        if request.method == "POST":  # most of these addresses can't be opened afterwards
            return redirect_to_login(reverse("desk", args=[address["slug"]]) if "slug" in address else reverse("desks"))
        return redirect_to_login(request.get_full_path())

    return asked


def author_of_event(view: View) -> View:
    """Hand the view its event, for the event's authors and staff; to others it does not exist."""

    @signed_in
    @wraps(view)
    def found(request: AuthorRequest, slug: str, **address: Any) -> HttpResponse:
        event = get_object_or_404(Event.objects.written_by(request.user), slug=slug)
        return view(request, event, **address)

    return found


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent it, and puts the answer into the page itself."""
    return request.headers.get("HX-Request") == "true"
