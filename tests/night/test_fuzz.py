"""Random requests to every address, as everybody: nothing fails, nothing is told that is not public, no header lacks.

``FUZZ_SEED`` repeats a run; ``FUZZ_ONLY`` makes one of its requests alone, in a world of its own. What a failing request
depends on is most often itself; if not, the run with its seed shows it again.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asgi import run
from tests.fuzz.answers import Log
from tests.fuzz.session import Session

pytestmark = pytest.mark.night

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = int(os.environ.get("FUZZ_REQUESTS") or (1_500 if os.environ.get("NIGHT") == "short" else 8_000))
RUN_SECONDS = 3_600
"""What a run may take on the slowest machine: it is counted in requests."""
SEED = os.environ.get("FUZZ_SEED") or str(time.time_ns() % 10**9)
ONLY = os.environ.get("FUZZ_ONLY")
FAULTS_SHOWN = 12
MOST_BUSY = 0.01
"""The part of the answers that may be a 503 with Retry-After: a busy machine may end the child that renders a text."""
LOCMEM = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@pytest.fixture
def as_in_service(settings: Any, tmp_path: Path) -> None:
    """Settings that tests loosen, as they are in service; and mail, so that its views have work."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MEDIA_ROOT = tmp_path
    settings.MAILERS = LOCMEM


@pytest.fixture
def log() -> Iterator[Log]:
    found = Log()
    logging.getLogger().addHandler(found)
    yield found
    logging.getLogger().removeHandler(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_in_service")
def test_no_request_makes_a_view_fail(log: Log) -> None:
    session = Session(SEED, log)

    async def main() -> None:
        await session.look_around()
        await session.go_on(range(int(ONLY), int(ONLY) + 1) if ONLY else range(REQUESTS))

    run(main, seconds=RUN_SECONDS)
    tally = session.tally
    print(f"FUZZ_SEED={SEED}: {tally.statuses.total()} requests, {session.worlds} worlds, {dict(tally.statuses)}")
    assert not session.faults, f"{len(session.faults)} answers are wrong\n" + "\n".join(session.faults[:FAULTS_SHOWN])
