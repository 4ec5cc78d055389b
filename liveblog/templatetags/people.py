"""Who somebody at the desk is, and which release they use."""

from django import template
from django.contrib.auth.models import AnonymousUser, User

from liveblog import __version__, models

register = template.Library()


@register.filter
def is_guest(user: User | AnonymousUser) -> bool:
    """Whether ``user`` came in by an invitation."""
    return models.is_guest(user)


@register.simple_tag
def version() -> str:
    """Return the release's version."""
    return __version__
