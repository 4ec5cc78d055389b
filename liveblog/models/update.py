"""One post in an event: what may stand in it, and how it changes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import (
    BODY_CHARACTERS,
    BYLINE_CHARACTERS,
    HEADLINE_CHARACTERS,
    Attachment,
    check_content,
    check_note,
    check_time,
    prepare_attachments,
)
from liveblog.models.database import database_time, rule, without_time_limit
from liveblog.models.event import Event
from liveblog.models.json_fields import (
    Correction,
    Figure,
    Unreadable,
    read_corrections,
    readable,
)
from liveblog.models.people import Role
from liveblog.models.place import Place, written_time

if TYPE_CHECKING:
    from liveblog.models.waiting import Waiting

TITLE_CHARACTERS = 100
EXCERPT_CHARACTERS = 180
FOLDED_CHARACTERS = 400
UNMARKED_EDIT = timedelta(minutes=2)
"""An edit this soon after posting reaches readers without an "edited" mark."""
CORRECTABLE_AFTER = timedelta(minutes=5)
"""An edit this late may carry a note that readers see."""
ERASED = "It was erased for good. There is nothing left to restore or to change."

_SAID = {"headline", "body", "photos"}


class Overtaken(Exception):
    """Somebody else has changed what was to be changed; ``update`` is as it is now."""

    def __init__(self, update: "Update | Waiting") -> None:
        super().__init__("This was changed meanwhile by somebody else.")
        self.update = update


class UpdateQuerySet(models.QuerySet["Update"]):
    """Updates by place."""

    def visible(self) -> Self:
        """Leave withdrawn ones out."""
        return self.filter(withdrawn_at=None)

    def public(self) -> Self:
        """Leave out those of drafts.

        Said like this, databases filter what they read in another order; asked for the updates *of* public events,
        they read all of these and sort.
        """
        return self.exclude(event__in=Event.objects.drafts())

    def older_than(self, place: Place) -> Self:
        """Keep those that stand before ``place``."""
        at, number = place
        return self.filter(Q(published_at__lte=at) & (Q(published_at__lt=at) | Q(number__lt=number)))

    def newer_than(self, place: Place) -> Self:
        """Keep those that stand after ``place``."""
        at, number = place
        return self.filter(Q(published_at__gte=at) & (Q(published_at__gt=at) | Q(number__gt=number)))

    def newest_first(self) -> Self:
        """Order by place, downwards."""
        return self.order_by("-published_at", "-number")

    def oldest_first(self) -> Self:
        """Order by place, upwards."""
        return self.order_by("published_at", "number")


class Update(models.Model):
    """One post in an event. Its row stays while the event lives; a withdrawn one is a tombstone."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField()
    revision = models.PositiveBigIntegerField()
    key = models.UUIDField(default=uuid4, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="Of what was first sent under the key.")

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="updates")
    byline = models.CharField(max_length=BYLINE_CHARACTERS)
    headline = models.CharField(max_length=HEADLINE_CHARACTERS, blank=True)
    body = models.TextField(blank=True, max_length=BODY_CHARACTERS)
    body_html = models.TextField(blank=True)
    body_text = models.TextField(blank=True)
    is_key = models.BooleanField("key moment", default=False)
    photos = models.JSONField(default=list, blank=True, help_text="Each a name, width, height, widths and alt.")
    corrections = models.JSONField(default=list, blank=True, help_text="Each a time, a note and a version.")

    version = models.PositiveIntegerField(default=1)
    version_at = models.DateTimeField(null=True, help_text="When the present text was made, if it was edited.")
    version_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    content_revision = models.PositiveBigIntegerField(default=0, help_text="Of the last edit of what it says.")

    posted_at = models.DateTimeField(default=timezone.now, help_text="When it arrived here.")
    published_at = models.DateTimeField(help_text="Where it stands in the stream.")
    edited_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    erased_at = models.DateTimeField(null=True)

    objects = UpdateQuerySet.as_manager()

    class Meta:
        ordering = ("event_id", "published_at", "number")
        constraints = (
            rule(
                "update_number",
                Q(number__gte=1),
                field="number",
                message="Updates are numbered from 1.",
            ),
            rule(
                "update_erased_at",
                Q(erased_at__isnull=True)
                | Q(withdrawn_at__isnull=False, headline="", body="", body_html="", body_text=""),
                field="erased_at",
                message="What was erased is withdrawn and says nothing.",
            ),
            rule(
                "update_withdrawn_by",
                Q(withdrawn_by__isnull=True) | Q(withdrawn_at__isnull=False),
                field="withdrawn_by",
                message="Nobody has withdrawn what is not withdrawn.",
            ),
            rule(
                "update_content_revision",  # an edit of it would count as overtaken for ever
                Q(content_revision__lte=F("revision")),
                field="content_revision",
                message="What it says has no later revision than the update.",
            ),
            models.UniqueConstraint(fields=("event", "number"), name="update_number_once"),
            models.UniqueConstraint(fields=("event", "revision"), name="update_revision_once"),
            models.UniqueConstraint(fields=("event", "key"), name="update_key_once"),
        )
        indexes = (
            models.Index(
                fields=("event", "published_at", "number"),
                condition=Q(withdrawn_at=None),
                name="update_place",
            ),
            models.Index(
                fields=("event", "published_at", "number"),
                condition=Q(withdrawn_at=None, is_key=True),
                name="update_key_place",
            ),
            # The desk's, which shows withdrawn ones too.
            models.Index(fields=("event", "published_at", "number"), name="update_desk_place"),
            # The feeds of all events.
            models.Index(fields=("published_at", "id"), condition=Q(withdrawn_at=None), name="update_newest"),
            models.Index(
                fields=("withdrawn_at", "id"), condition=Q(withdrawn_at__isnull=False), name="update_withdrawn"
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the path of the update's own page."""
        return reverse("update", args=[self.event.slug, self.number])

    @property
    def uuid(self) -> UUID:
        """What names it for good, in feeds and in every installation that has the event; the key stays its author's."""
        return uuid5(self.event.uuid, str(self.key))

    @property
    def place(self) -> Place:
        """Where it stands in the stream."""
        return Place(self.published_at, self.number)

    @property
    def title(self) -> str:
        """The headline, or the first words."""
        said = self.headline or markup.shorten(self.body_text, characters=TITLE_CHARACTERS)
        if said or not self.photos:
            return said
        return next((figure.alt for figure in self.readable_photos if figure.alt), "Photo")

    @property
    def changed_at(self) -> datetime:
        """When it came to say what it says, as feeds and search engines count; never before it was published."""
        return max(self.version_at or self.posted_at, self.published_at)

    @property
    def published_text(self) -> str:
        """Its time as a page compares it: text that sorts as time does."""
        return written_time(self.published_at)

    @property
    def is_long(self) -> bool:
        """Whether it is folded where it is pinned."""
        return len(self.body_text) > FOLDED_CHARACTERS

    @property
    def excerpt(self) -> str:
        """The beginning of its text, on one line."""
        return markup.shorten(self.body_text, characters=EXCERPT_CHARACTERS)

    @property
    def readable_photos(self) -> list[Figure]:
        """Those of its photos that can be read, for what must go on without the others."""
        return readable(self.photos, Figure.read)

    @property
    def is_correctable(self) -> bool:
        """Whether it has stood for so long that an edit may carry a note for readers."""
        return timezone.now() - self.posted_at >= CORRECTABLE_AFTER

    @property
    def is_pinned(self) -> bool:
        """Whether the event shows it on top of its page."""
        return self.event.pinned_number == self.number

    def may_be_changed_by(self, user: User, role: Role) -> bool:
        """Whether ``user`` may edit, withdraw and restore it; pinning and marking is for editors alone.

        What an editor has withdrawn, its author does not put back.
        """
        if role.may(Role.EDITOR):
            return True
        is_own = self.author_id == user.pk and (self.withdrawn_at is None or self.withdrawn_by_id == user.pk)
        return is_own and not self.event.contributors_wait

    def edit(
        self,
        *,
        body: str | None = None,
        headline: str | None = None,
        is_key: bool | None = None,
        photos: Iterable[Attachment] | None = None,
        published_at: datetime | None = None,
        correction: str = "",
        editor: User | None = None,
        revision: int | None = None,
    ) -> None:
        """Change what is given; an edit that changes nothing takes no revision. The text before is kept.

        ``correction`` is a note that readers see. ``revision`` is that of the update as its editor had it.
        Raises ``Overtaken`` if it says something else since, ``ValidationError``, ``markup.TooSlow``.
        """
        changes: dict[str, Any] = {}
        if headline is not None:
            changes["headline"] = markup.normalise(headline)
        if body is not None:
            changes["body"] = markup.normalise(body)
            check_content(headline=changes.get("headline", self.headline), body=changes["body"], photos=("any",))
            changes["body_html"] = markup.render(changes["body"])
            changes["body_text"] = markup.plain(changes["body_html"])
        if is_key is not None:
            changes["is_key"] = is_key
        if published_at is not None:
            check_time(published_at)
            changes["published_at"] = published_at
        self._change(
            attachments=None if photos is None else prepare_attachments(photos),
            correction=check_note(correction),
            editor=editor,
            revision=revision,
            **changes,
        )

    def mark_key(self, *, is_key: bool = True) -> None:
        """Count it among the key moments, or no longer."""
        self._change(is_key=is_key)

    def move(self, *, published_at: datetime) -> None:
        """Give it another time, and so another place in the stream."""
        check_time(published_at)
        self._change(published_at=published_at)

    def redate(self, *, arrived_at: datetime) -> None:
        """Put times that lie in the future right, which a wrong clock has set: it arrived then, the rest is past.

        Whatever state it is in; a time in the past, its author's too, stays.
        """
        with self.event.change() as event:
            update, now = event.updates.get(pk=self.pk), database_time()
            for name in ("published_at", "posted_at"):
                if getattr(update, name) > now:
                    setattr(update, name, arrived_at)
            for name in ("version_at", "edited_at", "withdrawn_at", "erased_at"):
                moment = getattr(update, name)
                if moment is not None and moment > now:
                    setattr(update, name, now)
            update.corrections = [said | {"at": min(said["at"], written_time(now))} for said in update.corrections]
            update.versions.filter(made_at__gt=now).update(made_at=arrived_at)
            touches_head = update.is_key or event.pinned_number == update.number
            update.revision = update.content_revision = event.take_revision(head=touches_head)
            update.save()
            if event.latest_clock is not None and event.latest_clock > now:
                event.latest_clock = None
        self._take_over(update)

    def withdraw(self, *, by: User | None = None) -> None:
        """Take it from the readers; what remains for them is a mark that it is gone."""
        self._change(withdrawn_at=timezone.now(), withdrawn_by=by)

    def restore(self) -> None:
        """Give a withdrawn update back to the readers."""
        self._change(withdrawn_at=None, withdrawn_by=None)

    def purge(self) -> None:
        """Erase what it said and showed wherever this service keeps it; the tombstone stays.

        That is its row, its versions, its photos in every width, what waits under its key, and the
        admin's log. Other processes forget it as they do any withdrawn update. Backups and what others
        have copied are out of reach.
        """
        from django.contrib.admin.models import LogEntry

        with without_time_limit(), self.event.change() as event:
            update = event.updates.get(pk=self.pk)
            if update.erased_at is None:
                now = timezone.now()
                touches_head = update.is_key or event.pinned_number == update.number
                for name in ("headline", "body", "body_html", "body_text", "digest"):
                    setattr(update, name, "")
                update.photos, update.corrections, update.is_key = [], [], False
                update.withdrawn_at, update.erased_at = update.withdrawn_at or now, now
                if event.pinned_number == update.number:
                    event.pinned_number = None
                update.revision = update.content_revision = event.take_revision(head=touches_head)
                update.save()
                update.versions.all().delete()
                event.photos.filter(Q(update=update) | Q(waiting__key=update.key)).erase()
                event.waiting.filter(key=update.key).delete()
                LogEntry.objects.filter(
                    content_type__app_label="liveblog", content_type__model="update", object_id=str(update.pk)
                ).update(object_repr=f"Update {update.number}", change_message="")
                transaction.on_commit(_forget_on_disk, robust=True)
        self._take_over(update)

    def _change(
        self,
        *,
        attachments: tuple[Attachment, ...] | None = None,
        correction: str = "",
        editor: User | None = None,
        revision: int | None = None,
        **changes: Any,
    ) -> None:
        with self.event.change() as event:
            update = event.updates.get(pk=self.pk)
            if attachments is not None:
                changes["photos"] = event.take_photos(attachments, update=update)
            changed = {name for name, value in changes.items() if getattr(update, name) != value}
            if "withdrawn_at" in changed and changes["withdrawn_at"] and update.withdrawn_at:
                changed.clear()  # it was withdrawn already
            is_noted = correction and (changed or update._notes()[-1:] != [correction])
            if changed or is_noted:
                update._check_changeable(changed, revision)
                touches_head = update.is_key or event.pinned_number == update.number
                before = {name: getattr(update, name) for name in _SAID}
                for name in changed:
                    setattr(update, name, changes[name])
                check_content(headline=update.headline, body=update.body, photos=update.photos)
                update.revision = event.take_revision(head=touches_head or update.is_key)
                if changed & _SAID:
                    update._keep(before, editor)
                if changed & (_SAID | {"published_at"}):
                    update.content_revision = update.revision
                if is_noted:
                    update._note(correction)
                update.save()
                if changed & {"photos"}:
                    event.photos.filter(name__in=[photo["name"] for photo in update.photos]).update(update=update)
        self._take_over(update)

    def _check_changeable(self, changed: set[str], revision: int | None) -> None:
        if self.erased_at is not None:
            raise ValidationError(ERASED)
        if self.withdrawn_at and "withdrawn_at" not in changed:
            raise ValidationError("This update was withdrawn. Restore it before you change it.")
        if revision is not None and self.content_revision > revision:
            raise Overtaken(self)

    def _keep(self, before: dict[str, Any], editor: User | None) -> None:
        """Keep what it said as a version."""
        now = timezone.now()
        self.versions.create(
            number=self.version,
            made_at=self.version_at or self.posted_at,
            made_by=self.version_by or self.author,
            **before,
        )
        self.version += 1
        self.version_at, self.version_by = now, editor or self.author
        if now - self.posted_at > UNMARKED_EDIT:
            self.edited_at = now

    def _notes(self) -> list[str]:
        try:
            return [said.note for said in read_corrections(self.corrections)]
        except Unreadable as error:
            words = f"No note can be added: this update’s earlier corrections can’t be read ({error})."
            raise ValidationError(words) from error

    def _note(self, correction: str) -> None:
        self._notes()  # what can't be read can't be added to
        if not self.is_correctable:
            raise ValidationError("A correction note is for updates that have stood for five minutes.")
        said = {"at": written_time(timezone.now()), "note": correction, "version": self.version}
        self.corrections = [*self.corrections, said]

    def _take_over(self, update: "Update") -> None:
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(update, field.attname))

    @property
    def corrected(self) -> list[tuple[datetime, str]]:
        """When and how it was corrected in the open; raises ``Unreadable``."""
        return [(said.at, said.note) for said in read_corrections(self.corrections)]

    @property
    def readable_corrections(self) -> list[Correction]:
        """Those of its corrections that can be read."""
        return readable(self.corrections, Correction.read)


def _forget_on_disk() -> None:
    """Have SQLite overwrite what its log still holds; PostgreSQL's own housekeeping reuses the space."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
