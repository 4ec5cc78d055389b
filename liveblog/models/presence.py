"""Who has an event's desk open, and how many readers each process has: rows that hold for a short time."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Sum
from django.utils import timezone

if TYPE_CHECKING:
    from liveblog.models.event import Event

STALE = timedelta(seconds=40)
"""How long a process's count of readers holds unless it is repeated."""
GONE = timedelta(seconds=90)
"""How long a desk counts as open after its last poll. A browser lets a hidden page poll once a minute."""
RENEWED = timedelta(seconds=20)
"""A row younger than this is not written again."""


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    """Pages of the desk that somebody has open."""

    def present(self) -> Self:
        """Leave out those that have not polled for a while."""
        return self.filter(seen_at__gt=timezone.now() - GONE)


class Attendance(models.Model):
    """A page of the desk that somebody has open, one row for each page.

    What else others should know of an open page, such as the update it is editing, is a nullable column here:
    the poll writes it with ``seen_at`` and reads it with the names, without a further query.
    """

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="attendances")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.UUIDField(
        default=uuid.uuid4, unique=True, db_column="socket", help_text="The key that the page made for itself."
    )
    seen_at = models.DateTimeField(default=timezone.now)

    objects = AttendanceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user} at {self.event}"

    @property
    def is_due(self) -> bool:
        """Whether it is time to write that the page is still open."""
        return self._state.adding or timezone.now() - self.seen_at > RENEWED

    def touch(self) -> None:
        """Write that the page is open now. A row that was read before and has left meanwhile is not made again."""
        self.seen_at = timezone.now()
        if not self._state.adding:
            Attendance.objects.filter(pk=self.pk).update(seen_at=self.seen_at)
            return
        Attendance.objects.bulk_create([self], update_conflicts=True, unique_fields=["page"], update_fields=["seen_at"])


class Audience(models.Model):
    """How many readers' sockets one process has for an event."""

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="audiences")
    process = models.UUIDField()
    readers = models.PositiveIntegerField()
    counted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event", "process"), name="audience_once"),)

    def __str__(self) -> str:
        return f"{self.readers} of {self.event}"

    @staticmethod
    def record(process: uuid.UUID, counts: dict[int, int]) -> None:
        """Write how many readers ``process`` has now, by event, in one statement."""
        now = timezone.now()
        Audience.objects.bulk_create(
            [Audience(event_id=pk, process=process, readers=readers, counted_at=now) for pk, readers in counts.items()],
            update_conflicts=True,
            unique_fields=["event", "process"],
            update_fields=["readers", "counted_at"],
        )

    @classmethod
    def total(cls, event: "Event", *, without: uuid.UUID | None = None) -> int:
        """Return how many readers all processes have, or all but one."""
        counted = cls.objects.filter(event=event, counted_at__gt=timezone.now() - STALE).exclude(process=without)
        return counted.aggregate(total=Sum("readers"))["total"] or 0
