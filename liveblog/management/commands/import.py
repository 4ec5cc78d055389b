"""``liveblog import <folder>`` takes in an event that another installation has exported."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveblog.archive import ArchiveError, import_event
from liveblog.management.progress import print_progress


class Command(BaseCommand):
    """Import an event."""

    help = "Take in an event from a folder that the command export wrote; the same again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--slug", default="", help="give it another address")
        parser.add_argument("--replace", action="store_true", help="of the same event here, keep nothing but its place")

    def handle(self, *, folder: Path, slug: str, replace: bool, **options: Any) -> None:
        try:
            imported = import_event(folder, slug=slug, replace=replace, progress=print_progress(self.stderr))
        except (ArchiveError, OSError) as error:
            raise CommandError(f"Nothing was changed. {error}") from error
        event = imported.event
        for note in imported.notes:
            self.stdout.write(note)
        if imported.new_people:
            names = ", ".join(imported.new_people)
            self.stdout.write(f"New here, and without a password until you set one: {names}.")
        words = {"created": "is here now", "replaced": "was replaced", "unchanged": "is here already, the same"}
        self.stdout.write(f"“{event.slug}” {words[imported.did]}: {settings.BASE_URL}{event.get_absolute_url()}")
