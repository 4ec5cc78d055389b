"""The thing covered: its counter, its lock, and the changes of its head."""

import logging
import secrets
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from liveblog import bell, imaging, markup
from liveblog.models.content import (
    BYLINE_CHARACTERS,
    NOTE_CHARACTERS,
    Attachment,
    check_note,
    prepare_attachments,
)
from liveblog.models.database import database_time, explained, rule, without_time_limit
from liveblog.models.json_fields import Figure, readable
from liveblog.models.people import Invitation, Membership, Role, invite, is_guest
from liveblog.models.place import YEARS
from liveblog.models.submission import Submission, TooMany

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from liveblog.models.photo import Photo
    from liveblog.models.update import Update
    from liveblog.models.waiting import Waiting

logger = logging.getLogger(__name__)

DESCRIPTION_CHARACTERS = 200
RESERVED_SLUGS = {"new", "notes", "share"}
"""Addresses of the desk itself: where events are made, where phones share to, where the worker keeps its notes."""
CLOCK_AHEAD = timedelta(minutes=2)
"""How far the newest time may be ahead of the clock; further, it came from a clock that was wrong."""


class WrongStatus(Exception):
    """The event is in a status from which this step does not lead; ``str()`` says so to an author."""


def new_edition() -> str:
    """Return eight hexadecimal characters that no earlier state of the database had."""
    return secrets.token_hex(4)


def check_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is a zone of the IANA database."""
    if name in {"localtime", "Factory"} or name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Choose one such as Europe/London.")


class EventQuerySet(models.QuerySet["Event"]):
    """Events by who may see them and by where they stand."""

    def public(self) -> Self:
        """Leave drafts out."""
        return self.exclude(status=Event.Status.DRAFT)

    def drafts(self) -> Self:
        """Keep drafts."""
        return self.filter(status=Event.Status.DRAFT)

    def written_by(self, user: "User") -> Self:
        """Keep the events whose desk ``user`` may use."""
        return self if user.is_staff else self.filter(pk__in=Membership.objects.of(user).values("event"))

    def create_with_owner(self, owner: "User", **fields: Any) -> "Event":
        """Make a draft that ``owner`` owns; raises ``ValidationError``, ``markup.TooSlow``."""
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


class Event(models.Model):
    """The thing covered live.

    Each change that a reader can see takes the next ``revision``, under the lock of the event's row,
    which is held until commit: a reader never sees revision n+1 before n.
    """

    class Status(models.TextChoices):
        """Where the coverage stands."""

        DRAFT = "draft"
        UPCOMING = "upcoming"
        LIVE = "live"
        ENDED = "ended"

    class Order(models.TextChoices):
        """In which order a page opens unless its reader says otherwise."""

        BY_STATUS = "auto", "Newest first while live, oldest first once ended"
        NEWEST = "newest", "Newest first"
        OLDEST = "oldest", "Oldest first"

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False, help_text="The same in every installation.")
    title = models.CharField(max_length=150)
    slug = models.SlugField(max_length=80, unique=True, help_text="Part of the address; fixed once published.")
    summary = models.TextField(blank=True, max_length=5_000, help_text="Markdown.")
    summary_html = models.TextField(blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, editable=False)
    first_public_at = models.DateTimeField(null=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    time_zone = models.CharField(max_length=50, default="UTC", validators=[check_time_zone])
    language = models.CharField(max_length=10, default="en", help_text="Such as en, de or pt-br.")
    order = models.CharField(max_length=6, choices=Order, default=Order.BY_STATUS)
    authors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="liveblog.Membership", related_name="events", blank=True
    )
    contributors_wait = models.BooleanField("contributors’ posts wait for approval", default=True)
    embed_sites = models.JSONField(default=list, blank=True, help_text="Origins that may frame it; none: every one.")
    cover = models.JSONField(null=True, editable=False)
    pause_note = models.CharField(max_length=NOTE_CHARACTERS, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    closing_note = models.CharField(max_length=NOTE_CHARACTERS, blank=True, editable=False)

    edition = models.CharField(max_length=8, default=new_edition, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    head_revision = models.PositiveBigIntegerField(default=0, editable=False)
    reload_revision = models.PositiveBigIntegerField(default=0, editable=False)
    last_number = models.PositiveIntegerField(default=0, editable=False)
    pinned_number = models.PositiveIntegerField(null=True, editable=False)
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

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; raises ``ValidationError`` for what can't be true of an event.

        A new event's summary is rendered, unless ``render_summary()`` has done so; a later one's is in ``revise()``.
        """
        if self._state.adding and self._rendered != self.summary:
            self.render_summary()
        with explained():
            super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the path of the reader's page."""
        return reverse("event", args=[self.slug])

    def clean(self) -> None:
        """Refuse a title that nobody can see, and a start or an end that not every time zone can show."""
        if self.title and not markup.is_visible(self.title):
            raise ValidationError({"title": "Readers could not see this title: it has no visible character."})
        for name in ("starts_at", "ends_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.year not in YEARS:
                raise ValidationError({name: f"The year {moment.year} is out of reach."})

    def render_summary(self) -> None:
        """Do what is slow about saving a new event, before a transaction begins; raises ``markup.TooSlow``."""
        self.summary = self._rendered = markup.normalise(self.summary)
        self.summary_html = markup.render(self.summary)

    @property
    def is_public(self) -> bool:
        """Whether anyone may read it."""
        return self.status != self.Status.DRAFT

    @property
    def is_due(self) -> bool:
        """Whether the time it was to start at has come."""
        return self.starts_at is not None and self.starts_at <= timezone.now()

    @property
    def is_over(self) -> bool:
        """Whether the time it was to end at has passed."""
        return self.ends_at is not None and self.ends_at <= timezone.now()

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The event's own time zone, or UTC where this machine does not know it."""
        return _find_zone(self.time_zone)

    @property
    def readable_cover(self) -> list[Figure]:
        """The photo on top of its page, if there is one and it can be read."""
        return readable([self.cover], Figure.read)

    @property
    def opening_order(self) -> str:
        """``newest`` or ``oldest``: how a page opens when its reader has not chosen."""
        if self.order != self.Order.BY_STATUS:
            return self.order
        return "oldest" if self.status == self.Status.ENDED else "newest"

    @property
    def description(self) -> str:
        """What it is about, in plain text on one line, for those who show a link to it."""
        return markup.shorten(markup.plain(self.summary_html) or self.title, characters=DESCRIPTION_CHARACTERS)

    @contextmanager
    def change(self) -> "Iterator[Event]":
        """Hold the event's row, as it is now, in one transaction; save it and ring if its revision rose.

        This object takes over the state that was committed. Raises ``ValidationError`` if that can't be true.
        """
        with explained(), transaction.atomic():
            locked = Event.objects.select_for_update().get(pk=self.pk)
            before = locked.revision
            yield locked
            if locked.revision > before:
                locked.changed_at = timezone.now()
                locked.save()
                bell.ring_after_commit(locked.pk)
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(locked, field.attname))

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
        author: "User",
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
        that can't be published, ``markup.TooSlow``.
        """
        submission = Submission.prepare(
            author=author,
            key=key,
            byline=byline,
            photos=photos,
            headline=headline,
            body=body,
            is_key=is_key,
            published_at=published_at,
        )
        with self.change() as event:
            return submission.published(event) or submission.publish(event)

    def submit(
        self, *, needs_approval: bool = False, posts_a_minute: int | None = None, **sent: Any
    ) -> "Update | Waiting":
        """Publish as ``publish()`` does, or put into the queue what needs approval or is ``due_at`` a later time.

        Raises what ``publish()`` raises, and ``TooMany``.
        """
        submission = Submission.prepare(**sent)
        with self.change() as event:
            if earlier := submission.published(event) or submission.waiting(event):
                return earlier
            if posts_a_minute is not None:
                submission.check_pace(event, posts_a_minute=posts_a_minute)
            if needs_approval or submission.is_early:
                return submission.hold(event, needs_approval=needs_approval)
            return submission.publish(event)

    def add_photo(self, *, uploader: "User", key: UUID, file: BinaryIO, photos_a_minute: int | None = None) -> "Photo":
        """Decode an upload, write it anew and keep it under ``key``; the same key again is the same photo.

        Raises ``imaging.Refused``, ``TooMany``, and ``ValidationError`` for somebody else's key.
        """
        earlier = self.photos.filter(key=key).first()
        if earlier is None:
            since = timezone.now() - timedelta(minutes=1)
            recent = self.photos.filter(uploader=uploader, arrived_at__gt=since)
            if photos_a_minute is not None and recent.count() >= photos_a_minute:
                raise TooMany(60)
            stored = imaging.store(file, photo_folder())
            try:
                with transaction.atomic():
                    return self.photos.create(
                        key=key,
                        uploader=uploader,
                        name=stored.name,
                        width=stored.width,
                        height=stored.height,
                        widths=stored.widths,
                    )
            except BaseException as error:
                imaging.remove(photo_folder(), stored.name)
                if not isinstance(error, IntegrityError):
                    raise
            earlier = self.photos.get(key=key)
        if earlier.uploader_id != uploader.pk:
            raise ValidationError("This key is somebody else’s.")
        return earlier

    def put(self, *, published_at: datetime | None, byline: str, is_key: bool, **fields: Any) -> "Update":
        """Create an update with the next number, inside ``change()``."""
        self.last_number += 1
        arrived_at = database_time()
        return self.updates.create(
            number=self.last_number,
            revision=self.take_revision(head=is_key),
            byline=byline[:BYLINE_CHARACTERS],
            is_key=is_key,
            posted_at=arrived_at,
            published_at=published_at or self.tick(arrived_at),
            **fields,
        )

    def take_photos(
        self, attachments: "Iterable[Attachment]", *, update: "Update | None" = None, waiting: "Waiting | None" = None
    ) -> list[dict[str, Any]]:
        """Return what an update keeps of its photos; raises ``ValidationError`` for one that isn't here to be had."""
        wanted = list(attachments)
        free = Q(update=None, waiting=None, is_cover=False)
        if update or waiting:
            free |= Q(update=update, waiting=waiting)
        found = self.photos.filter(free, key__in=[photo.key for photo in wanted]) if wanted else ()
        rows = {photo.key: photo for photo in found}
        if missing := [photo for photo in wanted if photo.key not in rows]:
            count = len(missing)
            raise ValidationError({"photos": f"{count} photo{'s have' if count > 1 else ' has'} not arrived here."})
        return [rows[photo.key].described(photo.alt) for photo in wanted]

    def bind_photos(self, photos: list[dict[str, Any]], **owner: Any) -> None:
        """Make photos those of the update, or of what waits, that was made with them."""
        if photos:
            self.photos.filter(name__in=[photo["name"] for photo in photos]).update(**owner)

    def tick(self, moment: datetime) -> datetime:
        """Return ``moment``, or the next later than any that no author set: clocks that differ a little keep the order.

        One that ran far ahead would date every later update too; its time is forgotten.
        """
        if self.latest_clock is not None:
            ahead = self.latest_clock - moment
            if ahead > CLOCK_AHEAD:
                logger.warning(
                    "The newest time in “%s” is %s ahead of the clock and is forgotten; "
                    "manage.py misdated names the updates that have such times.",
                    self.slug,
                    ahead,
                )
            else:
                moment = max(moment, self.latest_clock + timedelta(microseconds=1))
        self.latest_clock = moment
        return moment

    def pin(self, *, update: "Update") -> None:
        """Show ``update`` on top of the page; the one shown before makes room for it."""
        with self.change() as event:
            if event.updates.get(pk=update.pk).withdrawn_at:
                raise ValidationError("A withdrawn update can't be pinned. Restore it first.")
            if event.pinned_number != update.number:
                event.pinned_number = update.number
                event.take_revision(head=True)

    def unpin(self) -> None:
        """Show no update on top of the page."""
        with self.change() as event:
            if event.pinned_number is not None:
                event.pinned_number = None
                event.take_revision(head=True)

    def revise(self, **changes: Any) -> None:
        """Change title, slug, summary, starts_at, ends_at, time_zone, language or order.

        ``contributors_wait`` and ``embed_sites`` too. Raises ``ValidationError``, also for a new slug once the event
        has been public.
        """
        if unknown := changes.keys() - _REVISABLE:
            raise TypeError(f"revise() can't change {', '.join(sorted(unknown))}")
        if "summary" in changes:
            changes["summary"] = markup.normalise(changes["summary"])
            changes["summary_html"] = markup.render(changes["summary"])
        with self.change() as event:
            changed = {name for name, value in changes.items() if getattr(event, name) != value}
            if not changed:
                return
            if "slug" in changed and event.first_public_at is not None:
                raise ValidationError({"slug": "The address is fixed since the event was first published."})
            for name in changed:
                setattr(event, name, changes[name])
            event.full_clean()
            if changed <= {"contributors_wait", "embed_sites"}:  # no reader can see it
                event.save()
                return
            event.take_revision(head=True, reload=bool(changed & {"time_zone", "language"}))

    def announce(self) -> None:
        """Make a draft public as upcoming."""
        self._become(self.Status.UPCOMING, coming_from=(self.Status.DRAFT,))

    def go_live(self) -> None:
        """Start the coverage."""
        self._become(self.Status.LIVE, coming_from=(self.Status.DRAFT, self.Status.UPCOMING))

    def end(self, *, note: str = "") -> None:
        """End the coverage, with a last word to readers; what is wrong in it can still be put right."""
        self._become(self.Status.ENDED, coming_from=(self.Status.LIVE,), closing_note=check_note(note))

    def change_closing_note(self, *, note: str) -> None:
        """Put another last word in place of the one that an ended coverage has, or none."""
        note = check_note(note)
        with self.change() as event:
            if event.status != self.Status.ENDED:
                raise WrongStatus(f"This event is {event.status}; only an ended one has a closing note.")
            if event.closing_note != note:
                event.closing_note = note
                event.take_revision(head=True)

    def pause(self, *, note: str) -> None:
        """Tell readers that the coverage rests, and until when; raises ``WrongStatus`` unless it is live."""
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
        """Take the note of a pause away."""
        with self.change() as event:
            if event.pause_note:
                event.pause_note, event.paused_at = "", None
                event.take_revision(head=True)

    def set_cover(self, *, attachment: Attachment | None) -> None:
        """Show a photo that was uploaded on top of the page, or none; another one there before is erased.

        The one that is there can be given again with other words.
        """
        attachments = prepare_attachments([attachment] if attachment else [])
        with self.change() as event:
            covers = event.photos.filter(is_cover=True)
            described = None
            for key, alt in attachments:
                present = covers.filter(key=key).first()
                described = present.described(alt) if present else event.take_photos(attachments)[0]
            if described == event.cover:
                return
            name = described["name"] if described else ""
            covers.exclude(name=name).erase()
            event.photos.filter(name=name).update(is_cover=True)
            event.cover = described
            event.take_revision(head=True)

    def remove(self) -> None:
        """Delete the event with everything in it, its files too; open pages say that it is no longer available."""
        with without_time_limit(), transaction.atomic():
            event = Event.objects.select_for_update().get(pk=self.pk)
            event.photos.all().erase()
            guests = [invitation.guest for invitation in event.invitations.select_related("guest")]
            bell.ring_after_commit(event.pk)
            event.delete()
            for guest in guests:
                guest.delete()

    def reopen(self) -> None:
        """Go on with a coverage that had ended."""
        self._become(self.Status.LIVE, coming_from=(self.Status.ENDED,))

    def make_draft(self) -> None:
        """Take the event out of public view; open pages say that it is no longer available."""
        self._become(self.Status.DRAFT, coming_from=(self.Status.UPCOMING, self.Status.LIVE, self.Status.ENDED))

    def reload_readers(self) -> None:
        """Have every open page fetch itself anew, after a release that draws cards differently."""
        with self.change() as event:
            event.take_revision(head=True, reload=True)

    def _become(self, status: Status, *, coming_from: tuple[Status, ...], closing_note: str = "") -> None:
        with self.change() as event:
            if event.status == status:
                return
            if event.status not in coming_from:
                raise WrongStatus(f"This event is {event.status}; from there it can't become {status}.")
            moment = timezone.now()
            event.status = status
            event.ended_at = moment if status == self.Status.ENDED else None
            event.closing_note = closing_note
            event.pause_note, event.paused_at = "", None
            if status != self.Status.DRAFT and event.first_public_at is None:
                event.first_public_at = moment
            if status == self.Status.LIVE and event.starts_at is None:
                event.starts_at = moment
                if event.is_over:  # it was planned to end before it has begun
                    event.ends_at = None
            event.take_revision(head=True)

    def role_of(self, user: "User") -> Role | None:
        """Return what ``user`` may do here now; staff may do everything."""
        if user.is_staff:
            return Role.OWNER
        found = self.memberships.of(user).values_list("role", flat=True).first()
        return Role(found) if found else None

    def appoint(self, *, user: "User", role: Role) -> None:
        """Give ``user`` a role; raises ``ValidationError`` for a guest, and where no owner would be left."""
        if is_guest(user):
            raise ValidationError("This is a guest’s name, which an invitation made. Guests stay what they are.")
        with self.change() as event:
            Membership.objects.update_or_create(event=event, user=user, defaults={"role": role})
            event._check_owned()

    def dismiss(self, *, user: "User") -> None:
        """Take ``user`` off the event; what they wrote stays theirs."""
        with self.change() as event:
            event.memberships.filter(user=user).delete()
            event._check_owned()

    def invite(self, *, name: str, made_by: "User", expires_at: datetime | None = None) -> tuple[Invitation, str]:
        """Make a link for a volunteer of this name; return the invitation and its token, never to be seen again."""
        name = markup.one_line(name)
        if not name or len(name) > BYLINE_CHARACTERS:
            raise ValidationError({"name": f"Give a name of at most {BYLINE_CHARACTERS} characters: readers see it."})
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError({"expires_at": "This time has passed."})
        with self.change() as event:
            return invite(event, name=name, made_by=made_by, expires_at=expires_at)

    def _check_owned(self) -> None:
        if not self.memberships.filter(role=Role.OWNER, user__is_active=True).exists():
            raise ValidationError("An event keeps an owner. Make somebody else one first.")


@lru_cache
def _find_zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, IsADirectoryError) as error:  # "Mars/Olympus", "../Rome", "Europe"
        logger.error(
            "%r is no time zone here (%s): times of its events are shown in UTC. Choose another in their settings, or "
            "update the tzdata package, restart, and bring open pages up to date with manage.py reload_readers.",
            name,
            error,
        )
        return zoneinfo.ZoneInfo("UTC")


def photo_folder() -> Path:
    """Return where the files of photos are."""
    return Path(settings.MEDIA_ROOT) / "photos"


_REVISABLE = {
    "title", "slug", "summary", "starts_at", "ends_at", "time_zone", "language", "order", "contributors_wait",
    "embed_sites",
}  # fmt: skip
