"""What anybody may do only so often: ask for mails, by address; send texts, as a guest."""

import hashlib
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from liveblog.models.content import TooMany

WINDOW = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts by their age."""

    def recent(self) -> "AttemptQuerySet":
        """Keep those that still count."""
        return self.filter(made_at__gt=timezone.now() - WINDOW)

    def stale(self) -> "AttemptQuerySet":
        """Keep those that count no more."""
        return self.exclude(made_at__gt=timezone.now() - WINDOW)

    def pace(self, *key: Any, most: int) -> None:
        """Count one more attempt under ``key``; raises ``TooMany`` if there were ``most`` within the last minute."""
        digest, now = _digest(key), timezone.now()
        times = self.filter(key_hash=digest, made_at__gt=now - MINUTE).order_by("-made_at")
        made_at = list(times.values_list("made_at", flat=True)[:most])
        if len(made_at) == most:
            raise TooMany(max(1, round((made_at[-1] + MINUTE - now).total_seconds())))
        self.create(key_hash=digest)

    def allow(self, *key: Any, most: int) -> bool:
        """Count one more attempt under ``key``, unless there were ``most`` within the last hour.

        It is counted in the database, which all processes share; two at the same moment may both be let through.
        """
        digest = _digest(key)
        if self.recent().filter(key_hash=digest).count() >= most:
            return False
        self.create(key_hash=digest)
        return True


class Attempt(models.Model):
    """One attempt. Its key is stored as a hash: it may be somebody's address."""

    key_hash = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("key_hash", "made_at"), name="attempt_key"),)

    def __str__(self) -> str:
        return f"{self.key_hash[:8]} at {self.made_at:%H:%M:%S}"


def _digest(key: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()
