"""The head of an event: what its pages show beside the stream, and its settings."""

import logging
import zoneinfo
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import Attachment, prepare_attachments
from liveblog.models.json_fields import Figure, parse_readable
from liveblog.models.place import YEARS

if TYPE_CHECKING:
    from liveblog.models.event import Event
    from liveblog.models.update import Update

logger = logging.getLogger(__name__)

DESCRIPTION_CHARACTERS = 200
RESERVED_SLUGS = {"new", "notes", "share"}
"""Addresses of the desk itself: where events are made, where phones share to, where the worker keeps its notes."""


def check_time_zone(name: str) -> None:
    """Raise ``ValidationError`` unless ``name`` is a zone of the IANA database."""
    if name in {"localtime", "Factory"} or name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Choose one such as Europe/London.")


class Head(models.Model):
    """The columns of an event that make its head, and how they are changed."""

    class Order(models.TextChoices):
        """In which order a page opens unless its reader chooses another."""

        BY_STATUS = "auto", "Newest first while live, oldest first once ended"
        NEWEST = "newest", "Newest first"
        OLDEST = "oldest", "Oldest first"

    title = models.CharField(max_length=150)
    slug = models.SlugField(max_length=80, unique=True, help_text="Part of the address; fixed once published.")
    summary = models.TextField(blank=True, max_length=5_000, help_text="Markdown.")
    summary_html = models.TextField(blank=True, editable=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=50, default="UTC", validators=[check_time_zone])
    language = models.CharField(max_length=10, default="en", help_text="Such as en, de or pt-br.")
    order = models.CharField(max_length=6, choices=Order, default=Order.BY_STATUS)
    embed_sites = models.JSONField(default=list, blank=True, help_text="Origins that may frame it; none: every one.")
    cover = models.JSONField(null=True, editable=False)
    pinned_number = models.PositiveIntegerField(null=True, editable=False)

    change: "Callable[[], AbstractContextManager[Event]]"
    """Holds the event's row: ``Event.change()``."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse a title that nobody can see, and a start or an end that not every time zone can show."""
        if self.title and not markup.is_visible(self.title):
            raise ValidationError({"title": "Readers could not see this title: it has no visible character."})
        for name in ("starts_at", "ends_at"):
            time = getattr(self, name)
            if time is not None and time.year not in YEARS:
                raise ValidationError({name: f"The year {time.year} is out of reach."})

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
        return parse_readable([self.cover], Figure.from_json)

    @property
    def description(self) -> str:
        """The summary in plain text on one line, for those who show a link to the event."""
        return markup.shorten(markup.plain(self.summary_html) or self.title, characters=DESCRIPTION_CHARACTERS)

    def revise(self, **changes: Any) -> None:
        """Change title, slug, summary, starts_at, ends_at, time_zone, language or order.

        ``contributors_wait`` and ``embed_sites`` too. Raises ``ValidationError``, also for a new slug once the event
        has been public.
        """
        if unknown := changes.keys() - _REVISABLE:
            raise TypeError(f"revise() can't change {', '.join(sorted(unknown))}")
        if "summary" in changes:
            changes["summary"] = markup.normalise(changes["summary"])
            is_same = changes["summary"] == self.summary  # and keeps the HTML that readers have
            changes["summary_html"] = self.summary_html if is_same else markup.render(changes["summary"])
        with self.change() as event:
            changed = {name for name, value in changes.items() if getattr(event, name) != value}
            if not changed:
                return
            if "slug" in changed and event.first_public_at is not None:
                raise ValidationError({"slug": "The address is fixed since the event was first published."})
            for name in changed:
                setattr(event, name, changes[name])
            event.full_clean()
            if changed == {"contributors_wait"}:  # no reader can see it
                event.save()
                return
            # Who may frame it is no part of its head, but of the frame's policy.
            is_head = bool(changed - {"contributors_wait", "embed_sites"})
            event.take_revision(head=is_head, reload=bool(changed & {"time_zone", "language"}))

    def set_cover(self, *, attachment: Attachment | None) -> None:
        """Show a photo that was uploaded on top of the page, or none; another one there before is erased.

        The present one can be given again with another description.
        """
        attachments = prepare_attachments([attachment] if attachment else [])
        with self.change() as event:
            covers = event.photos.filter(is_cover=True)
            figure = None
            for key, alt in attachments:
                present = covers.filter(key=key).first()
                figure = present.described(alt) if present else event.photos.describe(attachments)[0]
            if figure == event.cover:
                return
            name = figure["name"] if figure else ""
            covers.exclude(name=name).erase()
            event.photos.filter(name=name).update(is_cover=True)
            event.cover = figure
            event.take_revision(head=True)

    def pin(self, *, update: "Update") -> None:
        """Show ``update`` on top of the page, in place of the one shown before."""
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


@lru_cache
def _find_zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, IsADirectoryError) as error:  # "Mars/Olympus", "../Rome", "Europe"
        logger.error(
            "%r is no time zone here (%s): times of its events are shown in UTC. Choose another in their settings, or "
            "update the tzdata package, restart, and bring open pages up to date with the command reload_readers.",
            name,
            error,
        )
        return zoneinfo.ZoneInfo("UTC")


_REVISABLE = {
    "title", "slug", "summary", "starts_at", "ends_at", "time_zone", "language", "order", "contributors_wait",
    "embed_sites",
}  # fmt: skip
