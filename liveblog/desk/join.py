"""Coming in by an invitation: a button first, since machines open links too, then a session for one event."""

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from liveblog.desk.doors import read_or_write
from liveblog.models import Invitation, is_guest

BACKEND = "django.contrib.auth.backends.ModelBackend"

HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "strict-origin"}
"""The secret is in the address: no other page learns it. With ``no-referrer`` browsers send ``Origin: null``
with the form, which Django's CSRF check refuses (Fetch standard, "append a request Origin header")."""


@never_cache
@read_or_write
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Say what the invitation is for; POST lets its guest in, at an address without the secret."""
    invitation = Invitation.find(token)
    if invitation is None:
        return _page(request, {}, status=404)
    guest = invitation.guest
    if request.method != "POST":
        is_other = request.user.is_authenticated and request.user.pk != guest.pk
        return _page(request, {"invitation": invitation, "is_other": is_other, "is_guest": is_guest(request.user)})
    login(request, guest, backend=BACKEND)
    request.session.set_expiry(invitation.expires_at)
    invitation.use()
    return redirect("desk", invitation.event.slug)


def _page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render(request, "liveblog/desk/join.html", context, status=status)
    for name, value in HEADERS.items():
        response[name] = value
    return response
