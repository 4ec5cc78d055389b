"""``liveblog export <slug> <folder>`` writes an event, whole, to move it to another installation."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveblog.archive import ArchiveError, export
from liveblog.management.progress import find_event, print_progress


class Command(BaseCommand):
    """Export an event."""

    help = "Write an event with its updates, their versions and its photos into a folder, for the command import."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the event's address, as in /events/<slug>/")
        parser.add_argument("folder", type=Path, help="a new folder, or one with an earlier export")

    def handle(self, *, slug: str, folder: Path, **options: Any) -> None:
        try:
            export(find_event(slug), folder, progress=print_progress(self.stderr))
        except (ArchiveError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"“{slug}” is in {folder}.")
