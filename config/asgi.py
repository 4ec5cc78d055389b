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

LET_GO_MS = {
    # A process that hangs in a transaction may hold the lock of an event.
    "idle_in_transaction_session_timeout": 30_000,
    # So may a machine that has gone without a word, of which PostgreSQL would hear after two hours (tcp(7)).
    "tcp_user_timeout": 15_000,
}
PROBE_SECONDS = {"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 5}


def limit_statements(seconds: float) -> None:
    """Have PostgreSQL end each statement after so long, on every connection that this process opens from now on.

    So one that hangs holds up its own request alone; and whoever is gone lets go of what it held. Limits of the
    administrator's own, in DATABASE_URL, hold.
    """
    database = connections.settings["default"]
    if database["ENGINE"] == "django.db.backends.postgresql":
        given = database["OPTIONS"].get("options", "")
        limits = {"statement_timeout": round(seconds * 1000)} | LET_GO_MS | PROBE_SECONDS
        words = " ".join(f"-c {name}={value}" for name, value in limits.items())
        database["OPTIONS"]["options"] = f"{words} {given}".rstrip()


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
