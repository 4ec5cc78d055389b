"""One fault while readers follow and authors post, and what came of it."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from liveblog.models import Event
from liveblog.models.place import written_time
from tests.outages.author import Author
from tests.outages.crowd import Crowd, crowd
from tests.outages.installation import Installation, until
from tests.outages.waits import Waits

AUTHORS = ("ada", "grace")
SECONDS_BETWEEN = 1.0
"""Each author writes so often: two updates a second together."""
WARM_UP_SECONDS = 6.0
SETTLE_SECONDS = 12.0


class Size(NamedTuple):
    """How many readers there are."""

    sockets: int
    polls: int


class Goal(NamedTuple):
    """What waits and answers should be; seconds are for 99 of 100 updates."""

    sockets: float
    polls: float
    author: frozenset[str] = frozenset({"200"})


class Fault(NamedTuple):
    """Something that goes wrong. ``happen`` makes it so, and returns when it is over."""

    name: str
    happen: "Callable[[Scene], None]"
    goal: Goal
    from_return: bool = False
    """Whether who missed an update waits for it since the fault was over."""
    forgets: bool = False
    """Whether the database loses what it has taken, as a restored backup does."""
    has_clock: bool = False
    """Whether it needs a clock of its own, which is then not to be measured by."""
    updates: int = 3
    """So many there are before."""
    padding: int = 0
    """So many characters each update has beside its name."""


class Result(NamedTuple):
    """What came of a fault."""

    fault: Fault
    sockets: Waits
    polls: Waits
    author: Counter[str]
    words: dict[str, str]
    slowest_post: float
    wrong: list[str]
    """What must not be: pages that differ from the database, posts lost or doubled, tracebacks."""
    trouble: dict[str, int]
    notes: list[str]
    log: list[str]

    def misses(self, factor: float) -> list[str]:
        """Return what is beyond its goal, times a factor."""
        goal = self.fault.goal
        waits = {"sockets": (self.sockets.p99, goal.sockets), "polls": (self.polls.p99, goal.polls)}
        slow = [
            f"{name} waited {seconds:.1f} s, not {most * factor:g}"
            for name, (seconds, most) in waits.items()
            if seconds > most * factor
        ]
        unforeseen = self.author.keys() - goal.author
        return slow + ([f"authors saw {', '.join(sorted(unforeseen))}"] if unforeseen else [])


class Scene:
    """What a fault can lay hands on."""

    def __init__(self, installation: Installation, event: Event, size: Size, stack: ExitStack) -> None:
        self.installation, self.event, self.size = installation, event, size
        self.notes: list[str] = []
        self.wrong: list[str] = []
        self.crowds: list[Crowd] = []
        self._stack = stack
        self._plain = installation.sign_in(AUTHORS[0])

    def add_crowd(self, inside: Sequence[str] = ()) -> Crowd:
        """Add a process of readers, whose pages are checked at the end."""
        self.crowds.append(self._stack.enter_context(crowd(inside)))
        return self.crowds[-1]

    def count_behind(self, edition: str, revision: int) -> int:
        """Return how many pages lack something."""
        return sum(one.count_behind(edition, revision) for one in self.crowds)

    def trouble(self) -> dict[str, int]:
        """Return what went wrong on the readers' way, and how often."""
        return dict(sum((Counter(one.trouble()) for one in self.crowds), Counter[str]()))

    def check(self, holds: bool, words: str) -> None:
        """Note what must hold and does not."""
        if not holds:
            self.wrong.append(words)

    def pause(self, seconds: float) -> None:
        """Let the fault last."""
        time.sleep(seconds)

    def post_plainly(self, text: str) -> None:
        """Post from a form without JavaScript: it is taken, or a page says 503, when to come again, and the text."""
        with self.installation.proxy.visitor() as visitor:
            visitor.headers.update(self._plain.headers)
            visitor.cookies.update(self._plain.cookies)
            token = visitor.cookies["csrftoken"]
            fields = {"body": text, "csrfmiddlewaretoken": token, "key": str(uuid.uuid4())}
            answer = visitor.post(f"/desk/{self.event.slug}/updates/", data=fields)
        self.notes.append(f"without JavaScript: {answer.status_code}")
        if answer.status_code != 302:
            self.check(answer.status_code == 503, f"a form got {answer.status_code}")
            self.check(text in answer.text, "the page does not show what was written")
            self.check("Retry-After" in answer.headers, "the page does not say when to come again")


def run(fault: Fault, installation: Installation, size: Size) -> Result:
    """Let a fault happen while readers follow and authors post; wait until all is as it should be."""
    log_from = len(installation.site.log)
    event = installation.make_event(updates=fault.updates)
    with ExitStack() as stack:
        scene = Scene(installation, event, size, stack)
        readers = scene.add_crowd()
        readers.open(installation.front(), event.slug, sockets=size.sockets, polls=size.polls)
        authors = stack.enter_context(writing(installation, event, padding=fault.padding))
        time.sleep(WARM_UP_SECONDS)
        began_at = time.monotonic()
        fault.happen(scene)
        ended_at = time.monotonic()
        time.sleep(SETTLE_SECONDS)
        finish(authors)
        state = state_of(installation, event)
        until(lambda: not scene.count_behind(*state), lambda: f"for readers to have {state}: {scene.trouble()}")
        taken = times_taken(installation, event, authors, by_answers=fault.has_clock)
        waits = readers.waits(
            [(revision, at) for revision, at in taken if at >= began_at],
            edition=state[0],
            ended_at=ended_at if fault.from_return else time.monotonic(),
        )
        truth = truth_of(installation, event)
        wrong = [*scene.wrong, *Counter(each for one in scene.crowds for each in one.check(truth))]
        trouble = scene.trouble()
    wrong += check_posts(installation, event, authors, since=ended_at if fault.forgets else 0)
    log = installation.site.log[log_from:].splitlines()
    wrong += ["a traceback in the log"] if any("Traceback" in line for line in log) else []
    wrong += [f"{author.label}: {author.broken!r}" for author in authors if author.broken]
    saw = sum((author.saw for author in authors), Counter[str]())
    return Result(
        fault,
        waits["sockets"],
        waits["polls"],
        saw,
        {kind: words for author in authors for kind, words in author.words.items()},
        max(author.slowest for author in authors),
        wrong,
        trouble,
        scene.notes,
        log,
    )


def broken(fault: Fault, installation: Installation, error: Exception) -> Result:
    """Return what there is of a fault whose trial came to no end."""
    none = Waits.of([])
    log = installation.site.log.splitlines()[-20:]
    return Result(fault, none, none, Counter(), {}, 0.0, [f"no end: {error!r}"[:300]], {}, [], log)


@contextmanager
def writing(installation: Installation, event: Event, *, padding: int = 0) -> Iterator[list[Author]]:
    """Let the authors write."""
    authors = []
    for name in AUTHORS:
        user = installation.site.user(name)
        text = f"\n\n{'word ' * (padding // 5)}".rstrip() if padding else ""
        visitor = installation.sign_in(name)
        authors.append(Author(visitor, event.slug, user.pk, name=name, every=SECONDS_BETWEEN, padding=text))
    for number, author in enumerate(authors):
        author.start()
        time.sleep(SECONDS_BETWEEN / len(authors) * (number == 0))
    try:
        yield authors
    finally:
        for author in authors:
            author.finished.set()


def finish(authors: Sequence[Author]) -> None:
    """Let the authors write no more, and wait until all that they have written is taken."""
    for author in authors:
        author.finished.set()
    until(
        lambda: not any(author.is_alive() for author in authors),
        lambda: [(author.waiting, author.saw, author.words) for author in authors],
    )


def state_of(installation: Installation, event: Event) -> tuple[str, int]:
    """Return the event's edition and revision."""
    ((edition, revision),) = installation.query("SELECT edition, revision FROM liveblog_event WHERE id = %s", event.pk)
    return edition, revision


def truth_of(installation: Installation, event: Event) -> list[tuple[int, int, str]]:
    """Return number, revision and time of each update that readers can see, in order."""
    rows = installation.query(
        "SELECT number, revision, published_at FROM liveblog_update"
        " WHERE event_id = %s AND withdrawn_at IS NULL ORDER BY published_at, number",
        event.pk,
    )
    return [(number, revision, written_time(published_at)) for number, revision, published_at in rows]


def times_taken(
    installation: Installation, event: Event, authors: Sequence[Author], *, by_answers: bool
) -> list[tuple[int, float]]:
    """Return the revision of each update of the authors', and when the database took it, by ``time.monotonic()``.

    That is the time it stands under, which PostgreSQL gives under the lock, just before commit. Where its clock is
    wrong it is when the author had the answer.
    """
    rows = installation.query(
        "SELECT number, revision, extract(epoch FROM published_at)::float8 FROM liveblog_update"
        " WHERE event_id = %s ORDER BY revision",
        event.pk,
    )
    answered = {number: at for author in authors for number, at in author.answered.items()}
    shift = time.monotonic() - time.time()
    return [
        (revision, answered[number] if by_answers else at + shift)
        for number, revision, at in rows
        if number in answered
    ]


def check_posts(installation: Installation, event: Event, authors: Sequence[Author], *, since: float) -> list[str]:
    """Return what is wrong with what was written: each text must be there once, in the order it was written.

    Where the database forgets, those that were taken ``since``.
    """
    rows = installation.query("SELECT number, body FROM liveblog_update WHERE event_id = %s ORDER BY number", event.pk)
    there = dict(rows)
    wrong = []
    for author in authors:
        found = {number: body for number, body in rows if body.startswith(f"{author.label} ")}
        told = {number: body for number, body in author.posted.items() if author.answered[number] >= since}
        is_whole = len(set(found.values())) == len(found) and all(there.get(at) == body for at, body in told.items())
        if not is_whole or not (since or (list(found) == list(told) and len(found) == author.written)):
            wrong.append(f"{author.label} wrote {author.written}, was told of {len(told)}, and {len(found)} are there")
    return wrong
