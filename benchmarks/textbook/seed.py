"""Fills the peer's database with what ours has; run by ``benchmarks.servers`` before the server starts."""

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import content  # noqa: E402
from benchmarks.textbook.models import Event, Update  # noqa: E402


def seed() -> None:
    """Make one author and the events of the two measures that have a peer of its own."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    author = User.objects.create_user(content.USERNAME, password=content.PASSWORD)
    for slug in (content.FANOUT, content.POLL):
        event = Event.objects.create(title="The ferry comes home", slug=slug)
        Update.objects.bulk_create(
            Update(event=event, author=author, headline=content.HEADLINE, body=content.BODY)
            for _ in range(content.UPDATES)
        )


if __name__ == "__main__":
    seed()
