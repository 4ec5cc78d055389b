"""Which release this process serves: one digest of all that an open page is made of."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.template import TemplateSyntaxError
from django.template.loader import get_template

STATIC_FILES = ("css/", "js/", "django_htmx/htmx-2.min")
"""How the names of the static files begin that pages load."""
CHARACTERS = 12


@cache
def digest() -> str:
    """Return hexadecimal characters that change with every script, style sheet and template, alike on all machines.

    The first call reads and compiles them. It is made when the process starts (config/asgi.py): a later release
    that is put in the same folder then changes neither the digest of this process nor what it draws.
    """
    total = hashlib.sha256()
    for name, content in sorted([*_templates(), *_static_files()]):
        total.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()[:CHARACTERS]


def _templates() -> Iterator[tuple[str, bytes]]:
    folder = Path(get_template("base.html").origin.name).parent  # type: ignore[attr-defined]
    for path in folder.rglob("*.html"):
        name = path.relative_to(folder).as_posix()
        with suppress(TemplateSyntaxError):  # where it is drawn, it leaves an empty place
            get_template(name)  # Django keeps it from now on
        yield f"templates/{name}", path.read_bytes()


def _static_files() -> Iterator[tuple[str, bytes]]:
    for finder in get_finders():
        for path, storage in finder.list(None):
            name = Path(path).as_posix()
            if name.startswith(STATIC_FILES):
                with storage.open(path) as file:
                    yield f"static/{name}", file.read()
