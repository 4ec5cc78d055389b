"""Reads ``EMAIL_URL``: by which server mail goes out, and from whom."""

from email.utils import parseaddr
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from config.environment import read_text

SECONDS = 10
"""How long a mail server may be silent."""
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}
"""The schemes for servers, by their usual port: without TLS, with STARTTLS (RFC 6409), and with TLS from the start
(RFC 8314)."""
BACKENDS = "django.core.mail.backends"


class Mail(NamedTuple):
    """Django's settings ``MAILERS``, empty where no mail goes out, and ``DEFAULT_FROM_EMAIL``."""

    mailers: dict[str, Any]
    sender: str


def read_mail(name: str, *, base_url: str) -> Mail:
    """Return how mail goes out.

    The text is ``smtp://user:password@host:port/?from=desk@example.org``, with ``submission`` or ``smtps`` in place of
    ``smtp`` for a server that speaks TLS; ``console:`` prints mails, ``file:/folder`` writes them there. User and
    password are percent-encoded. It holds a password and is never shown.
    """
    url = read_text(name)
    sender = f"liveblog@{_mail_host(base_url)}"
    if not url:
        return Mail({}, sender)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be like smtp://user:password@host:587/?from=desk@example.org."
        ) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - {"from"}:
        raise ImproperlyConfigured(f"{name} takes no option but from, not {min(unknown)!a}.")
    sender = _checked_sender(name, options["from"]) if "from" in options else sender
    return Mail({"default": _mailer(name, parts, port)}, sender)


def _mailer(name: str, parts: SplitResult, port: int | None) -> dict[str, Any]:
    if parts.scheme == "console":
        return {"BACKEND": f"{BACKENDS}.console.EmailBackend"}
    if parts.scheme == "file":
        if not Path(unquote(parts.path)).is_absolute() or parts.netloc:
            raise ImproperlyConfigured(f"{name} must name a folder, as in file:/var/mail/liveblog.")
        return {"BACKEND": f"{BACKENDS}.filebased.EmailBackend", "OPTIONS": {"file_path": unquote(parts.path)}}
    if parts.scheme not in PORTS:
        raise ImproperlyConfigured(f"{name} must begin with smtp://, submission://, smtps://, console: or file:.")
    if not parts.hostname or parts.path.strip("/") or parts.fragment or port == 0:
        raise ImproperlyConfigured(f"{name} must name a host, as in {parts.scheme}://user:password@host:587.")
    if (parts.username is None) != (parts.password is None):
        raise ImproperlyConfigured(f"{name} must have a user and a password, or neither.")
    options = {
        "host": parts.hostname,
        "port": port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "submission",
        "use_ssl": parts.scheme == "smtps",
        "timeout": SECONDS,
    }
    return {"BACKEND": f"{BACKENDS}.smtp.EmailBackend", "OPTIONS": options}


def _checked_sender(name: str, sender: str) -> str:
    try:
        if not sender.isprintable():
            raise ValidationError("A line break would begin another header.")
        validate_email(parseaddr(sender)[1])
    except ValidationError:
        raise ImproperlyConfigured(f"{name} must have an address after from=, as in from=desk@example.org.") from None
    return sender


def _mail_host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or "localhost"
    is_address = ":" in host or host.replace(".", "").isdigit()
    return f"[{'IPv6:' * (':' in host)}{host}]" if is_address else host
