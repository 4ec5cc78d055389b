"""The database connection of this thread, while nothing is asked of the database."""

from django.db import connection


def release() -> None:
    """Give the connection back before a long wait; the next query opens another. A transaction keeps it."""
    if not connection.in_atomic_block:
        connection.close()
