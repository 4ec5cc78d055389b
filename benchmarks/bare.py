"""What an answer costs at the least: an ASGI application that sends so many bytes, ``GET /387000``, or for 0 a 204."""

from functools import cache
from typing import Any

HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"public, max-age=0, s-maxage=1, stale-while-revalidate=0, stale-if-error=0"),
    (b"poll-seconds", b"5"),
    (b"release", b"0123456789ab"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Poll-Seconds, Retry-After"),
)
"""As many as ours has: each costs the server a line."""

Messages = tuple[dict[str, Any], dict[str, Any]]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer everything alike."""
    if scope["type"] == "http":
        start, body = _answer(scope["path"])
        await send(start)
        await send(body)


@cache
def _answer(path: str) -> Messages:
    length = int(path.strip("/") or 0)
    headers = list(HEADERS)
    if length:
        headers.append((b"content-length", str(length).encode()))
    return (
        {"type": "http.response.start", "status": 204 if path == "/0" else 200, "headers": headers},
        {"type": "http.response.body", "body": b"x" * length},
    )
