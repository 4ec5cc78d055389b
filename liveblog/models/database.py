"""What every model needs of the database: its time, no time limit, rules for rows and why it refuses one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone


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


@contextmanager
def without_time_limit() -> Iterator[None]:
    """Let the statements inside take as long as they need; a server limits them on PostgreSQL (config/asgi.py).

    On PostgreSQL this opens a transaction, for which the limit is lifted. SQLite has no limit, and a transaction there
    would take the write lock even if it only reads.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
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
