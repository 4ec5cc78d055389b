"""Processes of a former release go on while the database is migrated already (docs/operations.md, Upgrading).

These run on the database of the settings; tests/test_concurrency.py runs them once more on PostgreSQL.
"""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

LONG_AGO = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORMER = ("0003_embedding", "0006_attendance_page", "0008_removals")
"""What migrations former releases ended with. The next release adds its own here."""
FIRST_HELD = 7
"""The number of the first migration that was held to the rules; the ones before are as they are."""
HARMLESS = (
    operations.CreateModel,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.AddConstraint,
    operations.AlterModelOptions,
)


def rows(former: Any) -> Iterator[models.Model]:
    """Store, as the former release does, a row of each of its models."""

    def create(name: str, /, **fields: Any) -> Any:
        return former.get_model("liveblog", name).objects.create(**fields)

    ada = former.get_model("auth", "User").objects.create(username="ada")
    guest = former.get_model("auth", "User").objects.create(username="guest")
    public = {"status": "live", "first_public_at": LONG_AGO, "revision": 1, "last_number": 1}
    yield (event := create("Event", title="Storm", slug="storm", **public))
    yield create("Membership", event=event, user=ada)
    content = {"event": event, "key": uuid.uuid4(), "digest": "0", "author": ada, "byline": "Ada", "body": "Rain."}
    yield (update := create("Update", number=1, revision=1, published_at=LONG_AGO, **content))
    yield create("Version", update=update, number=1, body="Wind.", made_at=LONG_AGO, made_by=ada)
    yield create("Waiting", needs_approval=True, **content)
    yield create("Photo", event=event, update=update, uploader=ada, name="photo", width=4, height=3)
    token = {"name": "Bo", "token_hash": "0", "expires_at": LONG_AGO + timedelta(days=1)}
    yield create("Invitation", event=event, guest=guest, made_by=ada, **token)
    yield create("Attendance", event=event, user=ada)
    yield create("Audience", event=event, process=uuid.uuid4(), readers=3)
    for name, fields in (("Attempt", {"key_hash": "0"}), ("Removal", {"name": "0" * 32})):
        with suppress(LookupError):  # the oldest have none
            yield create(name, **fields)


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMER)
def test_what_a_former_release_stores_the_newest_tables_take_and_this_release_reads(name: str) -> None:
    executor = MigrationExecutor(connection)
    assert ("liveblog", name) in executor.loader.applied_migrations
    former = executor.loader.project_state([("liveblog", name)]).apps
    stored = list(rows(former))
    for row in stored:
        row.save()  # all that it knows of, once more
        assert apps.get_model("liveblog", row._meta.object_name or "").objects.get(pk=row.pk)
    assert {row._meta.object_name for row in stored} == {
        model._meta.object_name for model in former.get_models() if model._meta.app_label == "liveblog"
    }


def faults(migration: Migration, before: ProjectState) -> list[str]:
    """Return what in a migration a process of the former release would not survive."""
    found = [fault for operation in migration.operations if (fault := _fault(operation, migration, before))]
    kinds = {isinstance(operation, operations.RunPython) for operation in migration.operations}
    return [*found, *(["data and tables change in one migration"] if len(kinds) > 1 else [])]


def _fault(operation: Any, migration: Migration, before: ProjectState) -> str:
    what = operation.describe()
    if isinstance(operation, operations.AddField):
        is_filled = operation.field.null or operation.field.has_db_default() or operation.field.many_to_many
        return "" if is_filled else f"{what}: neither null nor a db_default"
    if isinstance(operation, operations.AlterField):
        field = before.models[migration.app_label, operation.model_name_lower].fields[operation.name]
        return "" if _takes_all(operation.field, field) else f"{what}: does not take what it took before"
    return "" if isinstance(operation, (*HARMLESS, operations.RunPython)) else f"{what}: is used by the former release"


def _takes_all(field: Any, former: Any) -> bool:
    """Whether a column takes every value, and none at all, as it did before."""
    return (
        type(field) is type(former)
        and field.db_column == former.db_column
        and field.null >= former.null
        and field.unique <= former.unique
        and field.has_db_default() >= former.has_db_default()
        and (former.max_length or 0) <= (field.max_length or 0)
    )


def held() -> list[Migration]:
    """Return the migrations that are held to the rules."""
    disk = MigrationLoader(None).disk_migrations.values()
    ours = [migration for migration in disk if migration.app_label == "liveblog"]
    return sorted((one for one in ours if int(one.name[:4]) >= FIRST_HELD), key=lambda one: one.name)


@pytest.mark.parametrize("migration", held(), ids=lambda migration: str(migration.name))
def test_no_migration_takes_from_a_former_release_what_it_uses(migration: Migration) -> None:
    before = MigrationLoader(None).project_state((migration.app_label, migration.name), at_end=False)
    assert faults(migration, before) == []


TEXT = models.CharField(max_length=20)
FILLED = models.CharField(max_length=20, default="", db_default="")
RUN = operations.RunPython(operations.RunPython.noop)


@pytest.mark.parametrize(
    "faulty",
    [
        [operations.AddField("event", "mood", models.CharField(max_length=20, default=""))],
        [operations.AddField("event", "mood", FILLED), RUN],
        [operations.RemoveField("event", "title")],
        [operations.RenameField("event", "title", "name")],
        [operations.DeleteModel("Audience")],
        [operations.AlterField("event", "paused_at", models.DateTimeField())],
        [operations.AlterField("event", "title", TEXT)],
        [operations.AlterField("invitation", "role", models.CharField(max_length=11, default="contributor"))],
        [operations.RunSQL("SELECT 1")],
    ],
    ids=lambda found: found[0].describe(),
)
def test_what_would_take_something_is_found(faulty: list[Any]) -> None:
    loader = MigrationLoader(None)
    migration = Migration("9999_faulty", "liveblog")
    migration.operations = faulty
    assert len(faults(migration, loader.project_state())) == 1
    migration.operations = [operations.AddField("event", "mood", FILLED)]
    assert faults(migration, loader.project_state()) == []
