"""Each fault of ``make faults`` once, with fewer readers, and with ten times the waits of a quiet machine."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.daemons import CanNotBeMade
from tests.outages.faults import FAULTS
from tests.outages.installation import Installation, installed
from tests.outages.table import describe
from tests.outages.trial import Size, run

pytestmark = pytest.mark.night

IS_SHORT = os.environ.get("NIGHT") == "short"
SHORT = {"PostgreSQL away 20 s", "HUP"}
"""Those that every change to the code is checked with."""
SIZE = Size(20, 10) if IS_SHORT else Size(60, 30)
BOUNDS = 10.0


@pytest.fixture(scope="module")
def installation(django_db_blocker: Any) -> Iterator[Installation]:
    """All services, for all faults that don't ask for a clock of their own."""
    with ExitStack() as stack:
        yield start(stack, django_db_blocker)


def start(stack: ExitStack, blocker: Any, **options: Any) -> Installation:
    try:
        return stack.enter_context(installed(unblocked=blocker.unblock, **options))
    except CanNotBeMade as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", [name for name in FAULTS if name in SHORT or not IS_SHORT])
def test_no_reader_is_wrong_after(name: str, request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
    fault = FAULTS[name]
    with ExitStack() as stack:
        here = (
            start(stack, django_db_blocker, clock=True) if fault.has_clock else request.getfixturevalue("installation")
        )
        try:
            result = run(fault, here, SIZE)
        except CanNotBeMade as error:
            pytest.skip(str(error))
    print(describe(result))
    assert not result.wrong
    assert not result.misses(BOUNDS)
    assert min(result.sockets.count, result.polls.count) > 0, "there was something to wait for"
