"""Random requests to every address, as everybody: nothing fails, nothing is told that is not public, no header lacks.

A failure names the run's seed and the request's number: with ``FUZZ_SEED`` and ``FUZZ_ONLY`` set to them, that request
is made alone, in a world of its own. If it is right there, those before it matter: ``FUZZ_SEED`` alone repeats them.
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
from django.db import connection, connections

from tests.asgi import run
from tests.fuzz.answers import Log
from tests.fuzz.session import Session

pytestmark = pytest.mark.night

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 8_000
"""With so many, every view was let through at least once; with fewer it is a matter of luck."""
REQUESTS = int(os.environ.get("FUZZ_REQUESTS") or (1_500 if os.environ.get("NIGHT") == "short" else ENOUGH))
RUN_SECONDS = 3_600
"""What a run may take on the slowest machine: it is counted in requests."""
SEED = os.environ.get("FUZZ_SEED") or ("1969" if os.environ.get("NIGHT") == "short" else str(time.time_ns() % 10**9))
"""The short night repeats itself: what it finds is what has just been changed."""
ONLY = os.environ.get("FUZZ_ONLY")
FAULTS_SHOWN = 12
MOST_BUSY = 0.01
"""The part of the answers that may be a 503 with Retry-After: a busy machine may end the child that renders a text."""
SHARES = {(200, 300): 0.1, (300, 400): 0.1, (400, 500): 0.2}
"""The least part of the answers of each kind: a fuzz that is only refused, or only redirected, finds nothing."""
UNREACHABLE = {("static", "GET"), ("static", "POST")}
"""No static files are collected for tests; they are asked of real servers below."""
LOCMEM = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@pytest.fixture
def as_in_service(settings: Any, tmp_path: Path) -> None:
    """Settings that tests loosen, as they are in service; and mail, so that its views have work."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MEDIA_ROOT = tmp_path
    settings.MAILERS = LOCMEM


@pytest.fixture
def patient_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is waited for, however busy the machine is: else what a view does then would be a 503."""
    options = connections.settings["default"]["OPTIONS"]
    if connection.vendor == "postgresql":
        import config.asgi  # noqa: F401  (which sets the limits)

        monkeypatch.setitem(options, "connect_timeout", RUN_SECONDS)
        monkeypatch.setitem(options, "options", "-c synchronous_commit=off")


@pytest.fixture
def log() -> Iterator[Log]:
    found = Log()
    logging.getLogger().addHandler(found)
    yield found
    logging.getLogger().removeHandler(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("as_in_service", "patient_database")
def test_no_request_makes_a_view_fail(log: Log) -> None:
    session = Session(SEED, log)

    async def main() -> None:
        await session.look_around()
        await session.go_on(range(int(ONLY), int(ONLY) + 1) if ONLY else range(REQUESTS))
        await session.open_sockets(range(REQUESTS // 10))

    run(main, seconds=RUN_SECONDS)
    tally = session.tally
    print(f"FUZZ_SEED={SEED}: {tally.statuses.total()} requests in {session.worlds} worlds: {tally}; {session.codes}")
    shown = "\n".join(session.faults[:FAULTS_SHOWN])
    assert not session.faults, f"FUZZ_SEED={SEED}: {len(session.faults)} answers are wrong\n{shown}"
    if REQUESTS >= ENOUGH:
        assert tally.unreached() == UNREACHABLE
    assert all(tally.share(*statuses) > least for statuses, least in SHARES.items()), tally
    assert tally.share(500, 600) <= MOST_BUSY, tally
    assert ONLY or session.codes[None] + session.codes[4000] > 0, "some sockets were served"


@pytest.mark.postgres
def test_nor_on_postgresql(postgres_url: str) -> None:
    """The same once more, with DATABASE_URL set as in service."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rP", __file__),
            *("-k", test_no_request_makes_a_view_fail.__name__),
        ],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url, "FUZZ_SEED": SEED},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "1 passed" in done.stdout
