"""What isn't public yet: scheduled for later, or waiting for an editor's approval."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from liveblog import bell
from liveblog.models.content import (
    NOTE_CHARACTERS,
    Attachment,
    check_note,
    check_past_time,
    prepare_attachments,
    render_text,
)
from liveblog.models.database import is_to_come, rule
from liveblog.models.event import Event
from liveblog.models.post import Overtaken, Post
from liveblog.models.update import Update

EDIT = "edit"
"""The digest of what came under no key of its own, because it is an edit."""


class WaitingQuerySet(models.QuerySet["Waiting"]):
    """Waiting updates by what they wait for."""

    def open(self) -> Self:
        """Leave out rejected ones."""
        return self.filter(rejected_at=None)

    def for_approval(self) -> Self:
        """Keep those that need an editor's approval."""
        return self.open().filter(needs_approval=True)

    def due(self) -> Self:
        """Keep those to be published by now, by the database's time."""
        return self.open().filter(needs_approval=False, due_at__lte=Now())

    def in_turn(self) -> Self:
        """Put those that need approval first, then order by when they are due or were sent."""
        return self.order_by("-needs_approval", Coalesce("due_at", "submitted_at"), "pk")


class Waiting(Post):
    """An update that no reader can see yet; publishing deletes the row, a rejected one stays for its author."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="waiting")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waiting")
    published_at = models.DateTimeField(null=True, help_text="The time its author set, in the past.")
    update = models.ForeignKey(
        Update, on_delete=models.CASCADE, null=True, related_name="edits", help_text="What it is an edit of."
    )
    seen_revision = models.PositiveBigIntegerField(null=True, help_text="Of that update, when the edit was written.")

    needs_approval = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True, help_text="When it is to be published.")
    submitted_at = models.DateTimeField(default=timezone.now)
    rejected_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=NOTE_CHARACTERS, blank=True)

    objects = WaitingQuerySet.as_manager()

    class Meta:
        ordering = ("submitted_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("event", "key"), name="waiting_key_once"),
            rule(
                "waiting_due_at",
                Q(needs_approval=True) | Q(due_at__isnull=False) | Q(rejected_at__isnull=False),
                field="due_at",
                message="It waits for approval or for a time.",
            ),
            rule(
                "waiting_reason",
                Q(reason="") | Q(rejected_at__isnull=False),
                field="reason",
                message="Only what was rejected has a reason for it.",
            ),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=Q(needs_approval=False, rejected_at=None), name="waiting_due"),
            # The queue's order.
            models.Index(
                F("event"),
                F("needs_approval").desc(),
                Coalesce("due_at", "submitted_at"),
                F("id"),
                condition=Q(rejected_at=None),
                name="waiting_queue",
            ),
            models.Index(
                fields=("event", "author", "rejected_at", "id"),
                condition=Q(rejected_at__isnull=False),
                name="waiting_rejected",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The headline, the first words, or that it is a photo."""
        return self.headline_or_beginning or "Photo"

    @property
    def is_early(self) -> bool:
        """Whether its time has yet to come."""
        return self.due_at is not None and self.due_at > timezone.now()

    @classmethod
    def propose(
        cls,
        update: Update,
        *,
        author: User,
        headline: str,
        body: str,
        photos: Iterable[Attachment] | None = None,
        revision: int | None = None,
        version: int | None = None,
    ) -> "Waiting | None":
        """Put an edit of a published update into the queue: readers keep what was approved. One for each waits.

        ``version`` is that of the one that waits already, as its author had it. Return ``None`` if it changes nothing.
        Raises ``Overtaken`` for either, and ``ValidationError`` as ``Update.edit()`` does.
        """
        attachments = None if photos is None else prepare_attachments(photos)
        changes: dict[str, Any] = render_text(
            headline=headline, body=body, photos=update.photos if attachments is None else attachments
        )
        with update.event.change() as event:
            present = event.updates.get(pk=update.pk)
            present.check_changeable(revision)
            if attachments is not None:
                check_own_photos(event, present, attachments)
            changes["photos"] = (
                present.photos if attachments is None else event.photos.describe(attachments, update=present)
            )
            waiting = event.waiting.filter(update=present, rejected_at=None).first()
            if waiting is not None and version is not None:
                waiting._check_version(version)
            shown = waiting or present
            if all(getattr(shown, name) == changes[name] for name in ("headline", "body", "photos")):
                return waiting
            if waiting is None:
                waiting = cls(event=event, update=present, author=author, byline=present.byline)
                waiting.digest, waiting.is_key = EDIT, present.is_key
            else:
                waiting.version += 1
            for name, value in changes.items():
                setattr(waiting, name, value)
            waiting.needs_approval = True
            waiting.seen_revision = present.revision if revision is None else revision
            waiting.save()
            bell.ring_after_commit(event.pk)
        return waiting

    def publish(self, *, version: int | None = None) -> Update:
        """Publish it and return the update; if somebody else has published it, return theirs.

        Raises ``Overtaken`` if it is no longer the version given, so that nobody approves what they have not seen.
        """
        with self.event.change() as event:
            return self._publish(event, version)

    def publish_if_due(self) -> Update | None:
        """Publish it if it is still due; return ``None`` if not, or if another process was first."""
        with self.event.change() as event:
            return self._publish(event) if event.waiting.due().filter(pk=self.pk).exists() else None

    def _publish(self, event: Event, version: int | None = None) -> Update:
        waiting = event.waiting.filter(pk=self.pk).first()
        published = event.updates.filter(key=self.key).first()
        if published is None:
            if waiting is None or waiting.rejected_at:
                raise ValidationError("This was rejected meanwhile.")
            waiting._check_version(version)
            if waiting.update_id is not None:
                published = waiting._apply_to(event.updates.get(pk=waiting.update_id), event)
            else:
                published = event.create_update(waiting, photos=waiting.photos, shown=waiting.photo_rows.all())
        if waiting is not None:
            waiting.delete()
        return published

    def _apply_to(self, update: Update, event: Event) -> Update:
        """Make the update say what this edit says, in its author's name."""
        if self.seen_revision is not None and update.content_revision > self.seen_revision:
            raise ValidationError(
                f"Update {update.number} was changed after this edit was written. Edit this once more, and save it."
            )
        names = ("headline", "body", "body_html", "body_text", "photos")
        update.apply(event, editor=self.author, **{name: getattr(self, name) for name in names})
        return update

    def approve(self, *, version: int | None = None) -> Update | None:
        """Publish it now, or return ``None`` if it is due later; raises ``Overtaken`` as ``publish()`` does."""
        with self.event.change() as event:
            waiting = event.waiting.filter(pk=self.pk).first()
            if waiting is not None and waiting.rejected_at is None and is_to_come(waiting.due_at):
                waiting._check_version(version)
                waiting.needs_approval = False
                waiting.save(update_fields=["needs_approval"])
                bell.ring_after_commit(event.pk)
                return None
        return self.publish(version=version)

    def reject(self, *, reason: str = "") -> None:
        """Reject it; its author sees it with the reason, and can send it anew."""
        reason = check_note(reason)
        self._change(rejected_at=timezone.now(), reason=reason)

    def edit(
        self,
        *,
        headline: str,
        body: str,
        due_at: datetime | None = None,
        published_at: datetime | None = None,
        is_key: bool | None = None,
        photos: Iterable[Attachment] | None = None,
        needs_approval: bool = False,
        version: int | None = None,
        seen_revision: int | None = None,
    ) -> None:
        """Change what will be published; raises ``Overtaken`` if it is no longer the version given.

        ``None`` for ``is_key`` or ``photos`` leaves them; the times are those it is to have. ``needs_approval`` asks
        for an editor's approval once more: what was approved was another text. ``seen_revision`` is that of the
        update of which it is an edit, as whoever changes it had both; ``Overtaken`` names the one that has changed.
        """
        attachments = None if photos is None else prepare_attachments(photos)
        shown = self.photos if attachments is None else attachments
        changes: dict[str, Any] = render_text(headline=headline, body=body, photos=shown)
        if changes["body"] == self.body:  # it keeps the HTML that was looked at
            changes |= {"body_html": self.body_html, "body_text": self.body_text}
        check_past_time(published_at)
        changes |= {"due_at": due_at, "published_at": published_at}
        if is_key is not None:
            changes["is_key"] = is_key
        self._change(version=version, asks_again=needs_approval, attachments=attachments, seen=seen_revision, **changes)

    def erase(self) -> None:
        """Erase its text and photos wherever this service keeps them; the key stays, so that it can't come again."""
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
        asks_again: bool = False,
        attachments: tuple[Attachment, ...] | None = None,
        seen: int | None = None,
        **changes: Any,
    ) -> None:
        with self.event.change() as event:
            waiting = event.waiting.filter(pk=self.pk).first()
            if waiting is None or waiting.rejected_at:
                raise ValidationError("It no longer waits: it was published, rejected or taken back meanwhile.")
            if attachments is not None:
                owner: dict[str, Post] = {"update": waiting.update} if waiting.update else {"waiting": waiting}
                changes["photos"] = event.photos.describe(attachments, **owner)
                if waiting.update is not None:
                    check_own_photos(event, waiting.update, attachments)
            if waiting.update is not None and seen is not None:
                event.updates.get(pk=waiting.update.pk).check_changeable(seen)
                changes["seen_revision"] = seen
            changed = [name for name, value in changes.items() if getattr(waiting, name) != value]
            if changed:
                waiting._check_version(version)
                waiting.needs_approval |= asks_again
                for name in changed:
                    setattr(waiting, name, changes[name])
                waiting.version += 1
                waiting.save()
                if "photos" in changed and attachments is not None and waiting.update is None:
                    waiting.photo_rows.update(waiting=None)
                    event.photos.of(attachments).update(waiting=waiting)
                bell.ring_after_commit(event.pk)
        self._take_over(waiting)


def check_own_photos(event: Event, update: Update, attachments: Iterable[Attachment]) -> None:
    """Raise ``ValidationError`` for photos that an edit would add: it can only describe, order and leave out."""
    if event.photos.of(attachments).exclude(update=update).exists():
        raise ValidationError({"photos": "An edit adds no photos. Post them as an update of their own."})
