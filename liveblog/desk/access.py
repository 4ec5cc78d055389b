"""Who may use the desk, and how they sign in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from liveblog import admission
from liveblog.errors import RETRY_SECONDS, is_from_outbox, is_from_script, plain_text, written_text
from liveblog.models import Attempt, Event, Role, TooMany, is_guest

TEXT_FIELDS = ("headline", "body")
KEPT_FIELDS = (*TEXT_FIELDS, "is_key", "at", "later", "key")
"""Fields of an update that come through a sign-in. Settings keep them out of the record of failed ones."""
GUEST_TEXTS_A_MINUTE = 10
_SESSION_KEY = "kept"
BACKEND = "django.contrib.auth.backends.ModelBackend"
HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "strict-origin"}
"""They keep the secret in the address from other pages. With ``no-referrer`` browsers send ``Origin: null`` with the
form, which Django's CSRF check refuses (Fetch standard, "append a request Origin header")."""

type View = Callable[..., HttpResponseBase]

read_or_write = require_http_methods(["GET", "HEAD", "POST"])


class DeskRequest(HttpRequest):
    """A request to the desk; ``htmx`` is true if htmx sent it."""

    htmx: HtmxDetails


class AuthorRequest(DeskRequest):
    """A request of somebody who is signed in; ``role`` is theirs in the event, where there is one."""

    user: User
    role: Role


def signed_in(view: View) -> View:
    """Ask who is not signed in to do so; nothing that they wrote is lost."""

    @wraps(view)
    def checked(request: DeskRequest, **address: Any) -> HttpResponseBase:
        admission.note_session(request.session.session_key, is_somebodys=request.user.is_authenticated)
        if not request.user.is_authenticated:
            return _not_signed_in(request, address.get("slug"))
        if is_from_outbox(request) and request.headers["Liveblog-Author"] != str(request.user.pk):
            name = request.user.get_full_name() or request.user.get_username()
            return plain_text(f"You are signed in as {name}, and this was written by somebody else.", 401)
        response = view(request, **address)
        if response.status_code == 503:
            response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
        return response

    return checked


def _not_signed_in(request: DeskRequest, slug: str | None) -> HttpResponseBase:
    if is_from_script(request):
        return plain_text("You are signed out.", 401)
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    desk = reverse("desk", args=[slug]) if slug else reverse("desks")  # most addresses of forms can't be opened
    if written_text(request):
        return ask_to_sign_in(request, desk, is_update=request.path == f"{desk}updates/")
    return redirect_to_login(desk)


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
        def checked(request: AuthorRequest, slug: str, **address: Any) -> HttpResponseBase:
            event = get_object_or_404(Event, slug=slug)
            role = event.role_of(request.user)
            if role is None:
                return _no_role(request, event)
            if not role.may(least):
                return deny(request, least)
            request.role = role
            return view(request, event, **address)

        return checked

    return guarded


def _no_role(request: AuthorRequest, event: Event) -> HttpResponse:
    """Tell a guest that the invitation has ended; for anybody else there is no such event."""
    if not (is_guest(request.user) and event.memberships.filter(user=request.user).exists()):
        raise Http404
    if is_from_script(request):
        return plain_text("Your invitation to this event has ended. What you wrote is still here, to be copied.", 404)
    return render(request, "liveblog/desk/over.html", {"event": event, "written": written_text(request)}, status=404)


def pace(request: AuthorRequest, what: str = "text", *, most: int = GUEST_TEXTS_A_MINUTE) -> None:
    """Count what a guest sends before any work is done for it; raises ``TooMany`` for more than so many a minute."""
    if is_guest(request.user):
        Attempt.objects.pace(what, request.user.pk, most=most)


@contextmanager
def one_at_a_time(request: AuthorRequest, what: str, *, seconds: int) -> Iterator[None]:
    """Do something for one person once at a time in this process; raises ``TooMany``.

    What has not ended after so many ``seconds`` counts no more.
    """
    turn = f"{what}:{request.user.pk}"
    if not cache.add(turn, True, timeout=seconds):
        raise TooMany(1)
    try:
        yield
    finally:
        cache.delete(turn)


def deny(request: DeskRequest, least: Role) -> HttpResponse:
    """Say that only those may do it whose role is ``least`` or more."""
    reason = f"Only an {least} of this event may do that."
    if is_from_script(request):
        return plain_text(reason, 403)
    raise PermissionDenied(reason)


def sent_data(request: HttpRequest) -> QueryDict | None:
    """Return the fields of a form that was sent, or ``None`` if the page with the form was opened."""
    return request.POST if request.method == "POST" else None


def csrf_failed(request: DeskRequest, reason: str = "") -> HttpResponse:
    """Answer what came without the right token: most often somebody has signed in again since."""
    if is_from_script(request):
        return plain_text("Your session has changed.", 403, {"Liveblog-Refusal": "csrf"})
    return render(request, "403_csrf.html", {"written": written_text(request)}, status=403)


class SignIn(LoginView):
    """Django's own, and the fields of an update that was posted too late come along."""

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**context) | {"kept": kept_fields(self.request)}

    def get_default_redirect_url(self) -> str:
        """Lead to the desk for which fields are kept since a new password was asked for."""
        return kept_address(self.request) or super().get_default_redirect_url()

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Keep the fields for the desk to which this leads."""
        response = super().form_valid(form)
        keep_fields(self.request, self.get_success_url())
        return response


def ask_to_sign_in(request: HttpRequest, then: str, *, is_update: bool) -> HttpResponse:
    """Answer a form that was sent without a session: nothing that was written in it is lost.

    An update's text is back in the composer afterwards; any other can be copied.
    """
    fields = kept_fields(request)
    context = {
        "form": AuthenticationForm(request),
        "next": then,
        "kept": fields if is_update else {},
        "written": written_text(request),
        "has_photos": bool(request.FILES),
    }
    return render(request, "registration/login.html", context, status=401)


def kept_fields(request: HttpRequest) -> dict[str, str]:
    """Return the fields of an update that a request carries."""
    if not any(request.POST.get(name, "").strip() for name in TEXT_FIELDS):
        return {}
    return {name: request.POST[name] for name in KEPT_FIELDS if request.POST.get(name)}


def keep_fields(request: HttpRequest, address: str, *, email: str = "") -> None:
    """Keep the fields of an update that a request carries in the session, for the page of this address.

    With an ``email``, for the account that has it alone: somebody else may be the next to sign in at this device.
    """
    if fields := kept_fields(request):
        request.session[_SESSION_KEY] = {"for": address, "fields": fields, "email": email}


def kept_address(request: HttpRequest) -> str:
    """Return the address of the page for which fields are kept; empty if none are."""
    return str(_kept(request).get("for", ""))


def take_kept_fields(request: HttpRequest) -> dict[str, str]:
    """Return the fields that came through the sign-in for this page, once."""
    if kept_address(request) != request.path:
        return {}
    fields: dict[str, str] = request.session.pop(_SESSION_KEY)["fields"]
    return fields


def _kept(request: HttpRequest) -> dict[str, Any]:
    kept: dict[str, Any] = request.session.get(_SESSION_KEY, {})
    email = kept.get("email", "")
    is_theirs = not email or email.casefold() == getattr(request.user, "email", "").casefold()
    return kept if is_theirs else {}
