"""The ASGI application: what is not answered before (liveblog/server.py) finds its way here."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.db import connections  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from liveblog import health, live, metrics, release  # noqa: E402
from liveblog.admission import admit  # noqa: E402
from liveblog.disconnects import carry_out  # noqa: E402
from liveblog.server import Server  # noqa: E402


def limit_statements(seconds: float) -> None:
    """Have PostgreSQL end each statement after so long, on every connection that this process opens from now on.

    So one that hangs holds up its own request alone. A limit of the administrator's own, in DATABASE_URL, holds.
    """
    database = connections.settings["default"]
    if database["ENGINE"] == "django.db.backends.postgresql":
        given = database["OPTIONS"].get("options", "")
        database["OPTIONS"]["options"] = f"-c statement_timeout={seconds * 1000:.0f} {given}".rstrip()


limit_statements(settings.STATEMENT_SECONDS)
release.digest()

application = Server(
    ProtocolTypeRouter(
        {
            "http": URLRouter(
                [
                    path("healthz", health.healthz),
                    path("readyz", health.Readiness()),
                    path("metrics", metrics.show),
                    re_path(r"", admit(carry_out(django_application))),
                ]
            ),
            "websocket": URLRouter(
                [
                    path("desk/<slug:slug>/presence/", live.retire),
                    re_path(r"", live.refuse),
                ]
            ),
        }
    )
)
