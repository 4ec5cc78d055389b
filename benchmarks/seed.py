"""Fills our database with the events that are named, as ``slug:updates``; run before the server starts."""

import sys
import uuid
from collections.abc import Iterable
from datetime import timedelta

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks import content  # noqa: E402
from liveblog import markup  # noqa: E402
from liveblog.models import Event, Update  # noqa: E402


def seed(events: Iterable[str]) -> None:
    """Make one author and these events."""
    call_command("migrate", interactive=False, verbosity=0)
    author = User.objects.create_user(content.USERNAME, password=content.PASSWORD)
    for slug, updates in (event.split(":") for event in events):
        event = Event.objects.create(title="The ferry comes home", slug=slug, summary="All day from the harbour.")
        event.authors.add(author)
        event.go_live()
        fill(event, author, updates=int(updates))


def fill(event: Event, author: User, *, updates: int) -> None:
    """Give the event as many updates as if each had been published, in one go; pin one of them."""
    body_html = markup.render(content.BODY)
    body_text = markup.plain(body_html)
    begins_at = timezone.now() - timedelta(minutes=updates)
    rows = [
        Update(
            event=event,
            number=number,
            revision=event.revision + number,
            key=uuid.uuid4(),
            digest="0" * 64,
            author=author,
            byline="Ada",
            headline=content.HEADLINE,
            body=content.BODY,
            body_html=body_html,
            body_text=body_text,
            is_key=number % (updates // content.KEY_MOMENTS) == 0,
            published_at=begins_at + timedelta(minutes=number),
        )
        for number in range(1, updates + 1)
    ]
    Update.objects.bulk_create(rows, batch_size=1_000)
    with event.change() as locked:
        locked.last_number = updates
        locked.latest_clock = rows[-1].published_at
        locked.revision += updates - 1
        locked.take_revision(head=True)
    event.pin(update=event.updates.get(number=updates // 2))


if __name__ == "__main__":
    seed(sys.argv[1:])
