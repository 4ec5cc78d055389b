"""How far a long piece of work has come, line by line; and the event it is done to."""

from django.core.management.base import CommandError, OutputWrapper

from liveblog.archive.exporting import Progress
from liveblog.models import Event


def told(stream: OutputWrapper) -> Progress:
    """Return what writes progress to ``stream``: one line that changes on a terminal, else the last of each kind."""

    def tell(what: str, done: int, total: int) -> None:
        is_last = done == total
        if stream.isatty():
            stream.write(f"\r{what}: {done} of {total}", ending="\n" if is_last else "")
        elif is_last:
            stream.write(f"{what}: {done} of {total}")

    return tell


def find_event(slug: str) -> Event:
    """Return the event of that address, a draft too, or raise ``CommandError``."""
    event = Event.objects.filter(slug=slug).first()
    if event is None:
        raise CommandError(f"There is no event “{slug}”.")
    return event
