"""``liveblog restored`` makes open pages load anew after a backup was restored."""

from typing import Any

from django.core.management.base import BaseCommand

from liveblog.models import Event


class Command(BaseCommand):
    """Give every event a new edition: the last step of restoring a backup."""

    help = "Give every event a new edition after a backup was restored, so that open pages load themselves anew."

    def handle(self, **options: Any) -> None:
        count = Event.objects.renew_editions()
        self.stdout.write(f"{count} events have a new edition.")
        self.stdout.write("Now restart every process of the service: open pages then load themselves anew.")
