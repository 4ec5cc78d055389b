"""Where the links of a static site lead: to its own files, and to the original for what is not in it."""

import re
from urllib.parse import parse_qs, urlsplit

from liveblog import markup
from liveblog.addresses import Addresses, absolute
from liveblog.models import Event, Update


class SiteAddresses(Addresses):
    """The files of one event's static site, as seen from one of its pages."""

    is_scripted = False

    def __init__(self, event: Event, positions: dict[int, int], *, order: str, size: int, up: str = "") -> None:
        self._event = event
        self._positions = positions
        """Of each update, by its number, among all from the oldest."""
        self._order, self._size = order, size
        self._up = up
        """What leads from the page to the top of the site."""

    def stream(self, event: Event) -> str:
        return f"{self._up}index.html"

    def in_stream(self, update: Update) -> str:
        return self._up + self._position(update.number)

    def permalink(self, update: Update) -> str:
        return f"{self._up}updates/{update.number}.html"

    def photo(self, event: Event, name: str, width: int) -> str:
        return f"{self._up}photos/{name}-{width}.webp"

    def in_text(self, safe_html: str, event: Event) -> str:
        return markup.relinked(safe_html, self._lead)

    def _lead(self, address: str) -> str:
        """Return where an address that an author typed leads from here."""
        if address.startswith("//"):  # on a disk it would be another computer's
            return f"https:{address}"
        if not address.startswith("/"):
            return address
        own = self._event.get_absolute_url()
        parts = urlsplit(address)
        if parts.path == own:
            around = parse_qs(parts.query).get("around", [""])[0]
            return self._up + (self._position(int(around)) if around.isdigit() else "index.html")
        inside = parts.path.removeprefix(own) if parts.path.startswith(own) else ""
        match = re.fullmatch(r"updates/(\d+)/", inside)
        if match and int(match[1]) in self._positions:
            return f"{self._up}updates/{match[1]}.html"
        if re.fullmatch(r"photos/[0-9a-f]{32}-\d+\.webp", inside):
            return self._up + inside
        return absolute(address)

    def _position(self, number: int) -> str:
        if number not in self._positions:
            return "index.html"
        position = self._positions[number]
        if self._order == "newest":
            position = len(self._positions) - 1 - position
        return f"{self._order}-{position // self._size + 1}.html#update-{number}"
