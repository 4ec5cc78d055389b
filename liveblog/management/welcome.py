"""What ``liveblog serve`` prints for a newcomer: addresses, the login, and a code for a phone."""

import ipaddress
from io import StringIO
from typing import Any

import segno
from django.conf import settings
from django.http.request import validate_host

from config.environment import command, own_addresses
from liveblog.management.commands import demo

WHITE_ON_BLACK, PLAIN = "\033[97;40m", "\033[0m"
"""Cameras read a code drawn in a terminal's own colours only where these are light on dark."""


def describe(address: str, password: str, *, can_draw: bool) -> str:
    """Return the lines of the greeting; the password is shown here and nowhere else."""
    rows = []
    event = demo.find_public_event()
    if event is not None:
        rows.append(("The event", f"{settings.BASE_URL}{event.get_absolute_url()}"))
    rows.append(("All events", f"{settings.BASE_URL}/"))
    rows.append(("The desk", f"{settings.BASE_URL}{settings.LOGIN_REDIRECT_URL}"))
    if ipaddress.ip_address(address).is_unspecified and not settings.IS_HTTPS:
        rows.append(("On this machine", f"http://127.0.0.1:{settings.PORT}/"))
    phone = find_phone_address(address)
    if phone is not None:
        rows.append(("On your phone", f"{phone} (in the same network)"))
    if password:
        rows.append(("Log in as", f"{demo.EDITOR} with the password {password} (shown only this once)"))
    elif demo.has_editor():
        rows.append(("Log in as", f"{demo.EDITOR}; the first start printed the password. To set a new one:"))
        rows.append(("", command("changepassword", demo.EDITOR)))
    else:
        rows.append(("Make a login", command("createsuperuser")))
    lines = [f"  {name:<17}{text}" for name, text in rows]
    if phone is not None and can_draw:
        lines += ["", *draw(phone)]
    return "\n".join(["", *lines, "", "Liveblog is running; Ctrl-C stops it."])


def find_phone_address(address: str) -> str | None:
    """Return the desk's address for a phone in the same network, or ``None`` if it can't reach ``address``."""
    bound = ipaddress.ip_address(address)
    if bound.is_loopback:
        return None
    here = next((own for own in own_addresses() if ":" not in own or bound.version == 6), None)
    host = address if not bound.is_unspecified else here
    if host is not None and ":" in host:
        host = f"[{host}]"
    if settings.IS_HTTPS or (host is not None and not validate_host(host, settings.ALLOWED_HOSTS)):
        return f"{settings.BASE_URL}{settings.LOGIN_REDIRECT_URL}"
    return host and f"http://{host}:{settings.PORT}{settings.LOGIN_REDIRECT_URL}"


def can_draw(stream: Any) -> bool:
    """Whether ``stream`` is a terminal that can show the code."""
    return bool(stream.isatty()) and (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


def draw(text: str) -> list[str]:
    """Return a QR code of ``text``, line by line."""
    drawn = StringIO()
    segno.make(text, micro=False).terminal(drawn, compact=True)
    return [f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in drawn.getvalue().splitlines()]
