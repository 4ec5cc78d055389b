"""What isn't public yet: scheduled for later, or waiting for an editor's word."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from liveblog import bell, markup
from liveblog.models.content import (
    BODY_CHARACTERS,
    BYLINE_CHARACTERS,
    HEADLINE_CHARACTERS,
    NOTE_CHARACTERS,
    Attachment,
    Content,
    check_note,
)
from liveblog.models.event import Event
from liveblog.models.update import Overtaken, Update

TITLE_CHARACTERS = 100


class WaitingQuerySet(models.QuerySet["Waiting"]):
    """What waits, by what for."""

    def open(self) -> Self:
        """Leave out what was rejected."""
        return self.filter(rejected_at=None)

    def for_approval(self) -> Self:
        """Keep what needs an editor."""
        return self.open().filter(needs_approval=True)

    def due(self) -> Self:
        """Keep what is to be published by now."""
        return self.open().filter(needs_approval=False, due_at__lte=timezone.now())


class Waiting(models.Model):
    """An update that no reader can see yet. Once published the row is gone; a rejected one stays for its author."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="waiting")
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="Of what was first sent under the key.")
    version = models.PositiveIntegerField(default=1)

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waiting")
    byline = models.CharField(max_length=BYLINE_CHARACTERS)
    headline = models.CharField(max_length=HEADLINE_CHARACTERS, blank=True)
    body = models.TextField(blank=True, max_length=BODY_CHARACTERS)
    body_html = models.TextField(blank=True)
    body_text = models.TextField(blank=True)
    photos = models.JSONField(default=list, blank=True)
    is_key = models.BooleanField("key moment", default=False)
    published_at = models.DateTimeField(null=True, help_text="The time its author set, in the past.")

    needs_approval = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, help_text="When it is to be published.")
    submitted_at = models.DateTimeField(default=timezone.now)
    rejected_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=NOTE_CHARACTERS, blank=True)

    objects = WaitingQuerySet.as_manager()

    class Meta:
        ordering = ("submitted_at", "pk")
        constraints = (models.UniqueConstraint(fields=("event", "key"), name="waiting_key_once"),)
        indexes = (
            models.Index(fields=("due_at",), condition=Q(needs_approval=False, rejected_at=None), name="waiting_due"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The headline, or the first words."""
        return self.headline or markup.shorten(self.body_text, characters=TITLE_CHARACTERS) or "Photo"

    @property
    def is_early(self) -> bool:
        """Whether its time has yet to come."""
        return self.due_at is not None and self.due_at > timezone.now()

    def publish(self, *, version: int | None = None) -> Update:
        """Publish it, once however many try; it gets the time it comes, unless its author set one in the past.

        Raises ``Overtaken`` if it is no longer the version given, so that nobody approves what they have not seen.
        """
        with self.event.change() as event:
            return self._publish(event, version)

    def publish_if_due(self) -> Update | None:
        """Publish it as above if that is still wanted now; ``None`` if not, or if another process was first."""
        with self.event.change() as event:
            return self._publish(event) if event.waiting.due().filter(pk=self.pk).exists() else None

    def _publish(self, event: Event, version: int | None = None) -> Update:
        waiting = event.waiting.filter(pk=self.pk).first()
        published = event.updates.filter(key=self.key).first()
        if published is None:
            if waiting is None or waiting.rejected_at:
                raise ValidationError("This was rejected meanwhile.")
            waiting._check_version(version)
            rows = list(waiting.photo_rows.all())
            published = event.put(
                key=waiting.key,
                digest=waiting.digest,
                author=waiting.author,
                byline=waiting.byline,
                headline=waiting.headline,
                body=waiting.body,
                body_html=waiting.body_html,
                body_text=waiting.body_text,
                photos=waiting.photos,
                is_key=waiting.is_key,
                published_at=waiting.published_at,
            )
            event.photos.filter(pk__in=[row.pk for row in rows]).update(update=published, waiting=None)
        if waiting is not None:
            waiting.delete()
        return published

    def approve(self, *, version: int | None = None) -> Update | None:
        """Let it be published: now, or when it is due (then ``None`` is returned); raises ``Overtaken`` as above."""
        with self.event.change() as event:
            waiting = event.waiting.filter(pk=self.pk).first()
            if waiting is not None and waiting.rejected_at is None and waiting.is_early:
                waiting._check_version(version)
                waiting.needs_approval = False
                waiting.save(update_fields=["needs_approval"])
                bell.ring_after_commit(event.pk)
                return None
        return self.publish(version=version)

    def reject(self, *, reason: str = "") -> None:
        """Don't publish it; its author sees it with the reason, and can send it anew."""
        reason = check_note(reason)
        self._change(rejected_at=timezone.now(), reason=reason)

    def edit(
        self,
        *,
        headline: str,
        body: str,
        attachments: list[Attachment] | None = None,
        due_at: datetime | None = None,
        needs_approval: bool = False,
        version: int | None = None,
    ) -> None:
        """Change what will be published; raises ``Overtaken`` if it is no longer the version given.

        ``needs_approval`` asks for an editor's word once more: what was approved was another text.
        """
        shown = attachments if attachments is not None else [Attachment(row.key) for row in self.photo_rows.all()]
        content = Content.prepare(headline=headline, body=body, attachments=shown)
        changes: dict[str, Any] = {
            "headline": content.headline,
            "body": content.body,
            "body_html": content.body_html,
            "body_text": content.body_text,
            "due_at": due_at,
        }
        self._change(version=version, attachments=attachments, asks_again=needs_approval, **changes)

    def erase(self) -> None:
        """Erase text and photos wherever this service keeps them; the key stays, so that it can't come again."""
        with self.event.change() as event:
            event.waiting.filter(pk=self.pk).update(
                headline="",
                body="",
                body_html="",
                body_text="",
                reason="",
                photos=[],
                digest="",
                rejected_at=timezone.now(),
            )
            self.photo_rows.all().erase()
            bell.ring_after_commit(event.pk)
        self.refresh_from_db()

    def _check_version(self, version: int | None) -> None:
        if version is not None and version != self.version:
            raise Overtaken(self)

    def _change(
        self,
        *,
        version: int | None = None,
        attachments: list[Attachment] | None = None,
        asks_again: bool = False,
        **changes: Any,
    ) -> None:
        with self.event.change() as event:
            waiting = event.waiting.filter(pk=self.pk).first()
            if waiting is None or waiting.rejected_at:
                raise ValidationError("It no longer waits: it was published, rejected or taken back meanwhile.")
            if attachments is not None:
                changes["photos"] = event.take_photos(attachments, waiting=waiting)
            changed = [name for name, value in changes.items() if getattr(waiting, name) != value]
            if changed:
                waiting._check_version(version)
                waiting.needs_approval |= asks_again
                for name in changed:
                    setattr(waiting, name, changes[name])
                waiting.version += 1
                waiting.save()
                bell.ring_after_commit(event.pk)
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(waiting, field.attname))
