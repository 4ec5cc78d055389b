"""Structured data (schema.org, JSON-LD) for search engines: what the page shows, nothing else."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from liveblog import markup, rendering
from liveblog.addresses import ABSOLUTE, absolute
from liveblog.models import Event, Update
from liveblog.models.json_fields import parse_figures
from liveblog.models.place import in_zone
from liveblog.syndication.entries import title_of

HEADLINE_CHARACTERS = 110
"""From Google's guidelines for articles; longer ones are cut."""

_ESCAPED = "<>&\u2028\u2029"


def event_data(event: Event, updates: Iterable[Update]) -> SafeString:
    """Return a LiveBlogPosting with the updates that the page shows, for a script element."""
    page = ABSOLUTE.stream(event)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting",
        "@id": page,
        "url": page,
        "mainEntityOfPage": page,
        "headline": markup.shorten(event.title, characters=HEADLINE_CHARACTERS),
        "description": event.description,
        "inLanguage": event.language,
        "dateModified": _iso(event, event.changed_at),
        "publisher": _publisher(),
        "image": social_image(event),
        "about": {"@type": "Event", "name": event.title} | _dates(event, "startDate", "endDate"),
        "liveBlogUpdate": list(_posts(updates, page)),
    }
    if event.first_public_at:
        data["datePublished"] = _iso(event, event.first_public_at)
    return _script(data | _dates(event, "coverageStartTime", "coverageEndTime"))


def update_data(update: Update) -> SafeString:
    """Return a BlogPosting for an update's own page; an empty object if the update can't be drawn."""
    page, blog = ABSOLUTE.permalink(update), ABSOLUTE.stream(update.event)
    data: dict[str, Any] = {}
    with rendering.Attempt.at_update(update):
        data = {"@context": "https://schema.org"} | _post(update, page, blog)
        data |= {"mainEntityOfPage": page, "publisher": _publisher(), "inLanguage": update.event.language}
        data["isPartOf"] = {"@type": "LiveBlogPosting", "@id": blog, "headline": update.event.title, "url": blog}
    return _script(data)


def social_image(event: Event) -> str:
    """Return the address of the picture for links to an event."""
    return f"{ABSOLUTE.stream(event)}social-{event.head_revision}.jpg"


def _posts(updates: Iterable[Update], page: str) -> Iterator[dict[str, Any]]:
    """Yield the data of each update that can be drawn."""
    for update in updates:
        with rendering.Attempt.at_update(update):
            yield _post(update, f"{page}#update-{update.number}", page)


def _post(update: Update, url: str, blog: str) -> dict[str, Any]:
    event = update.event
    post: dict[str, Any] = {
        "@type": "BlogPosting",
        "@id": url,
        "url": url,
        "headline": markup.shorten(title_of(update), characters=HEADLINE_CHARACTERS),
        "articleBody": update.body_text or update.title,
        "datePublished": _iso(event, update.published_at),
        "dateModified": _iso(event, update.changed_at),
        "author": {"@type": "Person", "name": update.byline, "url": blog},
    }
    if update.photos:
        post["image"] = [ABSOLUTE.picture(event, figure)["largest"] for figure in parse_figures(update.photos)]
    return post


def _dates(event: Event, start: str, end: str) -> dict[str, str]:
    """Return when the coverage begins and ends, planned or actual; unknown dates are left out."""
    found = {start: event.starts_at, end: event.ended_at or event.ends_at}
    return {name: _iso(event, moment) for name, moment in found.items() if moment}


def _publisher() -> dict[str, Any]:
    logo = {"@type": "ImageObject", "url": absolute(static("img/icon-512.png")), "width": 512, "height": 512}
    return {"@type": "Organization", "name": settings.SITE_NAME, "url": absolute("/"), "logo": logo}


def _iso(event: Event, moment: datetime) -> str:
    return in_zone(moment, event.zone).isoformat(timespec="seconds")


def _script(data: dict[str, Any]) -> SafeString:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for one in _ESCAPED:  # str.translate() took a fifth of the page's time
        text = text.replace(one, f"\\u{ord(one):04X}")
    return mark_safe(text)  # noqa: S308  (nothing in it can end the element)
