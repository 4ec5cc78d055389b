"""Photos: how they arrive, which update shows them, and their files."""

import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from liveblog import imaging, photo_files
from liveblog.connections import release
from liveblog.models.content import Attachment
from liveblog.models.json_fields import Figure, read_widths
from liveblog.models.people import is_guest
from liveblog.models.post import Post
from liveblog.photo_files import PhotosUnavailable

if TYPE_CHECKING:
    from liveblog.models.event import Event

UNUSED_KEPT = timedelta(days=7)
"""How long a photo that no update shows is kept: an outbox may come back after days."""
REMOVED_TOGETHER = 5
"""Of so many photos the files are removed in one transaction, which may not be idle for long."""


class PhotoQuerySet(models.QuerySet["Photo"]):
    """Photos by their use; ``event.photos`` are those of one event."""

    def of(self, attachments: Iterable[Attachment]) -> Self:
        """Keep those that were uploaded under these keys."""
        return self.filter(key__in=[attachment.key for attachment in attachments])

    def describe(self, attachments: Iterable[Attachment], **owner: Post) -> list[dict[str, Any]]:
        """Return what an update keeps of its photos.

        Raises ``ValidationError`` for one that has not arrived or that another than ``update=`` or ``waiting=`` shows.
        What was rejected shows its photos to nobody any more: they can be sent again.
        """
        wanted = list(attachments)
        usable = Q(update=None, waiting=None, is_cover=False) | Q(update=None, waiting__rejected_at__isnull=False)
        if owner:
            usable |= Q(**{"update": None, "waiting": None} | owner)
        found = {photo.key: photo for photo in self.of(wanted).filter(usable)}
        if missing := sum(attachment.key not in found for attachment in wanted):
            raise ValidationError({"photos": f"{missing} photo{'s have' if missing > 1 else ' has'} not arrived here."})
        return [found[attachment.key].described(attachment.alt) for attachment in wanted]

    def unused(self) -> Self:
        """Keep those that were uploaded long ago and that nothing shows."""
        return self.filter(update=None, waiting=None, is_cover=False, arrived_at__lt=timezone.now() - UNUSED_KEPT)

    def erase(self) -> int:
        """Delete rows and, after commit, files; return how many photos there were."""
        names = list(self.values_list("name", flat=True))
        self.delete()
        Removal.objects.after_commit(names)
        return len(names)


class Photo(models.Model):
    """A photo that was uploaded under a key; its files are written anew, nothing of the upload itself is kept."""

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="photos")
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

    @classmethod
    def receive(cls, event: "Event", *, uploader: User, key: uuid.UUID, file: BinaryIO) -> "Photo":
        """Decode an upload, write it anew and keep it; see ``Event.add_photo()``."""
        photo = event.photos.filter(key=key).first()
        if photo is None:
            photo = cls._store(event, uploader=uploader, key=key, file=file)
        if photo.uploader_id != uploader.pk:
            raise ValidationError("This key is somebody else’s.")
        return photo

    @staticmethod
    def _store(event: "Event", *, uploader: User, key: uuid.UUID, file: BinaryIO) -> "Photo":
        """Write the files and the row, or return the photo that has come under the same key meanwhile."""
        release()  # others are decoded first, and this takes a while
        with imaging.rewritten(file, working_folder()) as picture:
            name = _keep_files(picture.files)
        size = {"width": picture.width, "height": picture.height, "widths": list(picture.files)}
        try:
            with transaction.atomic():
                return event.photos.create(key=key, uploader=uploader, name=name, **size)
        except BaseException as error:
            Removal.objects.at_once([name])
            if not isinstance(error, IntegrityError):
                raise
        return event.photos.get(key=key)

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
        """Whether readers can see it: in its update as it is now, or as the event's cover."""
        if not self.event.is_public:
            return False
        shown = self.event.readable_cover if self.is_cover else []
        if self.update is not None and self.update.withdrawn_at is None:
            shown = [*shown, *self.update.readable_photos]
        return any(figure.name == self.name for figure in shown)

    def may_be_seen_by(self, user: User) -> bool:
        """Whether ``user``, who is at the desk, may see it: guests see their own, and what stands in the stream."""
        if not is_guest(user) or self.uploader_id == user.pk or self.is_cover:
            return True
        return self.update is not None and self.update.may_be_read_by(user)

    def file_name(self, width: int) -> str:
        """Return what the file of this width is called, wherever it lies."""
        return PurePosixPath(photo_files.path_of(self.name, width)).name

    def read(self, width: int) -> bytes:
        """Return the file of this width; raises ``FileNotFoundError`` if it is lost, and ``PhotosUnavailable``."""
        return photo_files.read(self.name, width)


class RemovalQuerySet(models.QuerySet["Removal"]):
    """Photos whose files have to go."""

    def after_commit(self, names: Collection[str]) -> None:
        """Remove the files of these photos once the present transaction is committed.

        A bucket may take seconds for each, so that a server does it later, as it does what fails in a folder.
        """
        self._note(names)
        if photo_files.is_local():
            transaction.on_commit(lambda: self._try(names))

    def at_once(self, names: Collection[str]) -> None:
        """Remove the files of these photos, of which there are no rows, and what fails, later."""
        try:
            photo_files.remove(names)
        except PhotosUnavailable:
            self._note(names)

    def carry_out(self) -> None:
        """Remove what is to go; raises ``PhotosUnavailable``."""
        while self._remove_some():
            pass

    def _remove_some(self) -> bool:
        # An import that brings a photo back waits for the rows. SQLite has no locks but one that stops all who write.
        with transaction.atomic() if connection.features.has_select_for_update else nullcontext():
            names = list(self.select_for_update().values_list("name", flat=True)[:REMOVED_TOGETHER])
            self._remove(names)
        return bool(names)

    def _note(self, names: Collection[str]) -> None:
        self.bulk_create([self.model(name=name) for name in names], ignore_conflicts=True)

    def _try(self, names: Collection[str]) -> None:
        with suppress(PhotosUnavailable, DatabaseError):  # the note stays
            self._remove(names)

    def _remove(self, names: Collection[str]) -> None:
        photo_files.remove(names)
        self.filter(name__in=names).delete()


class Removal(models.Model):
    """A note that the files of a photo have to go: their storage may be away when its row goes."""

    name = models.CharField(max_length=32, primary_key=True)

    objects = RemovalQuerySet.as_manager()

    def __str__(self) -> str:
        return f"removal of {self.name}"


def _keep_files(files: Mapping[int, Path]) -> str:
    """Store the files of a new photo and return the name it is given; raises ``imaging.PhotoRefused``."""
    name = secrets.token_hex(16)
    try:
        photo_files.keep(name, files)
    except PhotosUnavailable as error:
        Removal.objects.at_once([name])
        raise imaging.PhotoRefused("unkept") from error
    return name


def working_folder() -> Path:
    """Return the folder of this machine in which photos are decoded; files in a folder are beside it, and moved."""
    return Path(settings.MEDIA_ROOT) / photo_files.FOLDER
