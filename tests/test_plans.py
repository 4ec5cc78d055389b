"""What pages ask of a database with many updates: no plan reads or sorts more of them than it shows.

This runs on the database of the settings; tests/test_concurrency.py runs it once more on PostgreSQL.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from liveblog.models import Event, Update, Waiting
from tests import server

MANY = 20_000
SHOWN = 1_000
"""Far more than any page shows, far less than there are."""
TABLES = ("liveblog_update", "liveblog_waiting")


class Query(NamedTuple):
    """A statement that a page has sent."""

    sql: str
    params: Any

    def faults(self) -> list[str]:
        """Return what is wrong with the way in which the database answers it."""
        if "COUNT(" in self.sql:
            return ["Counting"]
        return self._faults_on_postgresql() if connection.vendor == "postgresql" else self._faults_on_sqlite()

    def _faults_on_sqlite(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {self.sql}", self.params)
            steps = [row[3] for row in cursor.fetchall()]
        return [
            step
            for step in steps
            if re.match(rf"SCAN ({'|'.join(TABLES)})\b(?! USING)", step)  # along an index it ends with the LIMIT
            or step.startswith("USE TEMP B-TREE FOR")
        ]

    def _faults_on_postgresql(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {self.sql}", self.params)
            (found,) = cursor.fetchone()
        plan = found if isinstance(found, list) else json.loads(found)
        faults = []
        for node in nodes(plan[0]["Plan"]):
            rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            if node.get("Relation Name") in TABLES and rows > SHOWN:
                faults.append(f"{node['Node Type']} of {rows:.0f} rows of {node['Relation Name']}")
            if node["Node Type"] in {"Sort", "Incremental Sort"} and node["Plans"][0]["Actual Rows"] > SHOWN:
                faults.append(f"{node['Node Type']} of {node['Plans'][0]['Actual Rows']:.0f} rows")
        return faults


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@contextmanager
def queries_seen() -> Iterator[list[Query]]:
    """Collect what is asked of updates and of what waits meanwhile."""
    seen: list[Query] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        is_count = "COUNT(" in sql and 'FROM "liveblog_waiting"' in sql  # the desk says how many wait
        if sql.startswith("SELECT") and any(f'FROM "{table}"' in sql for table in TABLES) and not is_count:
            seen.append(Query(sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def fill(event: Event, author: User, count: int) -> None:
    """Give an event many updates at once, some of them withdrawn, and some key moments."""
    begins_at = timezone.now() - timedelta(days=1)
    Update.objects.bulk_create(
        Update(
            event=event,
            number=number,
            revision=event.revision + number,
            digest="0" * 64,
            author=author,
            byline="Ada",
            headline=f"Headline {number}",
            body="Words. " * 50,
            body_html="<p>Words.</p>" * 50,
            body_text="Words. " * 50,
            is_key=number % 400 == 0,
            published_at=begins_at + timedelta(seconds=4 * number),
            withdrawn_at=begins_at + timedelta(days=1) if number % 50 == 0 else None,
        )
        for number in range(1, count + 1)
    )
    revision = event.revision + count
    Event.objects.filter(pk=event.pk).update(last_number=count, revision=revision, pinned_number=count // 3)


@pytest.mark.django_db
def test_no_page_reads_or_sorts_more_updates_than_it_shows() -> None:
    ada = server.make_user("ada")
    big = server.make_event("Storm", slug="storm", author=ada)
    fill(big, ada, MANY)
    for number in range(20):
        fill(server.make_event(f"Event {number}", author=ada), ada, 50)
    fill(server.make_event("Draft", status="draft", author=ada), ada, 50)
    Waiting.objects.bulk_create(
        Waiting(event=big, author=ada, byline="Ada", digest="0", body="Waits. " * 500, needs_approval=number % 2 == 0,
                due_at=datetime(2999, 1, 1, tzinfo=UTC), rejected_at=timezone.now() if number % 4 == 0 else None)
        for number in range(4_000)
    )  # fmt: skip
    big.refresh_from_db()
    middle = big.updates.get(number=MANY // 2).place
    reader, desk = Client(), Client()
    desk.force_login(ada)
    changes = f"/desk/storm/changes/?after={big.revision - 10}&edition={big.edition}"
    addresses = {
        reader: [
            "/", "/feed.atom", "/feed.json", "/sitemap.xml", "/events/storm/", "/events/storm/?sort=oldest",
            f"/events/storm/?before={middle}", f"/events/storm/?after={middle}", "/events/storm/?around=10001",
            f"/events/storm/changes/?after={big.revision - 10}", "/events/storm/feed.atom", "/events/storm/feed.json",
            "/events/storm/updates/10001/", "/events/storm/embed/", "/events/storm/fragment/",
        ],
        desk: [
            "/desk/storm/", f"/desk/storm/?before={middle}", changes, f"{changes}&pinned=7",
            f"/desk/storm/changes/?after={big.revision}&edition={big.edition}&pinned={big.pinned_number}",
        ],
    }  # fmt: skip
    faults = []
    for stage in ("as it came", "analysed"):
        if stage == "analysed":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        elif connection.vendor == "postgresql":
            continue  # it analyses by itself
        for client, paths in addresses.items():
            for path in paths:
                with queries_seen() as asked:
                    assert client.get(path).status_code in {200, 204}, path
                assert asked, path
                faults += [(stage, path, fault, query.sql) for query in asked for fault in query.faults()]
    assert not faults, "\n".join(f"{stage}, {path}: {fault}\n    {sql[:1_000]}" for stage, path, fault, sql in faults)
