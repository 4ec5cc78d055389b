"""The command line: which measures, how many pairs of runs, and the exit status."""

import argparse
import os
import signal
import sys

from benchmarks.growth import curves
from benchmarks.measures import MEASURES
from benchmarks.report import Result, describe_machine, table
from benchmarks.servers import all_servers, raise_descriptor_limit

PAIRS = 5


def main() -> int:
    """Measure what was asked for, print the table, return 1 if a target was missed."""
    names = {measure.name: measure for measure in MEASURES}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="measure", help=f"some of {', '.join(names)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="one pair of runs each: does it work at all?")
    parser.add_argument("--growth", action="store_true", help="how cost grows with readers, updates and live events")
    options = parser.parse_args()
    if options.growth:
        raise_descriptor_limit()
        for curve in curves():
            print(f"{curve}\n", flush=True)
        return 0
    if unknown := set(options.measures) - names.keys():
        parser.error(f"there is no measure called {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped
    load = os.getloadavg()[0]
    results = []
    with all_servers() as servers:
        for measure in [names[name] for name in options.measures] or MEASURES:
            pairs = []
            for number in range(1, 2 if options.quick else PAIRS + 1):
                pair = measure.take(servers)
                pairs.append(pair)
                say(f"{measure.name} {number}: ours {measure.shown(pair.ours)}, peer {measure.shown(pair.peer)}")
            results.append(Result(measure, pairs))
    print(table(results))
    print(f"\n{describe_machine(load)}")
    return 0 if all(result.is_met for result in results) else 1


def say(text: str) -> None:
    """Tell whoever waits how far it is; standard output is for the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
