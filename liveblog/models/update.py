"""One post in an event: what may stand in it, and how it changes."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import (
    BODY_CHARACTERS,
    BYLINE_CHARACTERS,
    HEADLINE_CHARACTERS,
    check_content,
    check_time,
)
from liveblog.models.event import Event
from liveblog.models.place import Place, written_time

TITLE_CHARACTERS = 100
EXCERPT_CHARACTERS = 180
FOLDED_CHARACTERS = 400
UNMARKED_EDIT = timedelta(minutes=2)
"""An edit this soon after posting reaches readers without an "edited" mark."""


class UpdateQuerySet(models.QuerySet["Update"]):
    """Updates by place."""

    def visible(self) -> Self:
        """Leave withdrawn ones out."""
        return self.filter(withdrawn_at=None)

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
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="Of what was first sent under the key.")

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="updates")
    byline = models.CharField(max_length=BYLINE_CHARACTERS)
    headline = models.CharField(max_length=HEADLINE_CHARACTERS, blank=True)
    body = models.TextField(blank=True, max_length=BODY_CHARACTERS)
    body_html = models.TextField(blank=True)
    body_text = models.TextField(blank=True)
    is_key = models.BooleanField("key moment", default=False)

    posted_at = models.DateTimeField(default=timezone.now, help_text="When it arrived here.")
    published_at = models.DateTimeField(help_text="Where it stands in the stream.")
    edited_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = UpdateQuerySet.as_manager()

    class Meta:
        ordering = ("event", "published_at", "number")
        constraints = (
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
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the path of the update's own page."""
        return reverse("update", args=[self.event.slug, self.number])

    @property
    def place(self) -> Place:
        """Where it stands in the stream."""
        return Place(self.published_at, self.number)

    @property
    def title(self) -> str:
        """The headline, or the first words."""
        return self.headline or markup.shorten(self.body_text, characters=TITLE_CHARACTERS)

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
    def is_pinned(self) -> bool:
        """Whether the event shows it on top of its page."""
        return self.event.pinned_number == self.number

    def edit(self, *, body: str | None = None, headline: str | None = None, is_key: bool | None = None) -> None:
        """Change what is given; an edit that changes nothing takes no revision.

        Raises ``ValidationError``, ``markup.TooSlow``.
        """
        changes: dict[str, Any] = {}
        if headline is not None:
            changes["headline"] = markup.normalise(headline)
        if body is not None:
            changes["body"] = markup.normalise(body)
            check_content(headline=changes.get("headline", self.headline), body=changes["body"])
            changes["body_html"] = markup.render(changes["body"])
            changes["body_text"] = markup.plain(changes["body_html"])
        if is_key is not None:
            changes["is_key"] = is_key
        self._change(**changes)

    def mark_key(self, *, is_key: bool = True) -> None:
        """Count it among the key moments, or no longer."""
        self._change(is_key=is_key)

    def move(self, *, published_at: datetime) -> None:
        """Give it another time, and so another place in the stream."""
        check_time(published_at)
        self._change(published_at=published_at)

    def withdraw(self) -> None:
        """Take it from the readers; what remains for them is a mark that it is gone."""
        self._change(withdrawn_at=timezone.now())

    def restore(self) -> None:
        """Give a withdrawn update back to the readers."""
        self._change(withdrawn_at=None)

    def _change(self, **changes: Any) -> None:
        with self.event.change() as event:
            update = event.updates.get(pk=self.pk)
            changed = {name for name, value in changes.items() if getattr(update, name) != value}
            if "withdrawn_at" in changed and changes["withdrawn_at"] and update.withdrawn_at:
                changed.clear()  # it was withdrawn already
            if changed:
                if update.withdrawn_at and "withdrawn_at" not in changed:
                    raise ValidationError("This update was withdrawn. Restore it before you change it.")
                touches_head = update.is_key or event.pinned_number == update.number
                for name in changed:
                    setattr(update, name, changes[name])
                check_content(headline=update.headline, body=update.body)
                if changed & {"headline", "body"} and timezone.now() - update.posted_at > UNMARKED_EDIT:
                    update.edited_at = timezone.now()
                update.revision = event.take_revision(head=touches_head or update.is_key)
                update.save()
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(update, field.attname))
