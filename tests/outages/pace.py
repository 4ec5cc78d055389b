"""When an open page asks and connects again: the rules of static/js/shared/poll.js and socket.js, without a page."""

import random
import time
from collections.abc import Mapping

GREATEST_SECONDS = 60.0
STALLED_SECONDS = 8.0
RETRY_SPREAD = 1.4
GONE_AGAIN_SECONDS = 5.0
SAFETY_SECONDS = 50.0
"""Beside an open socket (static/js/reader/event.js)."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
RARELY_SECONDS = 300.0
FAILURES_UNTIL_RARELY = 6
PROVEN_SECONDS = 5.0
OPENING_SECONDS = 10.0
HALF_OPEN_SECONDS = 3.0


class PollPace:
    """Which of the ticks of a page, one a second, become requests (``watchPolls`` in poll.js)."""

    def __init__(self) -> None:
        self.failures = 0
        self.is_urgent = False
        self._seconds = 5.0
        self._retry_seconds = 0.0
        self._jitter = 1.0
        self._finished_at = time.monotonic()
        self._not_before = 0.0
        self._times_gone = 0

    def is_due(self, *, is_open: bool) -> bool:
        """Whether a tick becomes a request; ``is_open`` says that the page has a socket."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        return self.is_urgent or now - self._finished_at >= self._wait(is_open=is_open) * self._jitter

    def take(self, status: int, headers: Mapping[str, str]) -> None:
        """Note an answer, 0 for none; one of 200 is ours."""
        self._finished_at = time.monotonic()
        self._jitter = 0.7 + random.random() * 0.3
        often = _number(headers.get("Poll-Seconds"))
        if often > 0:
            self._seconds = often
        retry_after = _number(headers.get("Retry-After"))
        self._retry_seconds = min(retry_after, GREATEST_SECONDS)
        self._not_before = self._finished_at + self._retry_seconds if retry_after else 0.0
        if status in {200, 204}:
            self.failures = self._times_gone = 0
        elif status == 404 and often > 0:
            self._times_gone += 1
            self._not_before = self._finished_at + GONE_AGAIN_SECONDS
            self.is_urgent = True
        else:
            self.failures += 1
            if self.failures == 1 and not retry_after:
                self.is_urgent = True

    @property
    def is_gone(self) -> bool:
        """Whether the event is no longer there for readers."""
        return self._times_gone > 1

    def _wait(self, *, is_open: bool) -> float:
        if not self.failures:
            return SAFETY_SECONDS if is_open else self._seconds
        if self._retry_seconds:
            return self._retry_seconds * RETRY_SPREAD
        return min(GREATEST_SECONDS, self._seconds * 2**self.failures)


def wait_to_connect(failures: int, *, polls_fail: bool) -> float:
    """Return the seconds until a page tries its socket again (``retry`` in socket.js)."""
    is_forbidden = failures >= FAILURES_UNTIL_RARELY and not polls_fail
    wait = RARELY_SECONDS if is_forbidden else min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**failures)
    return wait * random.uniform(0.5, 1.5)


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
