"""One post in an event, and how it changes."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import (
    Attachment,
    check_content,
    check_note,
    check_past_time,
    check_shown,
    prepare_attachments,
    prepare_body,
)
from liveblog.models.database import database_time, rule, without_time_limit
from liveblog.models.event import Event
from liveblog.models.json_fields import (
    Correction,
    Figure,
    Unreadable,
    parse_corrections,
    parse_readable,
    redate_corrections,
)
from liveblog.models.people import Role, is_guest
from liveblog.models.place import Place, written_time
from liveblog.models.post import Overtaken, Post

EXCERPT_CHARACTERS = 180
FOLDED_CHARACTERS = 400
UNMARKED_EDIT = timedelta(minutes=2)
"""How long after posting an edit gets no "edited" mark."""
CORRECTABLE_AFTER = timedelta(minutes=5)
"""How old an update must be for an edit to carry a note that readers see."""
ERASED = "It was erased for good. There is nothing left to restore or to change."

_VERSIONED = {"headline", "body", "photos"}


class UpdateQuerySet(models.QuerySet["Update"]):
    """Updates by place."""

    def visible(self) -> Self:
        """Leave withdrawn ones out."""
        return self.filter(withdrawn_at=None)

    def public(self) -> Self:
        """Leave out those of drafts.

        As an exclusion, databases filter while they read in the order asked for; given the public events to
        include, they read all updates of these and sort.
        """
        return self.exclude(event__in=Event.objects.drafts())

    def older_than(self, place: Place) -> Self:
        """Keep those before ``place``."""
        at, number = place
        return self.filter(Q(published_at__lte=at) & (Q(published_at__lt=at) | Q(number__lt=number)))

    def newer_than(self, place: Place) -> Self:
        """Keep those after ``place``."""
        at, number = place
        return self.filter(Q(published_at__gte=at) & (Q(published_at__gt=at) | Q(number__gt=number)))

    def newest_first(self) -> Self:
        """Order by place, downwards."""
        return self.order_by("-published_at", "-number")

    def oldest_first(self) -> Self:
        """Order by place, upwards."""
        return self.order_by("published_at", "number")


class Update(Post):
    """One post in an event. Its row stays while the event lives; a withdrawn one is a tombstone."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField()
    revision = models.PositiveBigIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="updates")
    corrections = models.JSONField(default=list, blank=True, help_text="Each a time, a note and a version.")

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
        """Its name in feeds and in every installation of the event; only its author knows the key."""
        return uuid5(self.event.uuid, str(self.key))

    @property
    def place(self) -> Place:
        """Where it stands in the stream."""
        return Place(self.published_at, self.number)

    @property
    def title(self) -> str:
        """The headline, the first words, or the description of a photo."""
        title = self.headline_or_beginning
        if title or not self.photos:
            return title
        return next((figure.alt for figure in self.readable_photos if figure.alt), "Photo")

    @property
    def changed_at(self) -> datetime:
        """When its present text was made, as feeds and search engines count; never before it was published."""
        return max(self.version_at or self.posted_at, self.published_at)

    @property
    def published_text(self) -> str:
        """Its time as pages compare it: text that sorts as time does."""
        return written_time(self.published_at)

    @property
    def is_long(self) -> bool:
        """Whether it is folded when it is pinned."""
        return len(self.body_text) > FOLDED_CHARACTERS

    @property
    def excerpt(self) -> str:
        """The beginning of its text, on one line."""
        return markup.shorten(self.body_text, characters=EXCERPT_CHARACTERS)

    @property
    def readable_photos(self) -> list[Figure]:
        """Its photos without those that can't be read."""
        return parse_readable(self.photos, Figure.from_json)

    @property
    def is_correctable(self) -> bool:
        """Whether it is old enough for an edit to carry a note for readers."""
        return timezone.now() - self.posted_at >= CORRECTABLE_AFTER

    @property
    def is_pinned(self) -> bool:
        """Whether the event shows it on top of its page."""
        return self.event.pinned_number == self.number

    def may_be_read_by(self, user: User) -> bool:
        """Whether ``user``, who is at the desk, may read it: guests read nothing that was withdrawn but their own."""
        return self.withdrawn_at is None or self.author_id == user.pk or not is_guest(user)

    def may_be_changed_by(self, user: User, role: Role) -> bool:
        """Whether ``user`` may edit, withdraw and restore it; pinning and marking is for editors alone.

        An author can't restore what an editor has withdrawn.
        """
        if role.may(Role.EDITOR):
            return True
        is_own = self.author_id == user.pk and (self.withdrawn_at is None or self.withdrawn_by_id == user.pk)
        return is_own and not self.event.needs_approval_of(role)

    def waits_when_edited_by(self, user: User, role: Role) -> bool:
        """Whether ``user`` may edit it, and an editor has to approve that: it is their own, and was approved."""
        return self.author_id == user.pk and self.withdrawn_at is None and self.event.needs_approval_of(role)

    def edit(
        self,
        *,
        body: str | None = None,
        headline: str | None = None,
        is_key: bool | None = None,
        photos: Iterable[Attachment] | None = None,
        published_at: datetime | None = None,
        correction: str = "",
        notes: Mapping[datetime, str] | None = None,
        editor: User | None = None,
        revision: int | None = None,
    ) -> None:
        """Change what is given and keep the text before as a version; an edit without changes takes no revision.

        ``correction`` is a note that readers see; ``notes`` are other words for earlier ones by their times, empty
        where one is to go. ``revision`` is that of the update as its editor had it.
        Raises ``Overtaken`` if its text has changed since, ``ValidationError``.
        """
        changes: dict[str, Any] = {}
        if headline is not None:
            changes["headline"] = markup.normalise(headline)
        if body is not None:
            changes |= self._rendered(prepare_body(body), headline=changes.get("headline", self.headline))
        if is_key is not None:
            changes["is_key"] = is_key
        if published_at is not None:
            check_past_time(published_at)
            changes["published_at"] = published_at
        self._change(
            attachments=None if photos is None else prepare_attachments(photos),
            correction=check_note(correction),
            notes={at: check_note(note) for at, note in (notes or {}).items()},
            editor=editor,
            revision=revision,
            **changes,
        )

    def _rendered(self, body: str, *, headline: str) -> dict[str, str]:
        """Return the columns of a text; one that has not changed keeps the HTML that readers have."""
        if body == self.body:
            return {"body": body, "body_html": self.body_html, "body_text": self.body_text}
        check_content(headline=headline, body=body, photos=("any",))
        body_html = markup.render(body)
        return {"body": body, "body_html": body_html, "body_text": markup.plain(body_html)}

    def mark_key(self, *, is_key: bool = True) -> None:
        """Count it among the key moments, or no longer."""
        self._change(is_key=is_key)

    def move(self, *, published_at: datetime) -> None:
        """Give it another time, and with it another place in the stream."""
        check_past_time(published_at)
        self._change(published_at=published_at)

    def redate(self, *, arrived_at: datetime) -> None:
        """Correct times in the future, which a wrong clock has set: those of its arrival, and all later ones.

        Times in the past stay, also one that its author set. The update may be withdrawn or erased.
        """
        with self.event.change() as event:
            update, now = event.updates.get(pk=self.pk), database_time()
            for name in ("published_at", "posted_at"):
                if getattr(update, name) > now:
                    setattr(update, name, arrived_at)
            for name in ("version_at", "edited_at", "withdrawn_at", "erased_at"):
                time = getattr(update, name)
                if time is not None and time > now:
                    setattr(update, name, now)
            update.corrections = redate_corrections(update.corrections, latest=now)
            update.versions.filter(made_at__gt=now).update(made_at=arrived_at)
            update.revision = update.content_revision = event.take_revision(head=update._is_in_head(event))
            update.save()
            if event.latest_clock is not None and event.latest_clock > now:
                event.latest_clock = None
        self._take_over(update)

    def withdraw(self, *, by: User | None = None) -> None:
        """Hide it from readers, whose pages learn that it is gone."""
        self._change(withdrawn_at=timezone.now(), withdrawn_by=by)

    def restore(self) -> None:
        """Show a withdrawn update to readers again."""
        self._change(withdrawn_at=None, withdrawn_by=None)

    def purge(self) -> None:
        """Erase its text and photos wherever this service keeps them; the row stays as a tombstone.

        That is its row, its versions, its photos in every width, what waits under its key, and the
        admin's log. Other processes forget it as they do any withdrawn update. Backups and copies made by
        others are out of reach.
        """
        from django.contrib.admin.models import LogEntry

        with without_time_limit(), self.event.change() as event:
            update = event.updates.get(pk=self.pk)
            if update.erased_at is None:
                now = timezone.now()
                was_in_head = update._is_in_head(event)
                for name in ("headline", "body", "body_html", "body_text", "digest"):
                    setattr(update, name, "")
                update.photos, update.corrections, update.is_key = [], [], False
                update.withdrawn_at, update.erased_at = update.withdrawn_at or now, now
                if event.pinned_number == update.number:
                    event.pinned_number = None
                update.revision = update.content_revision = event.take_revision(head=was_in_head)
                update.save()
                update.versions.all().delete()
                event.photos.filter(Q(update=update) | Q(waiting__key=update.key)).erase()
                event.waiting.filter(Q(key=update.key) | Q(update=update)).delete()
                LogEntry.objects.filter(
                    content_type__app_label="liveblog", content_type__model="update", object_id=str(update.pk)
                ).update(object_repr=f"Update {update.number}", change_message="")
                transaction.on_commit(_forget_on_disk, robust=True)
        self._take_over(update)

    def _change(self, **what: Any) -> None:
        """Change columns of the row as it is now; ``what`` is what ``apply()`` takes."""
        with self.event.change() as event:
            update = event.updates.get(pk=self.pk)
            update.apply(event, **what)
        self._take_over(update)

    def apply(
        self,
        event: Event,
        *,
        attachments: tuple[Attachment, ...] | None = None,
        correction: str = "",
        notes: Mapping[datetime, str] | None = None,
        editor: User | None = None,
        revision: int | None = None,
        **changes: Any,
    ) -> None:
        """Change columns inside ``event.change()``, of a row that was read there; see ``edit()``."""
        if attachments is not None:
            changes["photos"] = event.photos.describe(attachments, update=self)
        if notes:
            changes["corrections"] = self._with_notes(notes)
        changed = {name for name, value in changes.items() if getattr(self, name) != value}
        if "withdrawn_at" in changed and changes["withdrawn_at"] and self.withdrawn_at:
            changed.clear()  # it was withdrawn already
        is_corrected = bool(correction) and (self._last_note() != correction or bool(changed))
        if changed or is_corrected:
            self._check_changeable(changed, revision)
            was_in_head = self._is_in_head(event)
            if changed & _VERSIONED:
                self._keep_version(editor)
            for name in changed:
                setattr(self, name, changes[name])
            check_content(headline=self.headline, body=self.body, photos=self.photos)
            if changed & {"headline", "body", "photos"}:
                check_shown(headline=self.headline, body_html=self.body_html, photos=self.photos)
            self.revision = event.take_revision(head=was_in_head or self.is_key)
            if changed & (_VERSIONED | {"published_at", "corrections"}):
                self.content_revision = self.revision
            if is_corrected:
                self._add_correction(correction)
            self.save()
            if attachments is not None:
                event.photos.of(attachments).update(update=self)

    def _is_in_head(self, event: Event) -> bool:
        return self.is_key or event.pinned_number == self.number

    def check_changeable(self, revision: int | None = None) -> None:
        """Raise ``ValidationError`` for what is erased or withdrawn, ``Overtaken`` if it says something else by now."""
        self._check_changeable(set(), revision)

    def _check_changeable(self, changed: set[str], revision: int | None) -> None:
        if self.erased_at is not None:
            raise ValidationError(ERASED)
        if self.withdrawn_at and "withdrawn_at" not in changed:
            raise ValidationError("This update was withdrawn. Restore it before you change it.")
        if revision is not None and not self.content_revision <= revision <= self.revision:
            raise Overtaken(self)  # a revision to come is from before a backup was restored

    def _keep_version(self, editor: User | None) -> None:
        """Keep the present text as a version and begin the next."""
        now = timezone.now()
        self.versions.create(
            number=self.version,
            made_at=self.version_at or self.posted_at,
            made_by=self.version_by or self.author,
            **{name: getattr(self, name) for name in _VERSIONED},
        )
        self.version += 1
        self.version_at, self.version_by = now, editor or self.author
        if now - self.posted_at > UNMARKED_EDIT:
            self.edited_at = now

    def _last_note(self) -> str:
        corrections = self._parsed_corrections()
        return corrections[-1].note if corrections else ""

    def _with_notes(self, notes: Mapping[datetime, str]) -> Any:
        """Return the corrections with other words for some, without those that have none."""
        kept = self._parsed_corrections()
        revised = [one._replace(note=notes.get(one.at, one.note)) for one in kept]
        return self.corrections if revised == kept else [one.to_json() for one in revised if one.note]

    def _parsed_corrections(self) -> list[Correction]:
        try:
            return parse_corrections(self.corrections)
        except Unreadable as error:
            reason = f"Notes can’t be added or changed: this update’s earlier corrections can’t be read ({error})."
            raise ValidationError(reason) from error

    def _add_correction(self, note: str) -> None:
        if not self.is_correctable:
            raise ValidationError("A correction note is for updates that have stood for five minutes.")
        added = Correction(timezone.now(), note, self.version)
        self.corrections = [*self.corrections, added.to_json()]

    @property
    def corrected(self) -> list[tuple[datetime, str]]:
        """Its corrections, each a time and a note; raises ``Unreadable``."""
        return [(correction.at, correction.note) for correction in parse_corrections(self.corrections)]

    @property
    def readable_corrections(self) -> list[Correction]:
        """Its corrections without those that can't be read."""
        return parse_readable(self.corrections, Correction.from_json)


def _forget_on_disk() -> None:
    """Have SQLite overwrite what its log still holds; PostgreSQL's own housekeeping reuses the space."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
