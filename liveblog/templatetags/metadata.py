"""What a page's head tells machines about it."""

from django import template
from django.conf import settings

from liveblog.addresses import absolute
from liveblog.syndication import structured

register = template.Library()
register.simple_tag(absolute)
register.simple_tag(structured.event_data)
register.simple_tag(structured.update_data)
register.simple_tag(structured.social_image)


@register.simple_tag
def site_name() -> str:
    """Return what the whole service is called."""
    return str(settings.SITE_NAME)
