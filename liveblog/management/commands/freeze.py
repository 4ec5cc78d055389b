"""``liveblog freeze <slug> <folder>`` writes an event as a static site that opens from a disk."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveblog.archive import ArchiveError, freeze
from liveblog.management.progress import find_event, print_progress


class Command(BaseCommand):
    """Freeze an event."""

    help = "Write an event as a static site: pages, photos, feeds and data, without anything that needs a server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the event's address, as in /events/<slug>/")
        parser.add_argument("folder", type=Path, help="a new folder, or one with an earlier copy")

    def handle(self, *, slug: str, folder: Path, **options: Any) -> None:
        try:
            freeze(find_event(slug), folder.absolute(), progress=print_progress(self.stderr))
        except (ArchiveError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Open {folder / 'index.html'}")
