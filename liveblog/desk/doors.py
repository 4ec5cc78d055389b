"""Who may come in, by which method."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from liveblog.desk.login import ask_to_sign_in, has_text, text_of
from liveblog.models import Event, Role, is_guest

RETRY_SECONDS = "5"
"""When to send again what the service could not take in just now: the outbox does so by itself."""

type View = Callable[..., HttpResponseBase]

read_or_write = require_http_methods(["GET", "HEAD", "POST"])


class AuthorRequest(HttpRequest):
    """A request of somebody who is signed in; at an event's desk, with what they may do there."""

    user: User
    role: Role


def signed_in(view: View) -> View:
    """Ask who is there first. A form sent by htmx stays where it is, with its text, and is told.

    A 503 says when to come again.
    """

    @wraps(view)
    def asked(request: HttpRequest, **address: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            if is_from_outbox(request) and request.headers["Liveblog-Author"] != str(request.user.pk):
                return _somebody_else(request.user)
            response = view(request, **address)
            if response.status_code == 503:
                response.headers.setdefault("Retry-After", RETRY_SECONDS)
            return response
        if is_htmx(request) or is_from_outbox(request):
            return HttpResponse("You are signed out.\n", status=401, content_type="text/plain")
        if request.method == "POST":  # most of these addresses can't be opened afterwards
            desk = reverse("desk", args=[address["slug"]]) if "slug" in address else reverse("desks")
            if has_text(request):
                return ask_to_sign_in(request, desk, is_update=request.path == f"{desk}updates/")
            return redirect_to_login(desk)
        return redirect_to_login(request.get_full_path())

    return asked


def _somebody_else(user: User) -> HttpResponse:
    name = user.get_full_name() or user.get_username()
    reason = f"You are signed in as {name}, and this was written by somebody else.\n"
    return HttpResponse(reason, status=401, content_type="text/plain; charset=utf-8")


def with_account(view: View) -> View:
    """Keep out guests, who are here for one event."""

    @signed_in
    @wraps(view)
    def checked(request: AuthorRequest, **address: Any) -> HttpResponseBase:
        if is_guest(request.user):
            raise PermissionDenied
        return view(request, **address)

    return checked


def desk_of(least: Role) -> Callable[[View], View]:
    """Hand the view its event, for those whose role there is ``least`` or more.

    To a stranger the event does not exist; somebody whose role is less is told so.
    """

    def guarded(view: View) -> View:
        @signed_in
        @wraps(view)
        def found(request: AuthorRequest, slug: str, **address: Any) -> HttpResponseBase:
            event = get_object_or_404(Event, slug=slug)
            role = event.role_of(request.user)
            if role is None:
                return _no_role(request, event)
            if not role.may(least):
                return not_yours(request, least)
            request.role = role
            return view(request, event, **address)

        return found

    return guarded


def _no_role(request: AuthorRequest, event: Event) -> HttpResponse:
    """Tell a guest that the invitation has ended; for anybody else there is no such event."""
    if not (is_guest(request.user) and event.memberships.filter(user=request.user).exists()):
        raise Http404
    if is_htmx(request) or is_from_outbox(request):
        reason = "Your invitation to this event has ended. What you wrote is still here, to be copied.\n"
        return HttpResponse(reason, status=404, content_type="text/plain; charset=utf-8")
    return render(request, "liveblog/desk/over.html", {"event": event, "text": text_of(request)}, status=404)


def not_yours(request: HttpRequest, least: Role) -> HttpResponse:
    """Tell somebody whose role is less than ``least``, or who is not the author, that they may not do it."""
    reason = f"Only an {least} of this event may do that."
    if is_htmx(request) or is_from_outbox(request):
        return HttpResponse(reason + "\n", status=403, content_type="text/plain; charset=utf-8")
    raise PermissionDenied(reason)


def is_from_outbox(request: HttpRequest) -> bool:
    """Whether it was sent by an outbox, which reads the answer's status and shows its words."""
    return "Liveblog-Author" in request.headers


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer what came without the right token: most often somebody has signed in again since."""
    if is_htmx(request) or is_from_outbox(request):
        words = "Your session has changed.\n"
        headers = {"Liveblog-Refusal": "csrf"}
        return HttpResponse(words, status=403, headers=headers, content_type="text/plain; charset=utf-8")
    return render(request, "403_csrf.html", status=403)


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent it, and puts the answer into the page itself."""
    return request.headers.get("HX-Request") == "true"
