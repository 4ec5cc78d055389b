"""What a page of ours shows, by the address that a publisher names, and the path of its frame."""

from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve, reverse

from liveblog.embed.options import Options
from liveblog.models import Event

ADDRESS_CHARACTERS = 2_000
_EVENT_PAGES = {"event", "embed", "embed-code", "fragment"}
_UPDATE_PAGES = {"update", "embed-update"}


class Target(NamedTuple):
    """An event, or one update of it."""

    slug: str
    number: int | None = None

    @classmethod
    def from_address(cls, address: str) -> Self | None:
        """Return what the page at an absolute ``address`` shows; ``None`` if it is no page of an event or update here.

        The address is not fetched. http and https are the same site.
        """
        if len(address) > ADDRESS_CHARACTERS:
            return None
        try:
            asked, own = urlsplit(address), urlsplit(settings.BASE_URL)
            is_own = asked.scheme in {"http", "https"} and asked.netloc.lower() == own.netloc.lower()
            path = unquote(asked.path, errors="strict").removesuffix("/") + "/"  # people leave the last slash out
            match = resolve(path) if is_own else None
        except (ValueError, Resolver404):  # UnicodeDecodeError is a ValueError
            return None
        if match is None or match.url_name not in _EVENT_PAGES | _UPDATE_PAGES:
            return None
        return cls(match.kwargs["slug"], match.kwargs.get("number"))


def frame_path(event: Event, number: int | None = None, options: Options | None = None) -> str:
    """Return the path of the frame for an event, or for one update of it."""
    path = reverse("embed-update", args=[event.slug, number]) if number else reverse("embed", args=[event.slug])
    return path + (options.query if options else "")
