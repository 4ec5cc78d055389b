"""What load balancers ask: whether a process serves, and whether it can."""

import shutil
import time
from collections.abc import Callable

import httpx
import psycopg
import pytest

from liveblog import health
from tests.asgi import ask, run
from tests.server import Site


def parts(answer: httpx.Response) -> dict[str, str]:
    return dict(line.split(": ") for line in answer.text.splitlines())


@pytest.mark.django_db(transaction=True)
def test_it_serves_whatever_else_is_wrong_and_under_any_name() -> None:
    async def main() -> None:
        answer = await ask("/healthz", headers=((b"host", b"10.0.0.7:8000"),))
        assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, "ok\n", "no-store")
        assert (await ask("/healthz", method="HEAD")).body == ""
        for path in ("/healthz", "/readyz"):
            answer = await ask(path, method="POST")
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")

    run(main)


def test_a_server_that_can_serve_says_so_of_each_part(live_site: Site) -> None:
    answer = live_site.get("/readyz")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert parts(answer) == {"database": "ok", "media": "ok", "redis": "not used"}
    elsewhere = httpx.get(f"{live_site.url}/readyz", headers={"Host": "10.0.0.7"}, trust_env=False)
    assert elsewhere.status_code == 200


@pytest.mark.postgres
def test_a_database_that_is_gone_makes_it_unready_and_is_not_named(
    server: Callable[..., Site], postgres_url: str
) -> None:
    site = server(DATABASE_URL=postgres_url, REDIS_URL="redis://127.0.0.1:1/0")
    answer = site.get("/readyz")
    assert (answer.status_code, parts(answer)["database"], parts(answer)["redis"]) == (200, "ok", "degraded")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        newest = "SELECT max(id) FROM django_migrations WHERE app = 'liveblog'"
        connection.execute(f"DELETE FROM django_migrations WHERE id = ({newest})")
    _wait_until_old()
    answer = site.get("/readyz")
    assert (answer.status_code, parts(answer)["database"]) == (503, "1 migrations to apply")
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_url.removesuffix(name) + "postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    _wait_until_old()
    answer = site.get("/readyz")
    assert (answer.status_code, parts(answer)["database"]) == (503, "silent")
    assert name not in answer.text
    assert site.get("/healthz").status_code == 200


def test_photos_that_can_not_be_kept_make_it_unready(server: Callable[..., Site]) -> None:
    site = server()
    shutil.rmtree(site.data_dir / "media")
    (site.data_dir / "media").write_text("a file in the place of the folder")
    _wait_until_old()
    answer = site.get("/readyz")
    assert (answer.status_code, parts(answer)["media"]) == (503, "can’t be written to")


def _wait_until_old() -> None:
    """Wait until what was found is looked for again."""
    time.sleep(health.KEPT_SECONDS + 0.1)
