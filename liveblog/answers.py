"""A whole answer, sent by plain ASGI where Django's views are not asked."""

from liveblog.disconnects import Scope, Send


async def send_answer(scope: Scope, send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    """Send it with its length; who asks with HEAD gets no body."""
    pairs = headers | {"Content-Length": str(len(body))}
    start = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
