"""What operators watch, for Prometheus; with several processes, the sum of them all.

prometheus-client keeps each process's figures in files of PROMETHEUS_MULTIPROC_DIR, which ``manage.py serve`` sets;
whichever process is asked adds them up.
"""

import hmac
import ipaddress
import os
from pathlib import Path

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as in_prometheus_words
from prometheus_client.multiprocess import MultiProcessCollector

from liveblog import __version__
from liveblog.answers import send_answer
from liveblog.disconnects import Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, float("inf"))

readers = Gauge("liveblog_readers", "Readers connected by a socket", ["event"], multiprocess_mode="livesum")
sockets = Gauge("liveblog_sockets", "Open sockets, those of desks too", multiprocess_mode="livesum")
shedding = Gauge("liveblog_shedding", "By how much polls are told to slow down", multiprocess_mode="livemax")
children = Gauge("liveblog_children", "Children that render texts or decode photos", multiprocess_mode="livesum")
approvals = Gauge(
    "liveblog_approvals_waiting", "Updates that wait for an editor's decision", multiprocess_mode="livemostrecent"
)
waiting = Gauge("liveblog_requests_waiting", "Requests that wait for a slot", ["kind"], multiprocess_mode="livesum")
release = Gauge("liveblog_release", "The release that serves: 1", ["version"], multiprocess_mode="max")
release.labels(__version__).set(1)
fan_out = Histogram("liveblog_fan_out_seconds", "From a finished fragment to its last reader", buckets=SECONDS)
lag = Histogram("liveblog_bell_to_reader_seconds", "From the bell to the last reader", buckets=SECONDS)
pages = Counter("liveblog_pages", "Public pages, by where they came from", ["source"])
page_bytes = Gauge("liveblog_page_cache_bytes", "What pages in memory take", multiprocess_mode="livesum")
polls = Counter("liveblog_polls", "Polls, by what they were answered", ["outcome"])
refused_sockets = Counter("liveblog_refused_sockets", "Sockets that were closed at once, by the code", ["code"])
refused_requests = Counter("liveblog_refused_requests", "Requests that found no slot in time", ["kind"])
posts = Counter("liveblog_posts", "What authors have sent and the desk has taken, by where it went", ["to"])
failures = Counter("liveblog_failures", "Answers of 500 and more", ["status"])


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with all figures to this machine itself, or to whoever knows METRICS_TOKEN; else there is nothing here."""
    may_see = _may_see(scope)
    body = in_prometheus_words(_registry()) if may_see else b"There is nothing here.\n"
    kind = CONTENT_TYPE_LATEST if may_see else "text/plain; charset=utf-8"
    headers = {"Content-Type": kind, "Cache-Control": "no-store"}
    await send_answer(scope, send, 200 if may_see else 404, headers, body)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    for path in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*.db"):
        if not _is_running(int(path.stem.rpartition("_")[2])):
            path.unlink(missing_ok=True)
    MultiProcessCollector(registry)
    return registry


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _may_see(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    if settings.METRICS_TOKEN:
        given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return hmac.compare_digest(given, settings.METRICS_TOKEN.encode())
    # A proxy on this machine has a loopback address too, and says for whom it asks.
    if {b"x-forwarded-for", b"forwarded", b"x-real-ip"} & headers.keys():
        return False
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False
