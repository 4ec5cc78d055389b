"""The ASGI application as the tutorial of Channels ends with it."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.textbook.settings")
django_asgi_app = get_asgi_application()

from benchmarks.textbook.consumers import LiveConsumer  # noqa: E402  (Django must be set up first)

application = ProtocolTypeRouter(
    {
        "http": django_asgi_app,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("events/<slug:slug>/live/", LiveConsumer.as_asgi())])),
        ),
    }
)
