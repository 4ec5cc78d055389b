"""``liveblog post <slug>`` publishes what it reads on standard input."""

import sys
import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveblog.management.progress import find_event
from liveblog.models import Event, KeyReused


class Command(BaseCommand):
    """Publish an update from a script."""

    help = "Publish what standard input holds, in Markdown, as an update; open pages have it within 2 seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the event's address, as in /events/<slug>/")
        parser.add_argument("--headline", default="")
        parser.add_argument("--key-moment", action="store_true", help="list it among the key moments")
        parser.add_argument("--author", metavar="USERNAME", help="who writes it (the event's first author)")
        parser.add_argument("--key", metavar="UUID", help="posting twice with one key publishes once")

    def handle(self, *, slug: str, headline: str, key_moment: bool, **options: Any) -> None:
        event = find_event(slug)
        author = find_author(event, options["author"])
        try:
            update = event.publish(
                author=author,
                body=read_standard_input(),
                headline=headline,
                is_key=key_moment,
                key=uuid.UUID(options["key"]) if options["key"] else None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except KeyReused as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError(f"The key must be a UUID, not “{options['key']}”.") from error
        self.stdout.write(f"Update {update.number}: {settings.BASE_URL}{update.get_absolute_url()}")


def find_author(event: Event, username: str | None) -> User:
    """Return the author of the update; raises ``CommandError``."""
    if username:
        author = User.objects.filter(username=username).first()
        problem = f"There is no user “{username}”."
    else:
        author = event.authors.order_by("pk").first()
        problem = "The event has no authors; name one with --author."
    if author is None:
        raise CommandError(problem)
    return author


def read_standard_input() -> str:
    """Return the text on standard input; raises ``CommandError`` for bytes that are no text."""
    if sys.stdin.isatty():
        sys.stderr.write("Write the update; Ctrl-D on a line of its own publishes it.\n")
    try:
        text = sys.stdin.read()
        text.encode()
    except UnicodeError as error:
        raise CommandError("Standard input holds no UTF-8 text.") from error
    return text
