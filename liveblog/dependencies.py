"""What an answer shows, said by the view that makes it: without a word from its view no answer is kept in memory."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest
from django.utils import timezone

from liveblog.models import Event

NOTED = "liveblog.dependencies"
"""In the scope of a request whose answer may be kept: a list of dependencies, to which its view adds."""


class Dependency(NamedTuple):
    """What an answer shows: one event, at this revision of this edition, or without one every event there is."""

    event: int | None
    revision: int = 0
    edition: str = ""
    turns_at: float = float("inf")
    """From when on it shows something else though nothing has changed; in seconds since 1970."""

    def is_in(self, found: Mapping[int, tuple[int, str]]) -> bool:
        """Return whether a check of the database has found the event in just this state."""
        return self.event is not None and found.get(self.event) == (self.revision, self.edition)

    def together_with(self, other: "Dependency") -> "Dependency":
        """Return what an answer shows that shows both."""
        if self.event != other.event:
            return EVERY_EVENT
        return min(self, other)._replace(turns_at=min(self.turns_at, other.turns_at))


EVERY_EVENT = Dependency(None)


def depends_on(request: HttpRequest, event: Event, *, turns: Iterable[datetime | None] = ()) -> None:
    """Note that the answer shows ``event`` as it was read, before anything else, until the first of ``turns``."""
    now = timezone.now()
    to_come = [time.timestamp() for time in turns if time is not None and time > now]
    _note(request, Dependency(event.pk, event.revision, event.edition, min(to_come, default=float("inf"))))


def depends_on_every_event(request: HttpRequest) -> None:
    """Note that the answer shows more than one event."""
    _note(request, EVERY_EVENT)


def _note(request: HttpRequest, dependency: Dependency) -> None:
    scope = getattr(request, "scope", {})  # servers without ASGI have none
    if NOTED in scope:
        scope[NOTED].append(dependency)
