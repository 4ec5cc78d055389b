"""What every model needs of the database: its time, no time limit, rules for rows and why it refuses one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import Error, IntegrityError, OperationalError, connection, models, transaction
from django.utils import timezone

from liveblog.connections import release

TURN_SECONDS = 10.0
NO_LIMIT = 10_000
POSTGRESQL_DEFAULT = 97
_ALLOWED = """
    SELECT least(
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0),
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    )
"""


def database_time() -> datetime:
    """Return the time by which updates are published: PostgreSQL's, which all processes share, else this machine's.

    It is the present time also inside a transaction, not that of the transaction's start.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        time: datetime = cursor.fetchone()[0]
    return time.astimezone(UTC)


def is_to_come(time: datetime | None) -> bool:
    """Return whether a time is still to come by the time of the database."""
    return time is not None and time > database_time()


def copy_columns(source: models.Model, target: models.Model) -> None:
    """Give ``target`` every column of ``source``, which is the same row read later."""
    for field in source._meta.concrete_fields:
        setattr(target, field.attname, getattr(source, field.attname))


def count_connections() -> int:
    """Return how many connections the database allows to all processes of this service together.

    SQLite has no such limit. Where PostgreSQL can't be asked, that is what it allows where nobody has set it.
    """
    if connection.vendor != "postgresql":
        return NO_LIMIT
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ALLOWED)
            return int(cursor.fetchone()[0])
    except Error:
        return POSTGRESQL_DEFAULT
    finally:
        connection.close()


@contextmanager
def turn(event: int) -> Iterator[None]:
    """Let one thread of this process at a time wait for an event's row: the others hold no connection meanwhile.

    Raises ``OperationalError`` if that takes too long.
    """
    if connection.in_atomic_block:  # whose row it waits for may wait for this transaction
        yield
        return
    with _turns_lock:
        lock = _turns.setdefault(event, threading.Lock())
    if not lock.acquire(blocking=False):
        release()
        if not lock.acquire(timeout=TURN_SECONDS):
            raise OperationalError("the event's row is held by another request")
    try:
        yield
    finally:
        lock.release()


_turns: WeakValueDictionary[int, threading.Lock] = WeakValueDictionary()
_turns_lock = threading.Lock()


@contextmanager
def without_time_limit() -> Iterator[None]:
    """Let what is done inside take as long as it needs; a server limits it on PostgreSQL (config/asgi.py).

    On PostgreSQL this opens a transaction, for which the limit is lifted. SQLite has no limit, and a transaction there
    would take the write lock even if it only reads.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def rule(name: str, condition: models.Q, *, field: str, message: str) -> models.CheckConstraint:
    """Return a constraint for what pages rely on; ``field`` becomes the error's code."""
    return models.CheckConstraint(
        name=name, condition=condition, violation_error_code=field, violation_error_message=message
    )


def rules_of(model: type[models.Model]) -> list[models.CheckConstraint]:
    """Return the rules of a model."""
    return [found for found in model._meta.constraints if isinstance(found, models.CheckConstraint)]


def check_rules(row: models.Model) -> None:
    """Raise ``ValidationError`` for the first rule that a row breaks, with one query for each rule."""
    for each in rules_of(type(row)):
        each.validate(type(row), row)


@contextmanager
def explained() -> Iterator[None]:
    """Raise ``ValidationError`` with a rule's own message where the database refuses a row that breaks it."""
    try:
        yield
    except IntegrityError as error:
        # PostgreSQL's message quotes the row, with whatever people wrote in it, so its name for the rule is asked for.
        diagnosis = getattr(error.__cause__, "diag", None)
        name = diagnosis.constraint_name if diagnosis else str(error).removeprefix("CHECK constraint failed: ")
        rules = [found for model in apps.get_app_config("liveblog").get_models() for found in rules_of(model)]
        broken = next((found for found in rules if found.name == name), None)
        if broken is None:
            raise
        raise ValidationError(broken.get_violation_error_message(), code=broken.violation_error_code) from error
