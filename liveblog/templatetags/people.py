"""Who somebody at the desk is."""

from django import template
from django.contrib.auth.models import AnonymousUser, User

from liveblog import models

register = template.Library()


@register.filter
def is_guest(user: User | AnonymousUser) -> bool:
    """Whether ``user`` came in by an invitation."""
    return models.is_guest(user)
