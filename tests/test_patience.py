"""How long a statement may take: on a server not for long, in a command, a deletion or a download as long as it needs.

Only PostgreSQL knows such limits, and only a process of its own shows which connections have them.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from tests.server import ROOT

PLENTY_SECONDS = 60


@pytest.mark.postgres
def test_a_server_ends_what_hangs_and_neither_commands_nor_deletions_nor_downloads_are_bound_by_that(
    postgres_url: str,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup(); from tests import test_patience; test_patience.main()"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres_url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8_000:]
    assert done.stdout.endswith("All of it holds.\n")


def main() -> None:
    """Be a command first, then a server, on the database of the settings."""
    from django.conf import settings

    from tests.conftest import pytest_configure

    pytest_configure()
    settings.STATEMENT_SECONDS = 0.2
    check_command()

    import config.asgi  # as a server does when it starts

    check_server()
    del settings.DATABASES["default"]["OPTIONS"]["options"]  # what follows shall not fail on a slow machine
    config.asgi.limit_statements(PLENTY_SECONDS)
    check_downloads()
    check_purge_and_deletion()
    print("All of it holds.")


def check_command() -> None:
    from django.core.management import call_command

    from tests.server import make_event, make_user

    call_command("migrate", verbosity=0)
    assert limit() == "0"
    sleep(0.4)
    make_event("Storm", slug="storm", updates=3, author=make_user("ada"))


def check_server() -> None:
    from django.db import OperationalError, connection

    for _ in range(2):  # whichever thread, however late
        with pytest.raises(OperationalError, match="statement timeout"):
            on_server(lambda: sleep(PLENTY_SECONDS))
    assert on_server(limit) == "200ms"
    connection.close()
    assert limit() == "200ms"


def check_downloads() -> None:
    def download(name: str) -> set[str]:
        from django.db import connection

        limits: set[str] = set()

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            if 'FROM "liveblog_update"' in sql and "COUNT(" not in sql:
                row = context["connection"].connection.execute("SELECT current_setting('statement_timeout')")
                limits.update(row.fetchone())
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            content = b"".join(signed_in().get(f"/desk/storm/archive/{name}"))
            assert ZipFile(BytesIO(content)).testzip() is None
        assert limit() == "1min"
        return limits

    for name in ("site.zip", "export.zip"):
        assert on_server(lambda name=name: download(name)) == {"0"}, name


def check_purge_and_deletion() -> None:
    """Both are done by a database that refuses to erase or to delete under a limit."""
    from django.db import connection

    from liveblog.models import Event

    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION be_patient() RETURNS trigger AS $$ BEGIN
                IF current_setting('statement_timeout') <> '0' THEN RAISE EXCEPTION 'in a hurry'; END IF;
                RETURN coalesce(NEW, OLD);
            END $$ LANGUAGE plpgsql;
            CREATE TRIGGER erasing BEFORE UPDATE OF erased_at ON liveblog_update FOR EACH ROW
                WHEN (NEW.erased_at IS NOT NULL) EXECUTE FUNCTION be_patient();
            CREATE TRIGGER deleting BEFORE DELETE ON liveblog_update FOR EACH ROW EXECUTE FUNCTION be_patient();
            """
        )

    def send(path: str, **fields: str) -> str:
        assert signed_in().post(f"/desk/storm/{path}", fields).status_code == 302
        return limit()

    assert on_server(lambda: send("updates/2/purge/", number="2")) == "1min", "it is lifted for its transaction alone"
    assert Event.objects.get().updates.get(number=2).erased_at
    assert on_server(lambda: send("deletion/", slug="storm")) == "1min"
    assert not Event.objects.exists()


def on_server[T](work: Callable[[], T]) -> T:
    """Run ``work`` as a request is: in a thread with a new connection of its own."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    def careful() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(careful).result()


def signed_in() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="ada"))
    return client


def sleep(seconds: float) -> None:
    """Run a statement that takes so long."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def limit() -> str:
    """Return how long a statement may take now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])
