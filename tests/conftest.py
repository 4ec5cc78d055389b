"""What tests share: a file database, feeds and a bell that begin anew, people and events, real servers."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

IS_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

hypothesis_settings.register_profile(
    "liveblog",
    deadline=None,
    derandomize=IS_CI,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
hypothesis_settings.register_profile("night", hypothesis_settings.get_profile("liveblog"), max_examples=2_000)
# Where a fault is looked for that is known to be there, nobody needs its smallest example, which takes minutes.
hypothesis_settings.register_profile(
    "fault", hypothesis_settings.get_profile("liveblog"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
hypothesis_settings.load_profile({"long": "night", "fault": "fault"}.get(os.environ.get("NIGHT", ""), "liveblog"))

MEMORY_LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def pytest_configure() -> None:
    """Make the settings independent of whoever runs the tests."""
    from config.photo_storage import in_folder

    django_settings.ALLOWED_HOSTS = ["*"]
    django_settings.BASE_URL = "http://testserver"
    django_settings.MAILERS = {}
    django_settings.SECURE_SSL_REDIRECT = False
    django_settings.SESSION_COOKIE_SECURE = django_settings.CSRF_COOKIE_SECURE = False
    django_settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    # Names that change with their content are for servers, which collect them at their start.
    django_settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.STORAGES["default"] = in_folder()
    django_settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Keep the tests' SQLite in a file: threads share it as they do in service. It need not survive a power cut.

    Nor need PostgreSQL's, which would else wait for the disk at every commit; and to make a database may take it
    longer than a statement may in service.
    """
    database = django_settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        database["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    else:
        database["OPTIONS"]["options"] = "-c synchronous_commit=off"


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """After a test with transactions, empty all tables but those that migrate has filled.

    Django empties those too and has post_migrate fill them again: 50 ms after each such test instead of 3.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)
        yield


def _empty_tables(_: TransactionTestCase) -> None:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in set(tables) - {"django_content_type", "auth_permission"}:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@pytest.fixture(autouse=True)
def fresh_bell(settings: Any) -> None:
    """Begin each test with an empty channel layer, as a command does."""
    from liveblog.bell import Bell

    use_layer(settings, MEMORY_LAYER)
    Bell.current.set(None)


@pytest.fixture(autouse=True)
def patient_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let feeds wait for the database as long as a busy machine takes; tests of its silence say when it is silent."""
    from liveblog.feed import registry

    monkeypatch.setattr(registry, "SILENT_SECONDS", 600.0)


def use_layer(settings: Any, layers: dict[str, Any]) -> None:
    """Ring the bell on another channel layer from now on."""
    settings.CHANNEL_LAYERS = layers
    channel_layers.backends = {}


@pytest.fixture
def author(db: None) -> Any:
    """An author."""
    from tests.server import make_user

    return make_user("ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def make_event(db: None) -> Callable[..., Any]:
    """Make an event: ``make_event(status="live", updates=3)``."""
    from tests.server import make_event

    return make_event


@pytest.fixture
def event(make_event: Callable[..., Any], author: Any) -> Any:
    """A live event by ``author``."""
    return make_event(author=author)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a server, known by the folder for its data that they ask for."""
    for item in items:
        if {"first_start", "prepared_data_dir"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def prepared_data_dir(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder as a deployment leaves it, migrated and with static files: made once a run, to be copied."""
    from tests.server import prepare

    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "prepared"
    with held(folder.with_suffix(".lock")):
        if not folder.exists():
            prepare(folder)
    return folder


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Let one of the processes that run tests at a time do something."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def server(prepared_data_dir: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """Start a server of the test's own, which it may stop, kill and restart: ``server(REDIS_URL="…")``."""
    from tests.server import Site, copy_data_dir

    sites: list[Site] = []

    def start(*, data_dir: Path | None = None, **options: Any) -> Site:
        folder = data_dir or copy_data_dir(prepared_data_dir, tmp_path / f"server-{len(sites)}")
        site = Site(folder, django_db_blocker.unblock, **options)
        sites.append(site)
        site.start()
        return site

    yield start
    for site in sites:
        site.close()


@pytest.fixture(scope="session")
def lasting_site(
    prepared_data_dir: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[Any]:
    """The server behind ``live_site``."""
    from tests.server import Site, copy_data_dir

    site = Site(copy_data_dir(prepared_data_dir, tmp_path_factory.mktemp("site") / "data"), django_db_blocker.unblock)
    site.start()
    yield site
    site.close()


@pytest.fixture
def live_site(lasting_site: Any) -> Any:
    """A running server that tests share, each with events of its own; who stops servers asks for ``server``."""
    assert lasting_site.is_healthy(), lasting_site.log
    return lasting_site


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for buckets."""
    from tests.bucket import serving_buckets

    with serving_buckets(tmp_path_factory.mktemp("buckets")) as address:
        yield address


@pytest.fixture
def bucket(bucket_server: str) -> Iterator[Any]:
    """An empty bucket, with a network before it that can be cut."""
    import uuid

    from tests.browser.proxy import Proxy
    from tests.bucket import Bucket

    with Proxy(int(bucket_server.rpartition(":")[2])) as network:
        yield Bucket(f"photos-{uuid.uuid4().hex}", bucket_server, network)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The Redis that tests may use, or a skip that says why there is none; in CI that is a failure."""
    import redis

    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=20) as client:
            client.ping()
    except redis.RedisError as error:
        message = f"no Redis at TEST_REDIS_URL ({url}): {error}"
        pytest.fail(message) if IS_CI else pytest.skip(message)
    return url


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database of its own on the PostgreSQL that tests may use, or a skip that says why; in CI a failure."""
    import uuid
    from urllib.parse import urlsplit, urlunsplit

    import psycopg

    url = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    try:
        admin = psycopg.connect(url, autocommit=True, connect_timeout=20)
    except psycopg.OperationalError as error:
        message = f"no PostgreSQL at TEST_POSTGRES_URL: {str(error).strip().splitlines()[0]}"
        pytest.fail(message) if IS_CI else pytest.skip(message)
    name = f"liveblog_{uuid.uuid4().hex[:12]}"
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
