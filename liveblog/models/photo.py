"""Photos as they are kept: which update shows them, and the files that belong to them."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from liveblog import imaging
from liveblog.models.event import Event, photo_folder
from liveblog.models.json_fields import Figure, read_widths

UNUSED_KEPT = timedelta(days=7)
"""How long a photo that no update shows is kept: an outbox may come back after days."""


class PhotoQuerySet(models.QuerySet["Photo"]):
    """Photos by what became of them."""

    def unused(self) -> Self:
        """Keep those that were uploaded long ago and never became part of anything."""
        return self.filter(update=None, waiting=None, is_cover=False, arrived_at__lt=timezone.now() - UNUSED_KEPT)

    def erase(self) -> int:
        """Delete rows and, after commit, files; return how many photos there were."""
        names = list(self.values_list("name", flat=True))
        self.delete()
        transaction.on_commit(lambda: remove_files(names))
        return len(names)


class Photo(models.Model):
    """A photo that was uploaded under a key and written anew by us; nothing of the upload itself is kept."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="photos")
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="photos")
    name = models.CharField(max_length=32, unique=True, editable=False, help_text="Of its files: 128 random bits.")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    widths = models.JSONField(default=list, help_text="Of the files there are, in pixels, ascending.")
    arrived_at = models.DateTimeField(default=timezone.now)
    update = models.ForeignKey("liveblog.Update", on_delete=models.SET_NULL, null=True, related_name="photo_rows")
    waiting = models.ForeignKey("liveblog.Waiting", on_delete=models.SET_NULL, null=True, related_name="photo_rows")
    is_cover = models.BooleanField(default=False)

    objects = PhotoQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event", "key"), name="photo_key_once"),)

    def __str__(self) -> str:
        return f"photo {self.name}"

    def described(self, alt: str) -> dict[str, Any]:
        """Return what an update keeps of it, so that its card is drawn without a query."""
        return Figure(self.name, self.width, self.height, self.widths, alt)._asdict()

    @property
    def file_widths(self) -> list[int]:
        """The widths of its files; none if what is kept of them can't be read."""
        try:
            return read_widths(self.widths)
        except ValueError:
            return []

    @property
    def is_shown(self) -> bool:
        """Whether readers meet it: in its update as it is now, or as the event's cover."""
        if not self.event.is_public:
            return False
        shown = self.event.readable_cover if self.is_cover else []
        if self.update is not None and self.update.withdrawn_at is None:
            shown = [*shown, *self.update.readable_photos]
        return any(figure.name == self.name for figure in shown)

    def path(self, width: int) -> Path:
        """Return the file of this width."""
        return imaging.path_of(photo_folder(), self.name, width)


def remove_files(names: list[str]) -> None:
    """Remove every width of these photos."""
    for name in names:
        imaging.remove(photo_folder(), name)
