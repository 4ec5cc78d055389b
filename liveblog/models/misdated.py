"""Updates that a clock which ran ahead has dated in the future, and when they came as far as can be known."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.db.models import Q

from liveblog.models.database import database_time
from liveblog.models.event import Event
from liveblog.models.update import Update

TIMES = ("published_at", "posted_at", "version_at", "edited_at", "withdrawn_at")
MOMENT = timedelta(microseconds=1)


class Misdated(NamedTuple):
    """An update with a time that has not come yet, and the time at which it arrived, or may have."""

    update: Update
    arrived_at: datetime


def misdated(event: Event) -> list[Misdated]:
    """Return the updates of ``event`` that have a time in the future, where nobody can have posted from.

    What arrived while the clock was right is known. What arrived while it was wrong did so in the order of the
    numbers, after the one before and before the next, or before now: such a run of updates keeps its distances,
    as far as there is room.
    """
    now = database_time()
    arrivals = event.updates.order_by("number").values_list("number", "posted_at")
    arrived: dict[int, datetime] = {}
    runs = [(is_wrong, list(run)) for is_wrong, run in groupby(arrivals, key=lambda arrival: arrival[1] > now)]
    for place, (is_wrong, run) in enumerate(runs):
        if is_wrong:
            after = max(arrived.values(), default=None)
            before = runs[place + 1][1][0][1] if place + 1 < len(runs) else now
            arrived |= _between(after, before, run)
        else:
            arrived |= dict(run)
    has_future = Q(*((f"{name}__gt", now) for name in TIMES), _connector=Q.OR)
    return [Misdated(update, arrived[update.number]) for update in event.updates.filter(has_future).order_by("number")]


def _between(after: datetime | None, before: datetime, run: Iterable[tuple[int, datetime]]) -> dict[int, datetime]:
    """Return when the updates of a run may have arrived: the last of them just before ``before``."""
    run = list(run)
    ahead = run[-1][1] - before + MOMENT
    found: dict[int, datetime] = {}
    for number, posted_at in run:
        moment = posted_at - ahead
        found[number] = moment if after is None else max(moment, after + MOMENT)
        after = found[number]
    return found
