"""How long readers waited, in few figures."""

from collections.abc import Iterable
from typing import NamedTuple, Self


class Waits(NamedTuple):
    """Seconds from when the database had an update to when a page had it, over all readers and updates."""

    count: int
    median: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Sum up; of none, all figures are 0."""
        found = sorted(seconds)
        if not found:
            return cls(0, 0.0, 0.0, 0.0)
        return cls(len(found), found[len(found) // 2], found[len(found) * 99 // 100], found[-1])

    def __str__(self) -> str:
        return f"{_short(self.median)} / {_short(self.p99)} / {_short(self.worst)}"


def _short(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}"
