"""The ASGI application: sockets and polls go straight to the feed, all else to Django."""

import asyncio
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from django.urls import path, re_path  # noqa: E402  (Django must be set up first)

from liveblog import bell, live  # noqa: E402

router = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("events/<slug:slug>/changes/", live.changes),
                re_path(r"", django_application),
            ]
        ),
        "websocket": URLRouter(
            [
                path("events/<slug:slug>/live/", live.socket),
                re_path(r"", live.refuse),
            ]
        ),
    }
)


async def application(scope: live.Scope, receive: live.Receive, send: live.Send) -> None:
    """Serve one request or socket."""
    bell.use_server_loop(asyncio.get_running_loop())
    await router(scope, receive, send)
