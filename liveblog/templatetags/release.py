"""Which release drew a page."""

from django import template

from liveblog import __version__
from liveblog.release import digest

register = template.Library()


@register.simple_tag
def version() -> str:
    """Return the release's version."""
    return __version__


@register.simple_tag
def release() -> str:
    """Return the release's digest."""
    return digest()
