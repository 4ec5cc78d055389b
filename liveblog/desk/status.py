"""What the desk's status control shows beside the event itself."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from liveblog.models import Event, Role

BACK_AT = {
    "en": "We will be back at {}",
    "de": "Um {} geht es hier weiter",
    "es": "Volvemos a las {}",
    "fr": "Nous serons de retour à {}",
    "it": "Torniamo alle {}",
    "nl": "We zijn om {} terug",
    "pt": "Voltamos às {}",
}
"""What is offered to be said in a pause, in the language of the updates, else in English."""


def status_context(event: Event, role: Role) -> dict[str, Any]:
    """Return what the status control needs beside the event."""
    context: dict[str, Any] = {"role": role}
    if event.status == Event.Status.LIVE and role.may(Role.EDITOR):
        context["pause_notes"] = suggest_pause_notes(event)
        context["left"] = event.waiting.open().aggregate(
            unapproved=Count("pk", filter=Q(needs_approval=True)),
            scheduled=Count("pk", filter=Q(needs_approval=False, due_at__isnull=False)),
        )
    return context


def suggest_pause_notes(event: Event) -> list[str]:
    """Return what an author in a hurry may want readers to be told: back in about 15, 30 and 60 minutes."""
    words = BACK_AT.get(event.language.partition("-")[0].lower(), BACK_AT["en"])
    return [words.format(f"{moment:%H:%M}") for moment in _round_times(timezone.now(), event.zone)]


def _round_times(now: datetime, zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Return the next quarter of an hour that is at least ten minutes away, and those 15 and 45 minutes later."""
    soonest = now + timedelta(minutes=10)
    quarter = soonest + timedelta(minutes=-soonest.minute % 15, seconds=-soonest.second)
    if quarter < soonest:
        quarter += timedelta(minutes=15)
    return [(quarter + timedelta(minutes=minutes)).astimezone(zone) for minutes in (0, 15, 45)]
