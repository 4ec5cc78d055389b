"""When no child can render Markdown: a 503 that says when to come again, and nothing anybody wrote is lost."""

import io
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from liveblog import markup
from liveblog.models import Event, Waiting

TEXT = "Written on the *stairs* & not to be lost"
SORRY = "The service could not render this just now."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def waiting(event: Event, author: User) -> Waiting:
    held = event.submit(author=author, body="For later.", due_at=timezone.now() + timedelta(hours=1))
    assert isinstance(held, Waiting)
    return held


@pytest.fixture
def desk(author: User) -> Client:
    client = Client()
    client.force_login(author)
    return client


@contextmanager
def dying_children(folder: Path) -> Iterator[None]:
    """Let each child die of what is not the text's fault."""
    script = folder / "child.py"
    script.write_text("import os; input(); os.kill(os.getpid(), 9)")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(markup, "_CHILD", script)
        patched.setattr(markup, "renderers", markup.Renderers())
        yield


FORMS: dict[str, tuple[Callable[[Event, Waiting], str], dict[str, str], str]] = {
    "a new update": (
        lambda event, _: reverse("desk-updates", args=[event.slug]),
        {"key": "0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d01", "headline": "Kept"},
        "body",
    ),
    "an edit": (lambda event, _: reverse("desk-update", args=[event.slug, 1]), {"headline": "Kept"}, "body"),
    "what waits": (
        lambda event, waiting: reverse("desk-waiting", args=[event.slug, waiting.key]),
        {"headline": "Kept", "version": "1", "at": "2199-01-01T12:00"},
        "body",
    ),
    "the settings": (lambda event, _: reverse("desk-settings", args=[event.slug]), {"title": "Kept"}, "summary"),
    "a new event": (lambda *_: reverse("desk-new"), {"title": "Kept"}, "summary"),
}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_comes_back_whole_and_says_when_to_try_again(
    name: str,
    headers: dict[str, str],
    event: Event,
    author: User,
    waiting: Waiting,
    desk: Client,
    tmp_path: Path,
) -> None:
    event.publish(author=author, body="The first.")
    address, fields, field = FORMS[name]
    before = _state(event)
    with dying_children(tmp_path):
        answer = desk.post(address(event, waiting), fields | {field: TEXT}, headers=headers)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    page = unescape(answer.content.decode())
    assert SORRY in page
    assert re.search(rf'<textarea name="{field}"[^>]*>\s*{re.escape(TEXT)}</textarea>', page)
    assert 'value="Kept"' in page
    assert _state(event) == before


def _state(event: Event) -> Any:
    event.refresh_from_db()
    return Event.objects.count(), event.revision, event.title, event.waiting.values_list("body", "version").get()


def test_an_outbox_is_told_to_send_it_again_and_then_it_is_published_once(
    event: Event, author: User, desk: Client, tmp_path: Path
) -> None:
    address, fields = reverse("desk-updates", args=[event.slug]), {"key": str(uuid.uuid4()), "body": TEXT}
    outbox = {"Liveblog-Author": str(author.pk)}
    with dying_children(tmp_path):
        answer = desk.post(address, fields, headers=outbox)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.decode().startswith(SORRY)
    assert not event.updates.exists()
    assert [desk.post(address, fields, headers=outbox).status_code for _ in range(2)] == [200, 200]
    assert event.updates.get().body == TEXT


def test_a_preview_says_that_there_is_none_just_now(event: Event, desk: Client, tmp_path: Path) -> None:
    for _ in range(2):  # the first has not kept its author's place
        with dying_children(tmp_path):
            answer = desk.post(reverse("desk-render", args=[event.slug]), {"body": TEXT}, headers=HTMX)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.content.decode().startswith(SORRY)


def test_a_script_is_told_in_one_line(event: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    with dying_children(tmp_path), pytest.raises(CommandError, match=re.escape(SORRY)):
        call_command("post", event.slug)
    assert not event.updates.exists()


def test_an_import_is_refused_with_the_place_and_can_be_tried_again(event: Event, author: User, tmp_path: Path) -> None:
    event.publish(author=author, body=TEXT)
    call_command("export", event.slug, str(tmp_path / "moved"), stdout=io.StringIO())
    event.delete()
    with dying_children(tmp_path), pytest.raises(CommandError, match=rf"updates.*{re.escape(SORRY)}"):
        call_command("import", str(tmp_path / "moved"), stdout=io.StringIO())
    assert not Event.objects.exists()
    call_command("import", str(tmp_path / "moved"), stdout=io.StringIO())
    assert Event.objects.get().updates.get().body == TEXT
