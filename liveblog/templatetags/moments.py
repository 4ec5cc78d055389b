"""Times as readers meet them: UTC for machines, the event's own zone for people without JavaScript."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from django import template
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

FORMS = {"clock": "H:i T", "day": "l j F Y", "full": "l j F Y, H:i T"}


@register.simple_tag
@lru_cache(maxsize=4096)  # a page shows some two hundred, the same ones again and again
def moment(value: datetime, zone: tzinfo, form: str = "clock") -> SafeString:
    """Return a ``<time>``: its text in ``zone`` by ``form`` (clock, day or full), its title always in full."""
    local = value.astimezone(zone)
    return format_html(
        '<time datetime="{}" data-form="{}" title="{}">{}</time>',
        f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0"),
        form,
        format_date(local, FORMS["full"]),
        format_date(local, FORMS[form]),
    )
