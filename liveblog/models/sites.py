"""The sites that may put an event into a frame."""

import re

from django.core.exceptions import ValidationError

SITE_CHARACTERS = 260
_SITE = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?P<port>:[0-9]{1,5})?/?",
    re.ASCII,
)


def read_site(typed: str) -> str:
    """Return the origin meant: ``https://`` unless it says otherwise, without a path; raises ``ValidationError``."""
    match = _SITE.fullmatch(_in_ascii(typed.lower()))
    if match is None or len(typed) > SITE_CHARACTERS or (match["port"] and int(match["port"][1:]) > 65_535):
        raise ValidationError(f"“{typed[:80]}” is not a site. Write it as www.example.org or *.example.org.")
    return f"{match['scheme'] or 'https'}://{match['host']}{match['port'] or ''}"


def _in_ascii(typed: str) -> str:
    """Return an internationalised name as it stands in a policy; what can't be one stays as it was typed."""
    if typed.isascii():
        return typed
    scheme, separator, rest = typed.rpartition("://")
    try:
        return f"{scheme}{separator}{rest.encode('idna').decode()}"
    except UnicodeError:
        return typed
