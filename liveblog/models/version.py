"""The texts of an update that edits have replaced."""

from django.conf import settings
from django.db import models

from liveblog.models.content import BODY_CHARACTERS, HEADLINE_CHARACTERS


class Version(models.Model):
    """A text of an update that an edit has replaced; the present one is in the update itself."""

    update = models.ForeignKey("liveblog.Update", on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    headline = models.CharField(max_length=HEADLINE_CHARACTERS, blank=True)
    body = models.TextField(blank=True, max_length=BODY_CHARACTERS)
    photos = models.JSONField(default=list, blank=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("update_id", "number")
        constraints = (models.UniqueConstraint(fields=("update", "number"), name="version_once"),)

    def __str__(self) -> str:
        return f"version {self.number} of {self.update}"
