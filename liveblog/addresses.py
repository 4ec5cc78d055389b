"""Where the links of cards and heads lead, depending on where they are shown."""

import re
from functools import partial
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse

from liveblog import markup
from liveblog.models import Event, Figure, Update


class Addresses:
    """Readers' pages: paths on this site, with the attributes that scripts use."""

    is_scripted = True

    def stream(self, event: Event) -> str:
        """Return the address of an event's page."""
        return event.get_absolute_url()

    def in_stream(self, update: Update) -> str:
        """Return the address of an update's place on its event's page."""
        return f"{self.stream(update.event)}?around={update.number}#update-{update.number}"

    def permalink(self, update: Update) -> str:
        """Return the address of an update's own page."""
        return update.get_absolute_url()

    def photo(self, event: Event, name: str, width: int) -> str:
        """Return the address of one width of a photo."""
        return reverse("photo", args=[event.slug, name, width])

    def in_text(self, safe_html: str, event: Event) -> str:
        """Return what an author of ``event`` wrote, with its links as they must be here."""
        return safe_html

    def picture(self, event: Event, figure: Figure) -> dict[str, Any]:
        """Return what a template needs to show a photo."""
        addresses = {width: self.photo(event, figure.name, width) for width in figure.widths}
        return figure._asdict() | {
            "is_tall": figure.height > figure.width * 1.1,
            "smallest": addresses[figure.widths[0]],
            "largest": addresses[figure.widths[-1]],
            "srcset": ", ".join(f"{address} {width}w" for width, address in addresses.items()),
        }


class Absolute(Addresses):
    """Feeds and other sites: whole addresses, without attributes for scripts."""

    is_scripted = False

    def stream(self, event: Event) -> str:
        return absolute(super().stream(event))

    def permalink(self, update: Update) -> str:
        return absolute(super().permalink(update))

    def photo(self, event: Event, name: str, width: int) -> str:
        return absolute(super().photo(event, name, width))

    def in_text(self, safe_html: str, event: Event) -> str:
        return markup.relinked(safe_html, partial(urljoin, self.stream(event)))


class AtDesk(Addresses):
    """The desk of a draft: photos come from the desk, as readers' addresses are a 404."""

    def photo(self, event: Event, name: str, width: int) -> str:
        return reverse("desk-photo", args=[event.slug, name, width])


class InPreview(AtDesk):
    """An event's preview: links stay in it, as readers' pages are a 404 while it is a draft."""

    def stream(self, event: Event) -> str:
        return reverse("desk-preview", args=[event.slug])

    def permalink(self, update: Update) -> str:
        return self.in_stream(update)

    def in_text(self, safe_html: str, event: Event) -> str:
        own, here = event.get_absolute_url(), self.stream(event)

        def lead(address: str) -> str:
            if update := re.fullmatch(rf"{own}updates/([0-9]+)/", address):
                return f"{here}?around={update[1]}#update-{update[1]}"
            return here + address.removeprefix(own) if address.startswith(f"{own}?") else address

        return markup.relinked(safe_html, lead)


READERS = Addresses()
ABSOLUTE = Absolute()


def absolute(path: str) -> str:
    """Return the whole address of a path of ours."""
    return f"{settings.BASE_URL}{path}"


def socket_address(event: Event) -> str:
    """Return where the event's socket is; an empty text where the settings allow none and everybody polls."""
    return f"{event.get_absolute_url()}live/" if settings.SOCKETS_PER_PROCESS else ""
