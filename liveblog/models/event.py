"""The thing covered: its counter, its lock, and the changes of its head."""

import secrets
import uuid
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from liveblog import bell, markup
from liveblog.models.content import BYLINE_CHARACTERS, KeyReused, check_content, check_time, digest_of
from liveblog.models.place import YEARS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from liveblog.models.update import Update


DESCRIPTION_CHARACTERS = 200


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

    def written_by(self, user: "User") -> Self:
        """Keep the events whose desk ``user`` may use."""
        return self if user.is_staff else self.filter(authors=user)

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
    authors = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="events", blank=True)

    edition = models.CharField(max_length=8, default=new_edition, editable=False)
    revision = models.PositiveBigIntegerField(default=0, editable=False)
    head_revision = models.PositiveBigIntegerField(default=0, editable=False)
    reload_revision = models.PositiveBigIntegerField(default=0, editable=False)
    last_number = models.PositiveIntegerField(default=0, editable=False)
    pinned_number = models.PositiveIntegerField(null=True, editable=False)
    latest_clock = models.DateTimeField(null=True, editable=False, help_text="The newest time that no author set.")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_at", "-pk")
        indexes = (models.Index(fields=("status", "starts_at"), name="event_status_starts"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="event_ends_after_it_starts",
                violation_error_message="The end must be later than the start.",
            ),
        )

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new event's summary is rendered here, a later one's in ``revise()``."""
        if self._state.adding:
            self.summary = markup.normalise(self.summary)
            self.summary_html = markup.render(self.summary)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the path of the reader's page."""
        return reverse("event", args=[self.slug])

    def clean(self) -> None:
        """Refuse a start or an end that not every time zone can show."""
        for name in ("starts_at", "ends_at"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.year not in YEARS:
                raise ValidationError({name: f"The year {moment.year} is out of reach."})

    @property
    def is_public(self) -> bool:
        """Whether anyone may read it."""
        return self.status != self.Status.DRAFT

    @property
    def is_due(self) -> bool:
        """Whether the time it was to start at has come."""
        return self.starts_at is not None and self.starts_at <= timezone.now()

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The event's own time zone."""
        return zoneinfo.ZoneInfo(self.time_zone)

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

        This object takes over the state that was committed.
        """
        with transaction.atomic():
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
        key: uuid.UUID | str | None = None,
        headline: str = "",
        is_key: bool = False,
        byline: str = "",
        published_at: datetime | None = None,
    ) -> "Update":
        """Publish an update and return it; the same ``key`` with the same content returns the first one.

        Raises ``KeyReused`` when the key came with other content, ``ValidationError`` for content
        that can't be published, ``markup.TooSlow``.
        """
        key = uuid.UUID(str(key)) if key else uuid.uuid4()
        headline, body = markup.normalise(headline), markup.normalise(body)
        check_content(headline=headline, body=body)
        check_time(published_at)
        digest = digest_of(headline, body, is_key, published_at)
        body_html = markup.render(body)
        with self.change() as event:
            earlier = event.updates.filter(key=key).first()
            if earlier is not None:
                if earlier.digest != digest:
                    raise KeyReused(earlier)
                return earlier
            event.last_number += 1
            return event.updates.create(
                number=event.last_number,
                revision=event.take_revision(head=is_key),
                key=key,
                digest=digest,
                author=author,
                byline=(byline or author.get_full_name() or author.get_username())[:BYLINE_CHARACTERS],
                headline=headline,
                body=body,
                body_html=body_html,
                body_text=markup.plain(body_html),
                is_key=is_key,
                published_at=published_at or event.tick(),
            )

    def tick(self) -> datetime:
        """Return a time later than any that no author set, whatever the clocks say."""
        now = timezone.now()
        if self.latest_clock is not None:
            now = max(now, self.latest_clock + timedelta(microseconds=1))
        self.latest_clock = now
        return now

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

        Raises ``ValidationError``, also for a new slug once the event has been public.
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
            event.take_revision(head=True, reload=bool(changed & {"time_zone", "language"}))

    def announce(self) -> None:
        """Make a draft public as upcoming."""
        self._become(self.Status.UPCOMING, coming_from=(self.Status.DRAFT,))

    def go_live(self) -> None:
        """Start the coverage."""
        self._become(self.Status.LIVE, coming_from=(self.Status.DRAFT, self.Status.UPCOMING))

    def end(self) -> None:
        """End the coverage; what is wrong in it can still be put right."""
        self._become(self.Status.ENDED, coming_from=(self.Status.LIVE,))

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

    def _become(self, status: Status, *, coming_from: tuple[Status, ...]) -> None:
        with self.change() as event:
            if event.status == status:
                return
            if event.status not in coming_from:
                raise WrongStatus(f"This event is {event.status}; from there it can't become {status}.")
            now = timezone.now()
            event.status = status
            event.ended_at = now if status == self.Status.ENDED else None
            if status != self.Status.DRAFT and event.first_public_at is None:
                event.first_public_at = now
            if status == self.Status.LIVE and event.starts_at is None:
                event.starts_at = now
            event.take_revision(head=True)


_REVISABLE = {"title", "slug", "summary", "starts_at", "ends_at", "time_zone", "language", "order"}
