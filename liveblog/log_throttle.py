"""Keeps a failure that goes on for hours from filling the log."""

import time

QUIET_SECONDS = 60.0


class LogThrottle:
    """Decides what may be logged: each kind at most once a minute."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def allows(self, kind: str = "") -> bool:
        """Return whether ``kind`` may be logged now; ``True`` counts as logged."""
        now = time.monotonic()
        if now - self._logged_at.get(kind, float("-inf")) <= QUIET_SECONDS:
            return False
        self._logged_at[kind] = now
        return True
