"""What a page says of itself to machines."""

from collections.abc import Iterable

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from liveblog.models import Event, Update
from liveblog.syndication import structured

register = template.Library()


@register.simple_tag
def event_data(event: Event, updates: Iterable[Update]) -> SafeString:
    """Return an event's structured data."""
    return structured.event_data(event, updates)


@register.simple_tag
def update_data(update: Update) -> SafeString:
    """Return an update's structured data."""
    return structured.update_data(update)


@register.simple_tag
def social_image(event: Event) -> str:
    """Return the address of an event's picture."""
    return structured.image_of(event)


@register.simple_tag
def site_name() -> str:
    """Return what the whole service is called."""
    return str(settings.SITE_NAME)


@register.simple_tag
def absolute(path: str) -> str:
    """Return the address of a path of ours."""
    return f"{settings.BASE_URL}{path}"
