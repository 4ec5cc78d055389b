"""Who is at an event's desk, and how many readers each process has: rows that are soon stale."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Sum
from django.utils import timezone

from liveblog.models.event import Event

STALE = timedelta(seconds=40)
"""What has not been said again for so long no longer holds."""


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    """Open desks by whether they still are."""

    def present(self) -> Self:
        """Leave out those of which nothing was heard for long."""
        return self.filter(seen_at__gt=timezone.now() - STALE)


class Attendance(models.Model):
    """A desk that somebody has open, one row for each socket."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="attendances")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    socket = models.UUIDField(default=uuid.uuid4, unique=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = AttendanceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user} at {self.event}"

    @staticmethod
    def touch(attendances: Iterable["Attendance"]) -> None:
        """Say that these are open now, in one statement, whether or not they were said to be before."""
        Attendance.objects.bulk_create(
            attendances, update_conflicts=True, unique_fields=["socket"], update_fields=["seen_at"]
        )

    @classmethod
    def others(cls, event: Event, user: User) -> list[str]:
        """Return the names of who else is at the desk, each once, in order."""
        found = User.objects.filter(pk__in=cls.objects.present().filter(event=event).values("user")).exclude(pk=user.pk)
        return sorted({person.get_full_name() or person.get_username() for person in found})


class Audience(models.Model):
    """How many readers' sockets one process has for an event."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="audiences")
    process = models.UUIDField()
    readers = models.PositiveIntegerField()
    counted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event", "process"), name="audience_once"),)

    def __str__(self) -> str:
        return f"{self.readers} of {self.event}"

    @staticmethod
    def put(process: uuid.UUID, counts: dict[int, int]) -> None:
        """Say how many readers ``process`` has now, by event, in one statement."""
        now = timezone.now()
        Audience.objects.bulk_create(
            [Audience(event_id=pk, process=process, readers=readers, counted_at=now) for pk, readers in counts.items()],
            update_conflicts=True,
            unique_fields=["event", "process"],
            update_fields=["readers", "counted_at"],
        )

    @classmethod
    def total(cls, event: Event, *, without: uuid.UUID | None = None) -> int:
        """Return how many readers all processes have, or all but one."""
        counted = cls.objects.filter(event=event, counted_at__gt=timezone.now() - STALE).exclude(process=without)
        return counted.aggregate(total=Sum("readers"))["total"] or 0
