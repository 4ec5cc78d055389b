"""From pairs of readings to a verdict, and to the table that README.md shows."""

import platform
import sqlite3
import statistics
from collections.abc import Iterable
from importlib.metadata import version
from os import cpu_count
from typing import NamedTuple

from benchmarks.measures import Measure, Pair


class Result(NamedTuple):
    """What a measure came to."""

    measure: Measure
    pairs: list[Pair]

    @property
    def ratios(self) -> list[float]:
        """The ratio of each pair."""
        return [self.measure.ratio(pair) for pair in self.pairs]

    @property
    def is_met(self) -> bool:
        """Whether the median ratio meets the target."""
        return self.measure.is_met_by(statistics.median(self.ratios))


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table."""
    rows = [
        "| measure | ours | peer | ratio (spread) | target | client’s CPU, ours / peer |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*rows, *map(row, results)])


def row(result: Result) -> str:
    """Return one line of it: medians of the readings, and the median ratio of the pairs."""
    measure, ratios = result.measure, result.ratios
    ours, peer, ours_cpu, peer_cpu = (statistics.median(column) for column in zip(*result.pairs, strict=True))
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    target = f"≥ {measure.at_least:g}" if measure.at_least else f"≤ {measure.at_most:g}"
    cells = [
        measure.title,
        measure.shown(ours),
        measure.shown(peer),
        ratio,
        target if result.is_met else f"{target} **missed**",
        f"{ours_cpu:.0%} / {peer_cpu:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def describe_machine(load: float) -> str:
    """Return in one line what it was measured on, and how busy that was before."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("Django", "channels", "daphne"))
    system = f"{cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{system}, {packages}; load {load:.1f} when it began."
