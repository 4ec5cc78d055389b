"""``liveblog reload_readers``: after a release that draws cards differently, open pages fetch themselves anew."""

from typing import Any

from django.core.management.base import BaseCommand

from liveblog.models import Event


class Command(BaseCommand):
    """Give every public event a revision below which its readers reload."""

    help = "Have every open page fetch itself anew; run it after a release that changed how cards look."

    def handle(self, *args: Any, **options: Any) -> None:
        events = list(Event.objects.public())
        for event in events:
            event.reload_readers()
        noun = "event" if len(events) == 1 else "events"
        self.stdout.write(f"The readers of {len(events)} {noun} fetch their pages anew.")
