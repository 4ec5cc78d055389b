"""The partials by name: one card, one tombstone, the parts of a page's head, the same bytes for everyone."""

from typing import NamedTuple

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from liveblog import players
from liveblog.models import Event, Update

KEY_MOMENTS = 100


class Head(NamedTuple):
    """What a page shows of its event beside the stream; each part has an id of its own."""

    masthead: SafeString
    pinned: SafeString
    keys: SafeString

    def __str__(self) -> str:
        return "".join(self)


def card(update: Update) -> SafeString:
    """Return the update as readers see it: its article, or the empty article of one that is gone.

    ``update.event`` must be the object that its event was read as, so that no query is made.
    """
    return _part("liveblog/update.html#card", {"update": update, "event": update.event, "body": _body(update)})


def head(event: Event) -> Head:
    """Return the parts of the page's head, from queries made after ``event`` was read."""
    visible = event.updates.visible()
    pinned = visible.filter(number=event.pinned_number).first() if event.pinned_number else None
    marked = visible.filter(is_key=True).newest_first()
    marked = marked.only("event", "number", "headline", "body_text", "photos", "published_at")
    keys = list(marked[:KEY_MOMENTS])
    days = {update.published_at.astimezone(event.zone).date() for update in keys}
    form = "short" if len(days) > 1 else "clock"
    return Head(
        _part("liveblog/head.html#masthead", {"event": event}),
        _part("liveblog/head.html#pinned", {"event": event, "update": pinned, "body": pinned and _body(pinned)}),
        _part("liveblog/head.html#keys", {"event": event, "updates": keys, "form": form}),
    )


def _body(update: Update) -> str:
    return players.with_fronts(update.body_html)


def _part(name: str, context: dict[str, object]) -> SafeString:
    return mark_safe(get_template(name).render(context).strip())  # noqa: S308  (a template's output)
