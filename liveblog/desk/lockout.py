"""Guessing of passwords: what it is counted by, and what is said to who has tried too often."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from liveblog.errors import written_text

ADDRESS_FAILURES = 100
"""So many failures from one address are too many, whatever the names: each costs 0.7 s of CPU. Offices share one."""
NAME_CHARACTERS = 255
"""What axes keeps of a name: PostgreSQL refuses a longer one."""
IPV6_NETWORK_BITS = 64
"""One home or phone has as many IPv6 addresses as these leave; RFC 6177 gives each site a /64 or more."""


class Handler(AxesDatabaseHandler):
    """axes counts by name and address together; this one by the address alone too."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return a count that reaches the limit when either does."""
        own: int = super().get_failures(request, credentials)
        if request.axes_ip_address is None:  # a Unix socket's
            return own
        return max(own, _count(_from_address(request)) * settings.AXES_FAILURE_LIMIT // ADDRESS_FAILURES)


def name_of_client(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """Return the name that failed sign-ins are counted for, as far as axes has room for it; nobody has a longer one."""
    given = request.POST.get("username") if credentials is None else credentials.get("username")
    return given[:NAME_CHARACTERS] if given else given


def address_of_client(request: HttpRequest) -> str | None:
    """Return the address that failed sign-ins are counted for, beside the name.

    It is the connection's own. Behind a proxy the server puts the real one there (docs/operations.md), for proxies that
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
    context = {"opens_at": opens_at, "minutes": minutes, "written": written_text(request)}
    response = render(request, "registration/locked.html", context, status=429)
    response["Retry-After"], response["Cache-Control"] = int(wait.total_seconds()) + 1, "no-store"
    return response


def _opens_at(request: Any) -> datetime:
    """Return when so many failures will be old enough that the next attempt is let through."""
    name = name_of_client(request, request.axes_credentials)
    from_address = _from_address(request)
    return max(
        _opens_after(from_address.filter(username=name), settings.AXES_FAILURE_LIMIT),
        _opens_after(from_address, ADDRESS_FAILURES),
    )


def _opens_after(attempts: "QuerySet[AccessAttempt]", limit: int) -> datetime:
    left = _count(attempts)
    for attempt in attempts.order_by("attempt_time"):
        if left < limit:
            break
        left -= attempt.failures_since_start
        if left < limit:
            return attempt.attempt_time + settings.AXES_COOLOFF_TIME
    return timezone.now()


def _from_address(request: Any) -> "QuerySet[AccessAttempt]":
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    return AccessAttempt.objects.filter(ip_address=request.axes_ip_address, attempt_time__gte=since)


def _count(attempts: "QuerySet[AccessAttempt]") -> int:
    return attempts.aggregate(count=Sum("failures_since_start"))["count"] or 0
