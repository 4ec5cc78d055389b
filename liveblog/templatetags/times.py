"""Times in templates: in UTC for scripts, in the event's own zone for people without JavaScript."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from django import template
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liveblog.models import Event
from liveblog.models.place import in_zone

register = template.Library()

FORMS = {"clock": "H:i T", "day": "l j F Y", "short": "D j M, H:i T", "full": "l j F Y, H:i T"}
ONE_NIGHT = timedelta(hours=18)
"""The end of an event that lasts no longer needs no date."""


@register.simple_tag
@lru_cache(maxsize=4096)  # a page shows some two hundred, the same ones again and again
def moment(value: datetime, zone: tzinfo, form: str = "clock") -> SafeString:
    """Return a ``<time>``: its text in ``zone`` and ``form`` (clock, day, short or full), its title in full."""
    local = in_zone(value, zone)
    return format_html(
        '<time datetime="{}" data-form="{}" title="{}">{}</time>',
        f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0"),
        form,
        format_date(local, FORMS["full"]),
        format_date(local, FORMS[form]),
    )


@register.simple_tag
def planned_end(event: Event) -> SafeString:
    """Return when the event is to end, without the date if that is the same night."""
    starts_at, ends_at = event.starts_at, event.ends_at
    if ends_at is None:
        return SafeString()
    is_same_night = starts_at is not None and ends_at - starts_at <= ONE_NIGHT
    return moment(ends_at, event.zone, "clock" if is_same_night else "full")
