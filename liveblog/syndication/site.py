"""What crawlers and browsers ask of a whole site: the sitemap, robots.txt, the icon."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import escape

from liveblog.addresses import absolute
from liveblog.caching import cacheable
from liveblog.dependencies import depends_on_every_event
from liveblog.models import Event, Update
from liveblog.models.update import UpdateQuerySet
from liveblog.public import public, static_file

ADDRESSES = 20_000
"""How many one sitemap holds; the protocol allows 50,000 and 50 MB (sitemaps.org)."""
PARTS = 50_000
"""How many sitemaps an index may name."""
MAP_SECONDS = 60
DAY_SECONDS = 86_400

_OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"


@public
def sitemap(request: HttpRequest) -> HttpResponse:
    """Answer with the index of the sitemaps."""
    depends_on_every_event(request)
    newest = Update.objects.aggregate(pk=Max("pk"))["pk"] or 0
    parts = [part for part in range(1, min(PARTS, _part_of(newest)) + 1) if _updates(part).exists()]
    paths = [reverse("sitemap-events"), *(reverse("sitemap-updates", args=[part]) for part in parts)]
    entries = "".join(f"<sitemap><loc>{escape(absolute(path))}</loc></sitemap>\n" for path in paths)
    return _xml(f'<sitemapindex xmlns="{_SCHEMA}">\n{entries}</sitemapindex>\n')


@public
def sitemap_events(request: HttpRequest) -> HttpResponse:
    """Answer with the sitemap of events."""
    depends_on_every_event(request)
    events = Event.objects.public().order_by("pk").only("slug", "changed_at")
    return _map((event.get_absolute_url(), event.changed_at) for event in events[: 2 * ADDRESSES])


@public
def sitemap_updates(request: HttpRequest, part: int) -> HttpResponse:
    """Answer with one sitemap of updates, numbered from 1."""
    depends_on_every_event(request)
    found = list(_updates(part).order_by("pk")) if 0 < part <= PARTS else []
    if not found:
        raise Http404
    return _map((update.get_absolute_url(), update.changed_at) for update in found)


@public
def robots(request: HttpRequest) -> HttpResponse:
    """Tell crawlers which addresses are not for them."""
    closed = "".join(f"Disallow: {path}\n" for path in ("/desk/", "/admin/", "/accounts/", "/join/"))
    text = f"User-agent: *\n{closed}\nSitemap: {absolute(reverse('sitemap'))}\n"
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = cacheable(MAP_SECONDS)
    return response


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """Answer with the icon, at the address that browsers try by default."""
    return static_file("img/favicon.ico", "image/x-icon", seconds=DAY_SECONDS)


def _part_of(pk: int) -> int:
    return -(-pk // ADDRESSES)


def _updates(part: int) -> UpdateQuerySet:
    """Return the updates of one sitemap: a range of primary keys, so that no rows have to be counted."""
    in_part = Update.objects.filter(pk__gt=(part - 1) * ADDRESSES, pk__lte=part * ADDRESSES)
    named = in_part.visible().public().select_related("event")
    return named.only("event__slug", "number", "version_at", "posted_at", "published_at")


def _map(pages: Iterable[tuple[str, datetime]]) -> HttpResponse:
    entries = "".join(
        f"<url><loc>{escape(absolute(path))}</loc><lastmod>{changed_at.isoformat(timespec='seconds')}</lastmod></url>\n"
        for path, changed_at in pages
    )
    return _xml(f'<urlset xmlns="{_SCHEMA}">\n{entries}</urlset>\n')


def _xml(content: str) -> HttpResponse:
    response = HttpResponse(_OPENING + content, content_type="application/xml; charset=utf-8")
    response["Cache-Control"] = cacheable(MAP_SECONDS)
    return response
