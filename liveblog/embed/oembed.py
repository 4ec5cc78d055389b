"""The oEmbed provider (oembed.com, version 1.0): JSON for the addresses of events and updates."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.html import format_html

from liveblog.addresses import absolute
from liveblog.caching import cacheable
from liveblog.embed.targets import Target, frame_path
from liveblog.errors import plain_text
from liveblog.models import Event, Update
from liveblog.public import public

WIDTH, HEIGHT = 640, 600
UPDATE_HEIGHT = 400
CACHE_SECONDS = 3_600
"""How long a consumer may keep the answer: the frame in it is live whatever its age."""
SHARED_SECONDS = 5

_SIZE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


@public
def oembed(request: HttpRequest) -> HttpResponse:
    """Answer ``?url=&format=json&maxwidth=&maxheight=``: 404 for what is not here, 400 for nonsense, 501 for XML."""
    response = _answer(request)
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _answer(request: HttpRequest) -> HttpResponse:
    query = request.GET
    if "url" not in query:
        return plain_text("url is missing.", 400)
    if query.get("format", "json") != "json":
        return plain_text("Only JSON is spoken here.", 501)
    sizes = {name: query[name] for name in ("maxwidth", "maxheight") if query.get(name)}
    if not all(_SIZE.fullmatch(size) for size in sizes.values()):
        return plain_text("maxwidth and maxheight are numbers of pixels.", 400)
    found = _find(query["url"])
    if found is None:
        return plain_text("There is no live blog at that address.", 404)
    event, update = found
    width = min(WIDTH, int(sizes.get("maxwidth", WIDTH)))
    wanted = UPDATE_HEIGHT if update else HEIGHT
    height = min(wanted, int(sizes.get("maxheight", wanted)))
    response = JsonResponse(rich_embed(event, update, width=width, height=height))
    response["Cache-Control"] = cacheable(SHARED_SECONDS)
    return response


def rich_embed(event: Event, update: Update | None, *, width: int, height: int) -> dict[str, Any]:
    """Return an embed of oEmbed's type ``rich``: a frame of that size, in pixels."""
    title = f"{update.title} – {event.title}" if update else event.title
    # Only a frame, without a text before it: WordPress would hide the frame until its script has come.
    html = format_html(
        '<iframe src="{}" title="{}" width="{}" height="{}" frameborder="0" loading="lazy"'
        ' allow="autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture"></iframe>',
        absolute(frame_path(event, update.number if update else None)),
        title,
        width,
        height,
    )
    answer: dict[str, Any] = {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": settings.SITE_NAME,
        "provider_url": absolute("/"),
        "cache_age": CACHE_SECONDS,
        "html": html,
        "width": width,
        "height": height,
    }
    if update:
        answer |= {"author_name": update.byline}
    return answer


def _find(address: str) -> tuple[Event, Update | None] | None:
    target = Target.from_address(address)
    event = target and Event.objects.public().filter(slug=target.slug).first()
    if not target or not event:
        return None
    if target.number is None:
        return event, None
    update = event.updates.visible().filter(number=target.number).first()
    return (event, update) if update else None
