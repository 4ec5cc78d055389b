"""Where an update stands in its event's stream, and ranges of such places."""

import re
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, Self

_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z),(0|[1-9]\d{0,9})", re.ASCII)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

YEARS = range(1000, 9000)
"""Years that every time zone can show: at the ends of Python's calendar a conversion overflows."""


def written_time(time: datetime) -> str:
    """Return ``time`` in UTC, always with six decimals, so that text sorts as time does."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{time.microsecond:06d}Z".rjust(27, "0")  # years before 1000


def in_zone(time: datetime, zone: tzinfo) -> datetime:
    """Return ``time`` by the clocks of ``zone``, or in UTC where that is outside Python's calendar."""
    try:
        return time.astimezone(zone)
    except OverflowError:
        return time.astimezone(UTC)


class Place(NamedTuple):
    """Where an update stands in the stream: by time, then by number."""

    published_at: datetime
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that ``str()`` has written; raises ``ValueError``."""
        try:
            time, number = _PLACE.fullmatch(text).groups()  # type: ignore[union-attr]
            return cls(datetime.strptime(time, _TIME).replace(tzinfo=UTC), int(number))
        except (AttributeError, ValueError):
            raise ValueError("A place is a time in UTC and a number: 2026-11-28T20:15:00.000000Z,17.") from None

    @property
    def before(self) -> Self:
        """The last place that comes before this one; nothing stands at number 0, so nothing comes before it."""
        return self._replace(number=max(0, self.number - 1))

    @property
    def after(self) -> Self:
        """The first place that comes after this one."""
        return self._replace(number=self.number + 1)

    def __str__(self) -> str:
        return f"{written_time(self.published_at)},{self.number}"


class Window(NamedTuple):
    """The range of places a page has loaded, both ends included; ``None`` is an open end."""

    oldest: Place | None = None
    newest: Place | None = None
