"""Gives the links of a page addresses that work from a disk."""

import html
import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from liveblog.models import Event

_ADDRESSES = {"href", "src"}
_DROPPED = ("hx-", "data-jump", "data-copy", "data-enlarge")
"""What only scripts would use."""


class Site(NamedTuple):
    """Where things are in a static site: which update stands on which page, and how far up its root is."""

    event: Event
    places: dict[int, int]
    order: str
    pages: int
    size: int
    up: str = ""

    def find(self, address: str) -> str:
        """Return the address for the disk of one of ours; what is not in the site leads to the original."""
        if address.startswith("//"):  # on a disk it would be another computer's
            return f"https:{address}"
        if not address.startswith("/"):
            return address
        own = self.event.get_absolute_url()
        parts = urlsplit(address)
        if parts.path == own:
            around = parse_qs(parts.query).get("around", [""])[0]
            return self.up + (self._place(int(around)) if around.isdigit() else "index.html")
        inside = parts.path.removeprefix(own) if parts.path.startswith(own) else ""
        if match := re.fullmatch(r"updates/(\d+)/", inside):
            return f"{self.up}updates/{match[1]}.html" if int(match[1]) in self.places else settings.BASE_URL + address
        if re.fullmatch(r"photos/[0-9a-f]{32}-\d+\.webp", inside):
            return self.up + inside
        return settings.BASE_URL + address

    def _place(self, number: int) -> str:
        if number not in self.places:
            return "index.html"
        place = self.places[number]
        if self.order == "newest":
            place = len(self.places) - 1 - place
        return f"{self.order}-{place // self.size + 1}.html#update-{number}"


def relinked(page: str, site: Site) -> str:
    """Return ``page`` with its links led to where things are in ``site``; all else stays as it is."""
    parser = _Relinker(site)
    parser.feed(page)
    parser.close()
    return "".join(parser.parts)


class _Relinker(HTMLParser):
    """Copies a page, and writes start tags anew."""

    def __init__(self, site: Site) -> None:
        super().__init__(convert_charrefs=False)
        self.site = site
        self.parts: list[str] = []

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over ``<![…>`` as browsers do: Python's own way fails at those it does not know (3.13.0)."""
        return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = [(name, self._led(name, value)) for name, value in attrs if not name.startswith(_DROPPED)]
        written = "".join(f" {name}" if value is None else f' {name}="{html.escape(value)}"' for name, value in said)
        self.parts.append(f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")

    def handle_comment(self, data: str) -> None:
        """Leave comments out."""

    def _led(self, name: str, value: str | None) -> str | None:
        if value is None:
            return None
        if name in _ADDRESSES:
            return self.site.find(value)
        if name == "srcset":
            candidates = (candidate.strip().split(" ", 1) for candidate in value.split(", "))
            return ", ".join(" ".join([self.site.find(address), *rest]) for address, *rest in candidates)
        return value
