"""What an open desk asks every few seconds: the updates that changed, and the parts beside them."""

import re
import uuid
from typing import NamedTuple, Self

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog import live
from liveblog.desk.doors import AuthorRequest, desk_of
from liveblog.desk.page import Item
from liveblog.desk.presence import AttendedResponse, Presence
from liveblog.desk.queue import queue_context, queue_digest
from liveblog.desk.status import status_context
from liveblog.models import Event, Role

CHANGES = 200
"""A page that is further behind fetches its stream anew."""

_NUMBERS = re.compile(r"(?:[1-9]\d{0,8}(?:,[1-9]\d{0,8}){0,9})?", re.ASCII)


class Question(NamedTuple):
    """What an open desk has: all up to a revision of an edition, these updates shown as pinned, this queue and line.

    ``page`` is the key that the page made for itself; pages of a former release have none, and no line either.
    """

    after: int
    edition: str | None
    pinned: frozenset[int]
    queue: str
    presence: str
    page: uuid.UUID | None

    @classmethod
    def read(cls, request: AuthorRequest) -> Self:
        """Return what the query string says; raises ``ValueError``."""
        asked = live.Question.read(request.META["QUERY_STRING"])
        pinned = request.GET.get("pinned", "")
        if not _NUMBERS.fullmatch(pinned):
            raise ValueError("pinned must be numbers of updates")
        numbers = frozenset(int(number) for number in pinned.split(",") if number)
        queue, presence = (request.GET.get(part, "") for part in ("queue", "presence"))
        page = uuid.UUID(request.GET["page"]) if "page" in request.GET else None
        return cls(asked.after, asked.edition, numbers, queue, presence, page)

    def is_lost(self, event: Event) -> bool:
        """Whether no changes can lead from there to what ``event`` is now."""
        is_other = self.edition is not None and self.edition != event.edition
        return is_other or self.after > event.revision or self.after < event.reload_revision


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def changes(request: AuthorRequest, event: Event) -> HttpResponse:
    """Answer with what has changed after a revision: 204 for nothing, else a fragment of items and parts."""
    try:
        asked = Question.read(request)
    except ValueError as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
    items = None if asked.is_lost(event) else _items(request, event, asked)
    context = {
        "event": event,
        "after": asked.after,
        "items": items,
        "has_head": event.head_revision > asked.after,
    }
    if context["has_head"]:
        context |= status_context(event, request.role)
    if queue_digest(event, request.role, request.user) != asked.queue:
        context |= queue_context(event, request.role, request.user)
    presence = None if asked.page is None else Presence.read(event, request.user, asked.page)
    if presence is not None and presence.digest != asked.presence:
        context["presence"] = presence
    row = presence and presence.row
    if items == [] and asked.after == event.revision and not {"queue", "presence"} & context.keys():
        return AttendedResponse(status=204, request=request, row=row)
    return AttendedResponse(
        render_to_string("liveblog/desk/news.html#news", context, request), request=request, row=row
    )


def _items(request: AuthorRequest, event: Event, asked: Question) -> list[Item] | None:
    """Read what changed by the revision of ``event``'s row, or ``None`` for too much; withdrawn ones too.

    Moving the pin changes no update: those whose pin the page shows otherwise come as well.
    """
    updates = event.updates.select_related("author", "version_by").order_by()
    newer = updates.filter(revision__gt=asked.after, revision__lte=event.revision)
    changed = list(newer.order_by("revision")[: CHANGES + 1])
    if len(changed) > CHANGES:
        return None
    pinned = frozenset([event.pinned_number] if event.pinned_number else ())
    others = (asked.pinned ^ pinned) - {update.number for update in changed}
    found = [*changed, *updates.filter(number__in=others)]
    return [Item.of(update, request) for update in sorted(found, key=lambda update: update.revision)]
