"""Updates that a wrong clock has dated in the future, and when they really arrived, as far as can be known."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.db.models import Q

from liveblog.models.database import database_time
from liveblog.models.event import Event
from liveblog.models.update import Update

TIMES = ("published_at", "posted_at", "version_at", "edited_at", "withdrawn_at")
SMALLEST_STEP = timedelta(microseconds=1)


class Misdated(NamedTuple):
    """An update with a time in the future, and when it arrived or may have arrived."""

    update: Update
    arrived_at: datetime


def find_misdated(event: Event) -> list[Misdated]:
    """Return the updates of ``event`` that have a time in the future.

    An update that arrived while the clock was wrong arrived after the one numbered before it and before the next
    one, or before now. A run of such updates keeps its distances in time, as far as there is room.
    """
    now = database_time()
    arrivals = event.updates.order_by("number").values_list("number", "posted_at")
    arrived: dict[int, datetime] = {}
    runs = [(is_wrong, list(run)) for is_wrong, run in groupby(arrivals, key=lambda arrival: arrival[1] > now)]
    for index, (is_wrong, run) in enumerate(runs):
        if is_wrong:
            after = max(arrived.values(), default=None)
            before = runs[index + 1][1][0][1] if index + 1 < len(runs) else now
            arrived |= _between(after, before, run)
        else:
            arrived |= dict(run)
    has_future = Q(*((f"{name}__gt", now) for name in TIMES), _connector=Q.OR)
    return [Misdated(update, arrived[update.number]) for update in event.updates.filter(has_future).order_by("number")]


def _between(after: datetime | None, before: datetime, run: Iterable[tuple[int, datetime]]) -> dict[int, datetime]:
    """Return when the updates of a run may have arrived: the last of them just before ``before``."""
    run = list(run)
    ahead = run[-1][1] - before + SMALLEST_STEP
    found: dict[int, datetime] = {}
    for number, posted_at in run:
        time = posted_at - ahead
        found[number] = time if after is None else max(time, after + SMALLEST_STEP)
        after = found[number]
    return found
