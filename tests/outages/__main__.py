"""The command line of ``make faults``: which faults, how long a soak, and the exit status."""

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SOAK_MINUTES = 10.0
READERS = (200, 100)
BOUNDS = 10.0
"""What is beyond its goal so many times fails on any machine."""


def main() -> int:
    """Let what was asked for go wrong, print the table, and return 1 if anything was wrong or far too slow."""
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="WORDS", help="faults in whose names one of these stands")
    parser.add_argument("--soak", type=float, default=SOAK_MINUTES, metavar="MINUTES", help="0: none (default: 10)")
    parser.add_argument("--readers", nargs=2, type=int, default=READERS, metavar=("SOCKETS", "POLLS"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that everything is stopped
    with TemporaryDirectory(prefix="liveblog-settings-") as folder:
        set_up(Path(folder))
        return report(options)


def set_up(folder: Path) -> None:
    """Make Django usable in this process, with no data of anybody's."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(folder)}
    import django

    django.setup()


def report(options: argparse.Namespace) -> int:
    """Run the faults and print what came of them."""
    from benchmarks.report import describe_machine
    from tests.outages.table import describe, draw, row_of

    load, began_at, results = os.getloadavg()[0], time.monotonic(), []
    for result in run_all(options):
        results.append(result)
        say(f"{row_of(result)}\n{describe(result)}")
    print(draw(results))
    print(f"\n{describe_machine(load)} It took {(time.monotonic() - began_at) / 60:.0f} minutes.")
    return 1 if any(result.wrong or result.misses(BOUNDS) for result in results) else 0


def run_all(options: argparse.Namespace) -> Iterator[Any]:
    """Yield what came of each fault; what can't be made here is said and left out."""
    from tests.daemons import CanNotBeMade
    from tests.outages.faults import FAULTS
    from tests.outages.installation import installed
    from tests.outages.soak import soak
    from tests.outages.trial import Size, broken, run

    wanted = [*FAULTS.values(), *([soak(options.soak)] if options.soak else [])]
    if options.only:
        wanted = [fault for fault in wanted if any(words in fault.name for words in options.only)]
    for has_clock in (False, True):
        faults = [fault for fault in wanted if fault.has_clock == has_clock]
        try:
            if faults:
                with installed(clock=has_clock) as installation:
                    for fault in faults:
                        say(f"{fault.name} …")
                        try:
                            yield run(fault, installation, Size(*options.readers))
                        except CanNotBeMade as error:
                            say(f"    left out: {error}")
                        except Exception as error:
                            traceback.print_exc()
                            yield broken(fault, installation, error)
        except CanNotBeMade as error:
            say(f"left out: {', '.join(fault.name for fault in faults)}: {error}")


def say(text: str) -> None:
    """Tell whoever waits how far it is; standard output is for the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
