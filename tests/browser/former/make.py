"""Keeps what browsers have of a release: ``.venv/bin/python tests/browser/former/make.py COMMIT``, once it is released.

``pages.zip`` then holds a reader's page and the desk of a live event without updates, ``/desk/sw.js``, and the static
files that these load. What differs from site to site stands in parentheses there, as ``(slug)``. The same commit makes
the same bytes. tests/browser/test_upgrade.py opens them in front of the present server.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ZIP = Path(__file__).with_name("pages.zip")
VALUES = {
    "slug": "former-slug",
    "title": "The former title",
    "edition": "f0f0f0f0",
    "revision": 7007007,
    "user": 6006006,
}
RANDOM = re.compile(r'name="(csrfmiddlewaretoken|key)" value="[^"]+"')

SHOW = """
import datetime, json, sys, uuid
import django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from liveblog.models import Event

values = json.loads(sys.argv[1])
long_ago = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ada = User.objects.create(pk=values["user"], username="ada")
event = Event.objects.create(title=values["title"], slug=values["slug"], uuid=uuid.UUID(int=0))
event.authors.add(ada)
event.go_live()
fields = {field.name: getattr(event, field.name) for field in Event._meta.fields}
dated = {name: long_ago for name, value in fields.items() if isinstance(value, datetime.datetime)}
Event.objects.update(edition=values["edition"], revision=values["revision"], **dated)
reader, author = Client(), Client()
author.force_login(ada)
addresses = {"event.html": f"/events/{event.slug}/", "desk.html": f"/desk/{event.slug}/", "sw.js": "/desk/sw.js"}
pages = {name: (author if "/desk/" in path else reader).get(path).content.decode() for name, path in addresses.items()}
print(json.dumps(pages))
"""


def main(commit: str) -> None:
    """Write ``pages.zip`` anew from a commit."""
    with tempfile.TemporaryDirectory() as folder:
        checkout, data = Path(folder, "checkout"), Path(folder, "data")
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(checkout, filter="data")
        run(checkout, data, "manage.py", "migrate", "--verbosity=0")
        run(checkout, data, "manage.py", "collectstatic", "--noinput", "--verbosity=0")
        pages: dict[str, str] = json.loads(run(checkout, data, "-c", SHOW, json.dumps(VALUES)))
        files = {name: text.encode() for name, text in with_placeholders(pages).items()}
        for address in re.findall(r'"(/static/[^"]+)"', pages["sw.js"].replace('\\"', '"')):
            files[address[1:]] = (data / address[1:]).read_bytes()
    write(files)


def run(checkout: Path, data: Path, *words: str) -> str:
    """Run Python on a checkout, with data of its own, and return what it printed."""
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(data),
        "BASE_URL": "http://former.example.org",
        "ALLOWED_HOSTS": "testserver",
        "SECRET_KEY": "of no site",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(checkout),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = (sys.executable, *words)
    return subprocess.run(words, cwd=checkout, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout


def with_placeholders(pages: dict[str, str]) -> dict[str, str]:
    """Replace what differs from site to site."""
    found = {}
    for name, text in pages.items():
        for placeholder, value in VALUES.items():
            text = text.replace(str(value), f"({placeholder})")
        found[name] = RANDOM.sub(r'name="\1" value="(\1)"', text)
    return found


def write(files: dict[str, bytes]) -> None:
    """Write the archive with nothing in it that depends on the day or the machine."""
    with zipfile.ZipFile(ZIP, "w") as kept:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            kept.writestr(entry, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(*sys.argv[1:])
