"""The thing covered: its counter and its lock, its status, and how updates come into it."""

import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from liveblog import bell, markup
from liveblog.models.content import (
    NOTE_CHARACTERS,
    Attachment,
    Submission,
    check_note,
)
from liveblog.models.database import copy_columns, database_time, explained, is_to_come, rule, turn, without_time_limit
from liveblog.models.head import Head
from liveblog.models.people import Membership, People, Role
from liveblog.models.photo import Photo, PhotoQuerySet
from liveblog.models.post import written_columns

if TYPE_CHECKING:
    from liveblog.models.update import Update
    from liveblog.models.waiting import Waiting

logger = logging.getLogger(__name__)

CLOCK_AHEAD = timedelta(minutes=2)
"""How far the newest time may be ahead of the clock; further, it came from a clock that was wrong."""


class WrongStatus(Exception):
    """The event's status does not allow this step; ``str()`` says so to an author."""


def new_edition() -> str:
    """Return eight hexadecimal characters that no earlier state of the database had."""
    return secrets.token_hex(4)


class EventQuerySet(models.QuerySet["Event"]):
    """Events by who may see them."""

    def public(self) -> Self:
        """Leave drafts out."""
        return self.exclude(status=Event.Status.DRAFT)

    def drafts(self) -> Self:
        """Keep drafts."""
        return self.filter(status=Event.Status.DRAFT)

    def written_by(self, user: User) -> Self:
        """Keep the events whose desk ``user`` may use."""
        return self if user.is_staff else self.filter(pk__in=Membership.objects.of(user).values("event"))

    def create_with_owner(self, owner: User, **fields: Any) -> "Event":
        """Create a draft that ``owner`` owns; raises ``ValidationError``."""
        event = self.model(**fields)
        event.render_summary()
        with transaction.atomic():
            event.save(force_insert=True)
            event.appoint(user=owner, role=Role.OWNER)
        return event

    def renew_editions(self) -> int:
        """Give every event a new edition, after a restored backup; return how many there are."""
        with transaction.atomic():
            events = list(self.select_for_update().only("pk"))
            for event in events:
                self.filter(pk=event.pk).update(edition=new_edition())
        return len(events)


class Event(Head, People):
    """The thing covered live.

    Each change that a reader can see takes the next ``revision``, under the lock of the event's row,
    which is held until commit: a reader never sees revision n+1 before n.
    """

    class Status(models.TextChoices):
        """Draft, announced, running or over."""

        DRAFT = "draft"
        UPCOMING = "upcoming"
        LIVE = "live"
        ENDED = "ended"

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False, help_text="The same in every installation.")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    first_public_at = models.DateTimeField(null=True, editable=False)
    pause_note = models.CharField(max_length=NOTE_CHARACTERS, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    closing_note = models.CharField(max_length=NOTE_CHARACTERS, blank=True, editable=False)

    edition = models.CharField(max_length=8, default=new_edition, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    head_revision = models.PositiveBigIntegerField(default=0, editable=False)
    reload_revision = models.PositiveBigIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    last_number = models.PositiveIntegerField(default=0, editable=False)
    latest_clock = models.DateTimeField(null=True, editable=False, help_text="The newest time that no author set.")

    objects = EventQuerySet.as_manager()

    _rendered: str | None = None

    class Meta:
        # PostgreSQL takes what is unknown for greater than all else, SQLite for less.
        ordering = (F("starts_at").desc(nulls_last=True), "-pk")
        indexes = (models.Index(fields=("status", "starts_at"), name="event_status_starts"),)
        constraints = (
            rule(
                "event_ends_after_it_starts",
                Q(ends_at__isnull=True) | Q(starts_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                field="ends_at",
                message="The end must be later than the start.",
            ),
            rule(
                "event_ended_at",
                Q(status="ended", ended_at__isnull=False)
                | Q(status__in=("draft", "upcoming", "live"), ended_at__isnull=True),
                field="ended_at",
                message="An event that has ended says when, and no other does.",
            ),
            rule(
                "event_paused_at",
                Q(pause_note="", paused_at__isnull=True) | Q(~Q(pause_note=""), status="live", paused_at__isnull=False),
                field="paused_at",
                message="A pause has a time and a note, and only a live event is paused.",
            ),
            rule(
                "event_closing_note",
                Q(closing_note="") | Q(status="ended"),
                field="closing_note",
                message="Only an event that has ended has a closing note.",
            ),
            rule(
                "event_first_public_at",
                Q(status="draft") | Q(first_public_at__isnull=False),
                field="first_public_at",
                message="An event that readers can see says since when.",
            ),
            rule(
                "event_head_revision",
                Q(head_revision__lte=F("revision")),
                field="head_revision",
                message="The head has no later revision than the event.",
            ),
            rule(
                "event_reload_revision",  # pages below it reload: they would do so for ever
                Q(reload_revision__lte=F("revision")),
                field="reload_revision",
                message="Pages reload at no later revision than the event’s.",
            ),
            rule(
                "event_pinned_number",
                Q(pinned_number__isnull=True) | Q(pinned_number__gte=1, pinned_number__lte=F("last_number")),
                field="pinned_number",
                message="The pinned update is one of the event’s.",
            ),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; raises ``ValidationError`` for what can't be true of an event.

        A new event's summary is rendered, unless ``render_summary()`` has done so; a later one's is in ``revise()``.
        """
        if self._state.adding and self._rendered != self.summary:
            self.render_summary()
        with explained():
            super().save(*args, **kwargs)

    def render_summary(self) -> None:
        """Do the slow part of saving a new event, before a transaction begins."""
        self.summary = self._rendered = markup.normalise(self.summary)
        self.summary_html = markup.render(self.summary)

    def get_absolute_url(self) -> str:
        """Return the path of the reader's page."""
        return reverse("event", args=[self.slug])

    @property
    def is_public(self) -> bool:
        """Whether anyone may read it."""
        return self.status != self.Status.DRAFT

    @property
    def opening_order(self) -> str:
        """``newest`` or ``oldest``: how a page opens when its reader has not chosen."""
        if self.order != self.Order.BY_STATUS:
            return self.order
        return "oldest" if self.status == self.Status.ENDED else "newest"

    @contextmanager
    def change(self) -> "Iterator[Event]":
        """Hold the event's row, as it is now, in one transaction; save it and ring if its revision rose.

        This object takes over the state that was committed. Raises ``ValidationError`` if that can't be true.
        """
        with turn(self.pk), explained(), transaction.atomic():
            locked = Event.objects.select_for_update().get(pk=self.pk)
            before = locked.revision
            yield locked
            if locked.revision > before:
                locked.changed_at = timezone.now()
                locked.save()
                bell.ring_after_commit(locked.pk)
        copy_columns(locked, self)

    def take_revision(self, *, head: bool = False, reload: bool = False) -> int:
        """Take the next revision, inside ``change()``, and say what it changes beside an update."""
        self.revision += 1
        if head:
            self.head_revision = self.revision
        if reload:
            self.reload_revision = self.revision
        return self.revision

    def publish(
        self,
        *,
        author: User,
        body: str = "",
        key: UUID | str | None = None,
        headline: str = "",
        is_key: bool = False,
        byline: str = "",
        published_at: datetime | None = None,
        photos: Iterable[Attachment] = (),
    ) -> "Update":
        """Publish an update and return it; the same ``key`` with the same content returns the first one.

        Raises ``KeyReused`` when the key came with other content, ``ValidationError`` for content
        that can't be published.
        """
        submission = Submission.prepare(
            author=author,
            body=body,
            key=key,
            headline=headline,
            is_key=is_key,
            byline=byline,
            published_at=published_at,
            photos=photos,
        )
        with self.change() as event:
            if earlier := event.updates.filter(key=submission.key).first():
                earlier.check_same(submission)
                return earlier
            shown = event.photos.of(submission.attachments)
            figures = event.photos.describe(submission.attachments)
            return event.create_update(submission, photos=figures, shown=shown)

    def submit(self, *, needs_approval: bool = False, **sent: Any) -> "Update | Waiting":
        """Publish as ``publish()`` does, or put into the queue what needs approval or is ``due_at`` a later time.

        Raises what ``publish()`` raises.
        """
        submission = Submission.prepare(**sent)
        with self.change() as event:
            same_key = Q(key=submission.key)
            if earlier := event.updates.filter(same_key).first() or event.waiting.filter(same_key).first():
                earlier.check_same(submission)
                return earlier
            shown = event.photos.of(submission.attachments)
            figures = event.photos.describe(submission.attachments)
            if needs_approval or is_to_come(submission.due_at):
                return event._create_waiting(submission, photos=figures, shown=shown, needs_approval=needs_approval)
            return event.create_update(submission, photos=figures, shown=shown)

    def has_key(self, key: UUID) -> bool:
        """Whether something was sent under this key already."""
        return self.updates.filter(key=key).exists() or self.waiting.filter(key=key).exists()

    def create_update(
        self, source: "Submission | Waiting", *, photos: list[dict[str, Any]], shown: PhotoQuerySet
    ) -> "Update":
        """Create an update with the next number and bind the photos it shows to it, inside ``change()``."""
        self.last_number += 1
        arrived_at = database_time()
        update = self.updates.create(
            **written_columns(source),
            photos=photos,
            number=self.last_number,
            revision=self.take_revision(head=source.is_key),
            posted_at=arrived_at,
            published_at=source.published_at or self._take_time(arrived_at),
        )
        shown.update(update=update, waiting=None)
        return update

    def _create_waiting(
        self, submission: Submission, *, photos: list[dict[str, Any]], shown: PhotoQuerySet, needs_approval: bool
    ) -> "Waiting":
        waiting = self.waiting.create(
            **written_columns(submission),
            photos=photos,
            published_at=submission.published_at,
            due_at=submission.due_at,
            needs_approval=needs_approval,
        )
        shown.update(waiting=waiting)
        bell.ring_after_commit(self.pk)
        return waiting

    def hold_scheduled(self, *, author_id: int) -> None:
        """Have an editor approve what somebody has scheduled who may no longer post, inside ``change()``."""
        self.waiting.filter(author_id=author_id, rejected_at=None).update(needs_approval=True)

    def _take_time(self, now: datetime) -> datetime:
        """Return ``now``, or the next time after the newest that no author set, so that posts keep their order.

        A clock that ran far ahead would date every later update too; its time is forgotten.
        """
        if self.latest_clock is not None:
            ahead = self.latest_clock - now
            if ahead > CLOCK_AHEAD:
                logger.warning(
                    "The newest time in “%s” is %s ahead of the clock and is forgotten; "
                    "the command misdated names the updates that have such times.",
                    self.slug,
                    ahead,
                )
            else:
                now = max(now, self.latest_clock + timedelta(microseconds=1))
        self.latest_clock = now
        return now

    def add_photo(self, *, uploader: User, key: UUID, file: BinaryIO) -> Photo:
        """Decode an upload, write it anew and keep it under ``key``; the same key again is the same photo.

        Raises ``imaging.PhotoRefused``, and ``ValidationError`` for somebody else's key.
        """
        return Photo.receive(self, uploader=uploader, key=key, file=file)

    def announce(self) -> None:
        """Make a draft public as upcoming."""
        self._become(self.Status.UPCOMING, coming_from=(self.Status.DRAFT,))

    def go_live(self) -> None:
        """Start the coverage."""
        self._become(self.Status.LIVE, coming_from=(self.Status.DRAFT, self.Status.UPCOMING))

    def end(self, *, note: str = "") -> None:
        """End the coverage, with a closing note to readers; updates can still be corrected.

        A note for one that has ended already is added where there is none; raises ``WrongStatus`` where another stands.
        """
        self._become(self.Status.ENDED, coming_from=(self.Status.LIVE,), closing_note=check_note(note))

    def reopen(self) -> None:
        """Go on with a coverage that had ended."""
        self._become(self.Status.LIVE, coming_from=(self.Status.ENDED,))

    def make_draft(self) -> None:
        """Take the event out of public view; open pages say that it is no longer available."""
        self._become(self.Status.DRAFT, coming_from=(self.Status.UPCOMING, self.Status.LIVE, self.Status.ENDED))

    def _become(self, status: Status, *, coming_from: tuple[Status, ...], closing_note: str = "") -> None:
        with self.change() as event:
            if event.status == status:
                event._add_closing_note(closing_note)
                return
            if event.status not in coming_from:
                raise WrongStatus(f"This event is {event.status}; from there it can't become {status}.")
            now = timezone.now()
            event.status = status
            event.ended_at = now if status == self.Status.ENDED else None
            event.closing_note = closing_note
            event.pause_note, event.paused_at = "", None
            if status != self.Status.DRAFT and event.first_public_at is None:
                event.first_public_at = now
            if status == self.Status.LIVE and event.starts_at is None:
                event.starts_at = now
                if event.is_over:  # it was planned to end before it has begun
                    event.ends_at = None
            event.take_revision(head=True)

    def _add_closing_note(self, note: str) -> None:
        """Take over the note of somebody who ends what has ended already, inside ``change()``."""
        if not note or note == self.closing_note:
            return
        if self.closing_note:
            raise WrongStatus("The coverage has ended already, with another closing note. Change that one.")
        self.closing_note = note
        self.take_revision(head=True)

    def pause(self, *, note: str) -> None:
        """Tell readers that the coverage pauses, and until when; raises ``WrongStatus`` unless it is live."""
        note = check_note(note)
        if not note:
            raise ValidationError("Say when you will be back, such as: We will be back at 20:00.")
        with self.change() as event:
            if event.status != self.Status.LIVE:
                raise WrongStatus(f"This event is {event.status}; only a live one can be paused.")
            if event.pause_note != note:
                event.pause_note = note
                event.paused_at = event.paused_at or timezone.now()
                event.take_revision(head=True)

    def resume(self) -> None:
        """End the pause."""
        with self.change() as event:
            if event.pause_note:
                event.pause_note, event.paused_at = "", None
                event.take_revision(head=True)

    def change_closing_note(self, *, note: str) -> None:
        """Replace the closing note of an ended coverage, or take it away."""
        note = check_note(note)
        with self.change() as event:
            if event.status != self.Status.ENDED:
                raise WrongStatus(f"This event is {event.status}; only an ended one has a closing note.")
            if event.closing_note != note:
                event.closing_note = note
                event.take_revision(head=True)

    def reload_readers(self) -> None:
        """Have every open page fetch itself anew, after a release that draws cards differently."""
        with self.change() as event:
            event.take_revision(head=True, reload=True)

    def remove(self) -> None:
        """Delete the event with everything in it, its files too; open pages say that it is no longer available."""
        with without_time_limit(), transaction.atomic():
            event = Event.objects.select_for_update().get(pk=self.pk)
            event.photos.all().erase()
            guests = [one.guest for one in event.invitations.select_related("guest") if one.guest is not None]
            bell.ring_after_commit(event.pk)
            event.delete()
            for guest in guests:
                guest.delete()
