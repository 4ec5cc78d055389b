"""A name for each request, by which its lines in the logs of proxy and service are found together."""

import contextvars
import re
import secrets

from liveblog.disconnects import Scope

current_request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="")
"""The name of the request in whose context one is; empty outside of any."""

_GIVEN = re.compile(rb"[A-Za-z0-9_-]{8,64}", re.ASCII)


def name_request(scope: Scope) -> None:
    """Name the request by its header ``X-Request-ID``, which a proxy sets, else by chance."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    current_request.set(given.decode() if _GIVEN.fullmatch(given) else secrets.token_hex(8))
