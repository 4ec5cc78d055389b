"""What several commands need: to print how far a long piece of work is, and to find an event."""

from django.core.management.base import CommandError, OutputWrapper

from liveblog.archive.exporting import Progress
from liveblog.models import Event


def print_progress(stream: OutputWrapper) -> Progress:
    """Return a function that writes progress: one line that changes on a terminal, else the last line of each kind."""

    def show(what: str, done: int, total: int) -> None:
        is_last = done == total
        if stream.isatty():
            stream.write(f"\r{what}: {done} of {total}", ending="\n" if is_last else "")
        elif is_last:
            stream.write(f"{what}: {done} of {total}")

    return show


def find_event(slug: str) -> Event:
    """Return the event of that address, also a draft; raises ``CommandError``."""
    event = Event.objects.filter(slug=slug).first()
    if event is None:
        raise CommandError(f"There is no event “{slug}”.")
    return event
