"""What faults cost, as a table in Markdown."""

from collections.abc import Iterable

from tests.outages.trial import Result

COLUMNS = (
    "fault",
    "sockets: p50 / p99 / worst",
    "polls: p50 / p99 / worst",
    "goal (p99)",
    "the author saw",
    "slowest post",
    "right at the end",
)


def draw(results: Iterable[Result]) -> str:
    """Return the table; seconds where nothing else is said."""
    return "\n".join([_line(COLUMNS), "|---|--:|--:|--:|---|--:|---|", *map(row_of, results)])


def row_of(result: Result) -> str:
    """Return the line of one result."""
    goal = result.fault.goal
    return _line(
        (
            result.fault.name,
            result.sockets,
            result.polls,
            f"{goal.sockets:g} / {goal.polls:g}{' after its return' if result.fault.from_return else ''}",
            ", ".join(f"{count} × {kind}" for kind, count in sorted(result.author.items())),
            f"{result.slowest_post:.1f}",
            "; ".join(result.wrong) or "yes",
        )
    )


def describe(result: Result) -> str:
    """Return what else is known of a result, in lines for whoever runs it."""
    parts = {
        "wrong": "; ".join(result.wrong),
        "too slow": "; ".join(result.misses(1)),
        "readers met": ", ".join(f"{count} × {name}" for name, count in sorted(result.trouble.items())),
        "authors read": "; ".join(f"{kind}: {words!r}" for kind, words in result.words.items()),
        "notes": "; ".join(result.notes),
        "log": f"{len(result.log)} lines" + "".join(f"\n      {line[:200]}" for line in result.log[:12]),
    }
    return "\n".join(f"    {name}: {text}" for name, text in parts.items() if text)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
