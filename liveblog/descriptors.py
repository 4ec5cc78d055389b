"""The files that this process may have open, of which every socket is one."""

import resource
from contextlib import suppress

from django.conf import settings

RESERVED = 256
"""Kept free of readers' sockets: for pages, polls, the database, children and what Python opens."""


def raise_limit() -> int:
    """Allow this process as many open files as the system does, and return how many; the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has a lower limit than it names
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return settings.SOCKETS_PER_PROCESS + RESERVED if soft == resource.RLIM_INFINITY else soft


def sockets_within(limit: int) -> int:
    """Return how many readers' sockets a process may have that may open so many files."""
    return min(settings.SOCKETS_PER_PROCESS, max(1, limit - RESERVED))
