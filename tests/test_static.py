"""Static files while two releases serve: names of both are answered, and the former's go a week later."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from config.storage import KEPT_SECONDS, ModuleStaticFilesStorage
from tests.server import Site


@pytest.fixture
def collect(tmp_path: Path) -> Callable[[str], str]:
    """Collect a release whose one file holds this text, and return its name."""
    source, root = tmp_path / "source", tmp_path / "collected"
    source.mkdir()
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "config.storage.ModuleStaticFilesStorage"},
    }

    def make(text: str) -> str:
        (source / "page.js").write_text(text)
        os.utime(source / "page.js", (time.time() + len(text),) * 2)  # newer than what was collected before
        finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        with override_settings(
            STATICFILES_DIRS=[source], STATIC_ROOT=root, STORAGES=storages, STATICFILES_FINDERS=finders
        ):
            call_command("collectstatic", interactive=False, verbosity=0)
            return ModuleStaticFilesStorage(location=root).stored_name("page.js")

    return make


def test_a_former_release_s_files_stay_for_a_week_after_they_were_replaced(
    collect: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "collected"

    def age(seconds: float) -> None:
        for path in folder.rglob("*"):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))

    first = collect("one")
    age(50 * 86400)  # it served for long
    second = collect("two, longer")
    assert first != second
    assert (folder / first).exists()
    age(KEPT_SECONDS - 3600)
    third = collect("three, longer again")
    assert all((folder / name).exists() for name in (first, second, third))
    age(2 * 3600)
    assert collect("three, longer again") == third
    assert not (folder / first).exists()
    assert (folder / second).exists()
    assert (folder / third).exists()


def test_a_process_of_the_former_release_has_the_files_of_the_next(live_site: Site) -> None:
    assert live_site.get("/static/js/later.0123456789ab.js").status_code == 404
    path = live_site.data_dir / "static" / "js" / "later.0123456789ab.js"
    path.write_text("export {};")
    answer = live_site.get("/static/js/later.0123456789ab.js")
    assert (answer.status_code, answer.text) == (200, "export {};")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    for outside in ("../secret_key", "%2e%2e/secret_key", "..%2fsecret_key", "/etc/passwd"):
        assert live_site.get(f"/static/{outside}").status_code == 404
