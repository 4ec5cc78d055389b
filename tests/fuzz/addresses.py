"""Every address that the service answers at, found where it looks for them itself: nothing is listed here."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from config.asgi import application
from liveblog import live

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Address(NamedTuple):
    """An address as it is routed, and its path with a place for each part that varies: ``/events/%(slug)s/``."""

    route: str
    path: str

    @property
    def parameters(self) -> list[str]:
        """The names of the parts that vary, in their order."""
        return _PARAMETER.findall(self.path)

    def fill(self, values: dict[str, str]) -> str:
        """Return the path with these values, quoted already."""
        return _PARAMETER.sub(lambda match: values[match[1]], self.path)


def http_addresses() -> list[Address]:
    """Return those of pages, forms and what else is asked by HTTP."""
    outer = [Address(route, f"/{route}") for route in _routes_of("http") if route]
    return [*outer, *_walk(get_resolver().url_patterns, "", ""), Address("static", "/static/%(file)s")]


def socket_addresses() -> list[Address]:
    """Return those of sockets."""
    followed = live._ADDRESS.pattern.replace("([-a-zA-Z0-9_]+)", "%(slug)s").replace("(changes|live)", "live")
    routed = [
        Address(route, "/" + route.replace("<slug:slug>", "%(slug)s")) for route in _routes_of("websocket") if route
    ]
    assert _PARAMETER.findall(followed) == ["slug"], "sockets are found otherwise now"
    return [Address("live", followed), *routed]


def _routes_of(kind: str) -> Iterator[str]:
    """Yield the routes of config/asgi.py; the empty one leads to all others."""
    router: Any = application._application
    for found in router.application_mapping[kind].routes:
        yield str(found.pattern)


def _walk(patterns: list[Any], route: str, path: str) -> Iterator[Address]:
    for found in patterns:
        here = route + str(found.pattern)
        part, _ = normalize(found.pattern.regex.pattern)[0]
        if isinstance(found, URLResolver):
            yield from _walk(found.url_patterns, here, path + part)
        elif isinstance(found, URLPattern):
            yield Address(here, f"/{path}{part}")
