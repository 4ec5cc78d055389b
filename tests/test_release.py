"""The digest of a release: the same wherever it runs, another for any script, style or template; in all answers."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template.loader import get_template
from django.test import Client

from liveblog.models import Event
from liveblog.release import digest
from tests.asgi import connect, in_thread, poll, run
from tests.server import publish, signed_in

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ("config", "liveblog", "static", "templates", "manage.py")
NAMED = re.compile(r'data-release="(\w+)"')


@pytest.fixture(scope="module")
def digest_of_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Return what the digest is in another process and folder, when a file there has another text."""
    folder = tmp_path_factory.mktemp("release") / "elsewhere"
    folder.mkdir()
    copy_program(folder)

    def ask(name: str = "", text: str = "") -> str:
        if name:
            (folder / name).write_text((ROOT / name).read_text() + text)
        script = "import django; django.setup(); from liveblog.release import digest; print(digest())"
        ours = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(folder / "data")}
        environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=folder, env=environ | ours, capture_output=True, text=True, check=True
        )
        if name:
            shutil.copyfile(ROOT / name, folder / name)
        return done.stdout.strip()

    return ask


def copy_program(folder: Path) -> None:
    """Copy what a release consists of into a folder that is there."""
    for name in PROGRAM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)


def test_the_digest_is_the_same_in_another_process_and_another_folder(digest_of_copy: Callable[..., str]) -> None:
    assert digest_of_copy() == digest()
    assert re.fullmatch("[0-9a-f]{12}", digest())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("static/js/shared/patch.js", "\n// other words"),
        ("static/css/site.css", "\n"),
        ("templates/liveblog/update.html", "\n"),
        ("templates/liveblog/update.html", "{% faulty %}"),
    ],
)
def test_any_script_style_or_template_makes_another_digest(
    digest_of_copy: Callable[..., str], name: str, text: str
) -> None:
    assert digest_of_copy(name, text) != digest()


def test_every_template_is_kept_once_the_digest_is_known(tmp_path: Path) -> None:
    """A process goes on with the templates that it began with though others are put in their place."""
    assert digest.__wrapped__() == digest()
    names = [path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")]
    assert len(names) > 50
    loaders = get_template("base.html").template.engine.template_loaders  # type: ignore[attr-defined]
    kept = {key for loader in loaders for key in getattr(loader, "get_template_cache", {})}
    assert set(names) <= kept


@pytest.mark.django_db(transaction=True)
def test_polls_and_sockets_name_it_also_when_there_is_nothing_new(event: Event) -> None:
    before = event.revision

    async def follow() -> None:
        async with connect(event, before) as socket:
            await in_thread(publish, event)
            assert NAMED.findall(await socket.text()) == [digest()]
        news = await poll(event, before)
        assert NAMED.findall(news.body) == [digest()]
        nothing, missing = await poll(event, before + 1), await poll(event, 0, slug="nowhere")
        assert (news.status, nothing.status, missing.status) == (200, 204, 404)
        for answer in (news, nothing, missing):
            assert answer.headers["Release"] == digest()
            assert "Release" in answer.headers["Access-Control-Expose-Headers"], "a frame in a sandbox is of no origin"

    run(follow)


@pytest.mark.django_db
def test_pages_name_it_and_are_the_same_bytes_for_everyone(event: Event, author: User) -> None:
    publish(event)
    event.refresh_from_db()
    for path in ("/", event.get_absolute_url(), f"{event.get_absolute_url()}embed/", "/events/nowhere/"):
        assert NAMED.findall(Client().get(path).content.decode()) == [digest()], path
    desk = signed_in(author)
    assert NAMED.findall(desk.get(f"/desk/{event.slug}/").content.decode()) == [digest()]
    for after, status in ((0, 200), (event.revision, 204)):
        answer = desk.get(f"/desk/{event.slug}/changes/", {"after": after, "edition": event.edition})
        if status == 200:
            assert NAMED.findall(answer.content.decode()) == [digest()]
        assert answer["Release"] == digest()
