"""The application's registration with Django."""

from django.apps import AppConfig


class LiveblogConfig(AppConfig):
    """The live blog."""

    name = "liveblog"
    default_auto_field = "django.db.models.BigAutoField"
