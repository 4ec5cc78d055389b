"""An event and its updates, no more than the two measures need."""

from django.conf import settings
from django.db import models


class Event(models.Model):
    """The thing covered live."""

    title = models.CharField(max_length=150)
    slug = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.title


class Update(models.Model):
    """One post in it; its primary key is what readers have seen last."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="updates")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    headline = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.headline
