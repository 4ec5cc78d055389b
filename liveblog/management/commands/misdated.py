"""``liveblog misdated`` lists updates that a wrong clock has dated in the future; ``--redate`` corrects them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from liveblog.management.progress import find_event
from liveblog.models import Event
from liveblog.models.misdated import find_misdated


class Command(BaseCommand):
    """List updates from the future, and redate them."""

    help = (
        "List the updates with times in the future, which a clock that ran ahead has given them. "
        "With --redate each gets the time at which it arrived, as far as that can be known; open pages follow. "
        "Run it once the clock is right: PostgreSQL's, or this machine's with SQLite."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="slug", help="of an event, as in /events/<slug>/; none: all")
        parser.add_argument("--redate", action="store_true", help="change them, instead of listing them only")

    def handle(self, *, slugs: list[str], redate: bool, **options: Any) -> None:
        count = 0
        for event in [find_event(slug) for slug in slugs] or Event.objects.order_by("pk"):
            for update, arrived_at in find_misdated(event):
                count += 1
                self.stdout.write(
                    f"“{event.slug}”, update {update.number}: {update.published_at:%Y-%m-%d %H:%M:%S} UTC, "
                    f"arrived {arrived_at:%Y-%m-%d %H:%M:%S} UTC: {update.title or 'no text'}"
                )
                if redate:
                    update.redate(arrived_at=arrived_at)
        noun = "update has" if count == 1 else "updates have"
        if not count:
            self.stdout.write("No update has a time in the future.")
        elif redate:
            self.stdout.write(f"{count} {noun} another time now; open pages follow.")
        else:
            self.stdout.write(f"{count} {noun} a time in the future. Nothing was changed; --redate does that.")
