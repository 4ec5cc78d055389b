"""Signing in: text that was sent without a session comes through it, and guessing passwords is slowed down."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

TEXT = ("headline", "body")
KEPT = (*TEXT, "is_key", "at", "later", "key")
"""Fields of an update that come through a sign-in. Settings keep them out of the record of failed ones."""

_SESSION = "kept"
IPV6_NETWORK_BITS = 64
"""One home or phone has as many IPv6 addresses as these leave; RFC 6177 gives each site a /64 or more."""


class SignIn(LoginView):
    """Django's own, and the fields of an update that was posted too late come along."""

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Show a failed sign-in the text again."""
        return super().get_context_data(**context) | {"kept": kept_fields(self.request)}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Hand the text to the desk, which is where this leads."""
        answer = super().form_valid(form)
        if kept := kept_fields(self.request):
            self.request.session[_SESSION] = {"for": self.get_success_url(), "fields": kept}
        return answer


def ask_to_sign_in(request: HttpRequest, then: str, *, is_update: bool) -> HttpResponse:
    """Answer a form that was sent without a session: nothing that was written in it is lost.

    An update's text is back in the composer afterwards; any other can be copied.
    """
    fields = kept_fields(request)
    context = {
        "form": AuthenticationForm(request),
        "next": then,
        "kept": fields if is_update else {},
        "text": text_of(request),
        "has_photos": bool(request.FILES),
    }
    return render(request, "registration/login.html", context, status=401)


def text_of(request: HttpRequest) -> str:
    """Return what somebody wrote, to be copied."""
    return "\n\n".join(request.POST[name] for name in TEXT if request.POST.get(name))


def has_text(request: HttpRequest) -> bool:
    """Whether somebody wrote something that would be lost."""
    return any(request.POST.get(name, "").strip() for name in TEXT)


def kept_fields(request: HttpRequest) -> dict[str, str]:
    """Return what a request carries of an update."""
    return {name: request.POST[name] for name in KEPT if request.POST.get(name)} if has_text(request) else {}


def take_kept(request: HttpRequest) -> dict[str, str]:
    """Return what came through the sign-in for this page, once."""
    kept: dict[str, Any] = request.session.get(_SESSION, {})
    if kept.get("for") != request.path:
        return {}
    fields: dict[str, str] = request.session.pop(_SESSION)["fields"]
    return fields


def address_of_client(request: HttpRequest) -> str | None:
    """Return the address that failed sign-ins are counted for, beside the name.

    It is the connection's own. Behind a proxy the server puts the real one there (README.md), for proxies that
    it was told to trust; ``X-Forwarded-For`` is never read here, since anybody can write it.
    """
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:  # a Unix socket has none
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        network = ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False)
        return str(network.network_address)
    return str(address)


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Say that there were too many failures, and when to try again; the same for a name that nobody has."""
    opens_at = _opens_at(request)
    wait = max(timedelta(seconds=1), opens_at - timezone.now())
    minutes = -(-wait // timedelta(minutes=1))
    context = {"opens_at": opens_at, "minutes": minutes, "text": text_of(request)}
    response = render(request, "registration/locked.html", context, status=429)
    response["Retry-After"], response["Cache-Control"] = int(wait.total_seconds()) + 1, "no-store"
    return response


def _opens_at(request: Any) -> datetime:
    """Return when so many failures will be old enough that the next attempt is let through."""
    name = (request.axes_credentials or {}).get("username")
    now, cool_off = timezone.now(), settings.AXES_COOLOFF_TIME
    attempts = AccessAttempt.objects.filter(
        username=name, ip_address=request.axes_ip_address, attempt_time__gte=now - cool_off
    ).order_by("attempt_time")
    left = sum(attempt.failures_since_start for attempt in attempts)
    for attempt in attempts:
        left -= attempt.failures_since_start
        if left < settings.AXES_FAILURE_LIMIT:
            return attempt.attempt_time + cool_off
    return now
