"""A long quiet run, in which memory, open files and threads of the server must stay as they are."""

import time
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from tests.outages.installation import Installation
from tests.outages.rare import fill
from tests.outages.trial import Fault, Goal, Scene

EVERY_SECONDS = 10.0
CHURN = 2.0
"""So many readers leave each second, and as many come."""
TAIL = 600
"""More than each process has at hand, which would else grow for minutes."""
MORE_MEMORY = 1.15
MORE_FILES = 40
"""The readers who are just coming or going."""
MORE_THREADS = 8


class Sample(NamedTuple):
    """What all processes of the server use together."""

    memory_mb: float
    files: int
    threads: int

    def __str__(self) -> str:
        return f"{self.memory_mb:.0f} MB, {self.files} files, {self.threads} threads"


def soak(minutes: float) -> Fault:
    """Return what lets so many minutes pass, and measures the server meanwhile."""

    def last(scene: Scene) -> None:
        scene.installation.site.do(fill, scene.event, TAIL)
        for one in scene.crowds:
            one.churn(CHURN)
        samples, ends_at = [], time.monotonic() + minutes * 60
        while time.monotonic() < ends_at:
            time.sleep(min(EVERY_SECONDS, minutes * 60 / 8))
            samples.append(take_sample(scene.installation))
        for one in scene.crowds:
            one.churn(0)
        quarter = max(1, len(samples) // 4)
        before, after = average(samples[quarter : 2 * quarter] or samples), average(samples[-quarter:])
        scene.notes.append(f"from {before} to {after}")
        scene.check(after.memory_mb < before.memory_mb * MORE_MEMORY, "the server’s memory grows")
        scene.check(after.files < before.files + MORE_FILES, "the server’s open files grow")
        scene.check(after.threads < before.threads + MORE_THREADS, "the server’s threads grow")

    return Fault(f"soak of {minutes:g} min", last, Goal(0.5, 5.5))


def take_sample(installation: Installation) -> Sample:
    """Return what the processes use now."""
    memory = threads = files = 0
    for process in (installation.site.process_id, *installation.workers):
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line
        )
        memory += int(status["VmRSS"].split()[0])
        threads += int(status["Threads"])
        files += len(list(Path(f"/proc/{process}/fd").iterdir()))
    return Sample(memory / 1024, files, threads)


def average(samples: list[Sample]) -> Sample:
    """Return the mean of each figure."""
    memory, files, threads = zip(*samples, strict=True)
    return Sample(mean(memory), round(mean(files)), round(mean(threads)))
