"""A clock that can be set for the server and PostgreSQL alone, where the library of Debian's faketime is installed."""

from pathlib import Path

from tests.daemons import CanNotBeMade


def clock_before(clock: Path) -> list[str]:
    """Return what stands before a command whose clock is in a file; raises ``CanNotBeMade``."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise CanNotBeMade("faketime is not installed")
    set_clock(clock, "+0")
    environ = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": clock,
        "FAKETIME_CACHE_DURATION": 1,
        "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        "NO_FAKE_STAT": 1,
    }
    return ["env", *(f"{name}={value}" for name, value in environ.items())]


def set_clock(clock: Path, offset: str) -> None:
    """Set the clock to the true time and so much more, within a second."""
    clock.write_text(f"{offset}\n")
    clock.chmod(0o644)
