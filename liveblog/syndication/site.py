"""What crawlers and browsers ask of a site as a whole: its map, what they may read, its icon."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import escape

from liveblog.caching import cacheable
from liveblog.models import Event, Update
from liveblog.models.update import UpdateQuerySet
from liveblog.views import public

ADDRESSES = 20_000
"""In one file; the protocol allows 50,000 and 50 MB (sitemaps.org)."""
PARTS = 50_000
"""What one index may name."""
MAP_SECONDS = 60
DAY_SECONDS = 86_400

_OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"


@public
def sitemap(request: HttpRequest) -> HttpResponse:
    """Answer with the index of the maps."""
    newest = Update.objects.aggregate(pk=Max("pk"))["pk"] or 0
    parts = [part for part in range(1, min(PARTS, _part_of(newest)) + 1) if _updates(part).exists()]
    paths = [reverse("sitemap-events"), *(reverse("sitemap-updates", args=[part]) for part in parts)]
    entries = "".join(f"<sitemap><loc>{escape(settings.BASE_URL + path)}</loc></sitemap>\n" for path in paths)
    return _xml(f'<sitemapindex xmlns="{_SCHEMA}">\n{entries}</sitemapindex>\n')


@public
def sitemap_events(request: HttpRequest) -> HttpResponse:
    """Answer with the pages of events."""
    events = Event.objects.public().order_by("pk").only("slug", "changed_at")
    return _map((event.get_absolute_url(), event.changed_at) for event in events[: 2 * ADDRESSES])


@public
def sitemap_updates(request: HttpRequest, part: int) -> HttpResponse:
    """Answer with one part of the pages of updates, numbered from 1."""
    found = list(_updates(part).order_by("pk")) if 0 < part <= PARTS else []
    if not found:
        raise Http404
    return _map((update.get_absolute_url(), update.changed_at) for update in found)


@public
def robots(request: HttpRequest) -> HttpResponse:
    """Say what crawlers have no business with."""
    closed = "".join(f"Disallow: {path}\n" for path in ("/desk/", "/admin/", "/accounts/", "/join/"))
    text = f"User-agent: *\n{closed}\nSitemap: {settings.BASE_URL}{reverse('sitemap')}\n"
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = cacheable(MAP_SECONDS)
    return response


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """Answer those who look for an icon where browsers have always looked."""
    found = finders.find("img/favicon.ico")
    assert found, "static/img/favicon.ico comes with the code"
    response = HttpResponse(Path(found).read_bytes(), content_type="image/x-icon")
    response["Cache-Control"] = f"public, max-age={DAY_SECONDS}"
    return response


def _part_of(pk: int) -> int:
    return -(-pk // ADDRESSES)


def _updates(part: int) -> UpdateQuerySet:
    """Return what a part names: so many primary keys, whatever they are of, so that nothing has to be counted."""
    in_part = Update.objects.filter(pk__gt=(part - 1) * ADDRESSES, pk__lte=part * ADDRESSES)
    named = in_part.visible().public().select_related("event")
    return named.only("event__slug", "number", "version_at", "posted_at", "published_at")


def _map(pages: Iterable[tuple[str, datetime]]) -> HttpResponse:
    entries = "".join(
        f"<url><loc>{escape(settings.BASE_URL + path)}</loc>"
        f"<lastmod>{changed_at.isoformat(timespec='seconds')}</lastmod></url>\n"
        for path, changed_at in pages
    )
    return _xml(f'<urlset xmlns="{_SCHEMA}">\n{entries}</urlset>\n')


def _xml(content: str) -> HttpResponse:
    response = HttpResponse(_OPENING + content, content_type="application/xml; charset=utf-8")
    response["Cache-Control"] = cacheable(MAP_SECONDS)
    return response
