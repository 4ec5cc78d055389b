"""Which addresses have answers that may be kept, and what of a request tells two answers apart."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.http.request import split_domain_port, validate_host

PATH_CHARACTERS = 200
HOST_BYTES = 255
QUERY_BYTES = 1_000
QUERY_FIELDS = 50

_PLACES = frozenset({"sort", "before", "after", "around"})
_OPTIONS = frozenset({"theme", "accent", "order", "limit", "header", "lang"})
_PARAMETERS = (
    (re.compile(r"/events/[-a-zA-Z0-9_]+/", re.ASCII), _PLACES),
    (re.compile(r"/events/[-a-zA-Z0-9_]+/embed/", re.ASCII), _PLACES | _OPTIONS),
    (re.compile(r"/events/[-a-zA-Z0-9_]+/fragment/", re.ASCII), _OPTIONS | {"liveblog-state"}),
    (re.compile(r"/events/[-a-zA-Z0-9_]+/updates/[0-9]{1,9}/embed/", re.ASCII), _OPTIONS),
    (
        re.compile(
            r"/(feed\.(atom|json)|sitemap(-events|-updates-[0-9]{1,9})?\.xml)?"
            r"|/events/[-a-zA-Z0-9_]+/(feed\.(atom|json)|social-[0-9]{1,16}\.jpg|updates/[0-9]{1,9}/)",
            re.ASCII,
        ),
        frozenset[str](),
    ),
)
"""The addresses, each with the parameters that its view reads; all others are left out."""


class Address(NamedTuple):
    """A page's path, the parameters that it knows in one order, and the revision that whoever asks wants at least."""

    path: str
    query: str
    at: int


def read_address(path: str, query: bytes) -> Address | None:
    """Return what is asked for; ``None`` if no answer to it is kept, or if Django has to say what is wrong with it."""
    if len(path) > PATH_CHARACTERS or len(query) > QUERY_BYTES:  # which would fill the memory below
        return None
    return _read_address(path, query)


@lru_cache(4096)
def _read_address(path: str, query: bytes) -> Address | None:
    known = next((names for pattern, names in _PARAMETERS if pattern.fullmatch(path)), None)
    if known is None or query.count(b"&") >= QUERY_FIELDS:
        return None
    try:
        fields = dict(parse_qsl(query.decode("ascii"), keep_blank_values=True))  # of one name the last counts
    except UnicodeDecodeError:
        return None
    at = fields.get("at", "")
    kept = sorted((name, value) for name, value in fields.items() if name in known)
    return Address(path, urlencode(kept), int(at) if at.isascii() and at.isdigit() and len(at) <= 16 else 0)


def is_host_allowed(host: bytes) -> bool:
    """Return whether Django takes a request for this host."""
    return len(host) <= HOST_BYTES and _is_host_allowed(host)


@lru_cache(1024)
def _is_host_allowed(host: bytes) -> bool:
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
