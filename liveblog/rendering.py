"""Draws cards and the parts of a page's head from their templates: the same bytes for everyone.

What can't be drawn is logged and leaves an empty place; everything around it is drawn.
"""

import logging
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple, Self

from django import db
from django.template.loader import get_template
from django.utils.safestring import SafeString

from liveblog import markup, players
from liveblog.addresses import ABSOLUTE, READERS, Addresses
from liveblog.models import Event, Figure, Unreadable, Update
from liveblog.models.json_fields import parse_figures
from liveblog.models.place import in_zone

logger = logging.getLogger(__name__)

KEY_MOMENTS = 100
FAULT_CHARACTERS = 200
FAULTS_REMEMBERED = 1_000
"""How many of them a process does not log again."""


class Drawn(SafeString):
    """HTML; ``fault`` tells authors why it is only an empty place."""

    fault = ""


class Head(NamedTuple):
    """What a page shows of its event beside the stream; each part has an id of its own."""

    masthead: SafeString
    pinned: SafeString
    keys: SafeString

    def __str__(self) -> str:
        return "".join(self)


class Attempt:
    """A ``with`` block that draws one thing: an error in it is logged once and goes no further.

    Errors of the database do: they say nothing about the thing, and whoever asked has to ask again.
    """

    fault = ""

    def __init__(self, what: str, revision: int, remedy: str) -> None:
        self._what, self._revision, self._remedy = what, revision, remedy

    @classmethod
    def at_update(cls, update: Update) -> Self:
        """Return an attempt to draw an update, or a part of it."""
        return cls(f"Update {update.number} of “{update.event.slug}”", update.revision, "any edit of that update")

    @classmethod
    def at_part(cls, name: str, event: Event) -> Self:
        """Return an attempt to draw a part of an event's head."""
        return cls(f"{name} of “{event.slug}”", event.head_revision, "any change of title, summary, pin or key moments")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or isinstance(error, db.Error):
            return False
        name = type(error).__name__
        self.fault = str(error) if isinstance(error, Unreadable) else f"{name}: {error}"
        self.fault = markup.shorten(self.fault, characters=FAULT_CHARACTERS)
        _log_once(self._what, self._revision, self._remedy, name)
        return True


def card(update: Update, addresses: Addresses = READERS) -> Drawn:
    """Return an update's card; of a withdrawn one, the empty article that takes its place.

    ``update.event`` must be the object that its event was read as, so that no query is made.
    """
    context = {"update": update, "event": update.event}
    if update.withdrawn_at:
        return _part("liveblog/unshown.html#gone", context)
    with Attempt.at_update(update) as attempt:
        body = players.with_fronts(update.body_html)
        return _part("liveblog/update.html#card", _context(update, body, addresses))
    return _empty_place("card", context, attempt)


def entry(update: Update) -> Drawn:
    """Return an update's content for a feed."""
    with Attempt.at_update(update) as attempt:
        return _part("liveblog/entry.html", _context(update, update.body_html, ABSOLUTE))
    return _empty_place("entry", {}, attempt)


def article(update: Update) -> Drawn:
    """Return an update as plain HTML for the pages of other sites."""
    with Attempt.at_update(update) as attempt:
        return _part("liveblog/embed/fragment.html#update", _context(update, update.body_html, ABSOLUTE))
    return _empty_place("article", {"update": update, "event": update.event}, attempt)


def head(event: Event, addresses: Addresses = READERS) -> Head:
    """Return the parts of the page's head; its queries come after ``event`` was read."""
    visible = event.updates.visible()
    pinned = visible.filter(number=event.pinned_number).first() if event.pinned_number else None
    marked = visible.filter(is_key=True).newest_first()
    marked = marked.only("event", "number", "headline", "body_text", "photos", "published_at")
    keys = list(marked[:KEY_MOMENTS])
    return Head(_masthead(event, addresses), _pinned(event, pinned, addresses), _keys(event, keys, addresses))


def cover(event: Event, sizes: str, addresses: Addresses = READERS) -> Drawn:
    """Return the picture on top of an event's page, if it has one; ``sizes`` says how wide it is shown."""
    with Attempt.at_part("The cover", event):
        if event.cover is not None:
            picture = addresses.picture(event, Figure.from_json(event.cover, "cover"))
            return _part("liveblog/cover.html", {"event": event, "cover": picture, "sizes": sizes})
    return Drawn()


def _context(update: Update, body: str, addresses: Addresses) -> dict[str, Any]:
    """Return what an update is drawn from; raises ``Unreadable``."""
    event = update.event
    return {
        "update": update,
        "event": event,
        "number": str(update.number),  # as text: to localise numbers took a tenth of a card's time
        "body": addresses.in_text(body, event),
        "photos": [addresses.picture(event, figure) for figure in parse_figures(update.photos or [])],
        "permalink": addresses.permalink(update),
        "is_scripted": addresses.is_scripted,
    }


def _masthead(event: Event, addresses: Addresses) -> Drawn:
    context = {"event": event, "is_scripted": addresses.is_scripted}
    with Attempt.at_part("The masthead", event) as attempt:
        picture = cover(event, "(min-width: 62rem) 27rem, 100vw", addresses)
        summary = addresses.in_text(event.summary_html, event)
        return _part("liveblog/head.html#masthead", context | {"cover": picture, "summary": summary})
    return _empty_place("masthead", context, attempt)


def _pinned(event: Event, update: Update | None, addresses: Addresses) -> Drawn:
    context: dict[str, Any] = {"event": event, "update": update, "is_scripted": addresses.is_scripted}
    with Attempt.at_part("The pinned update", event) as attempt:
        if update:
            context["body"] = addresses.in_text(players.with_fronts(update.body_html), event)
            context["address"] = addresses.in_stream(update)
        return _part("liveblog/head.html#pinned", context)
    return _empty_place("pinned", context, attempt)


def _keys(event: Event, updates: list[Update], addresses: Addresses) -> Drawn:
    context = {"event": event, "updates": updates, "is_scripted": addresses.is_scripted}
    with Attempt.at_part("The list of key moments", event) as attempt:
        days = {in_zone(update.published_at, event.zone).date() for update in updates}
        found = [(update, addresses.in_stream(update)) for update in updates]
        return _part(
            "liveblog/head.html#keys", context | {"moments": found, "form": "short" if len(days) > 1 else "clock"}
        )
    return _empty_place("keys", context, attempt)


def _empty_place(name: str, context: Mapping[str, object], attempt: Attempt) -> Drawn:
    drawn = _part(f"liveblog/unshown.html#{name}", context)
    drawn.fault = attempt.fault
    return drawn


def _part(name: str, context: Mapping[str, object]) -> Drawn:
    drawn = Drawn(get_template(name).render(dict(context)).strip())
    drawn.encode()  # text that can't be encoded must fail here, not in the answer
    return drawn


@lru_cache(FAULTS_REMEMBERED)  # each revision's fault is logged when it is first met, not at every page and poll
def _log_once(what: str, revision: int, remedy: str, kind: str) -> None:
    logger.error(
        "%s can’t be drawn (revision %d, %s): an empty place is shown instead, and everything else as ever. "
        "When the cause is mended, the command reload_readers or %s brings it to open pages.",
        what,
        revision,
        kind,
        remedy,
        exc_info=sys.exception(),
    )
