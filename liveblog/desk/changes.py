"""What an open desk asks every few seconds: what has changed, and who else is there."""

import logging
import re
import uuid
from typing import Any, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from liveblog import live
from liveblog.desk.access import AuthorRequest, desk_of
from liveblog.desk.page import Item, status_context
from liveblog.desk.queue import digest_of, queue_context, queue_digest
from liveblog.disconnects import HAS_LEFT
from liveblog.feed.audience import count_readers
from liveblog.models import Attendance, Event, Role, byline_of

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


logger = logging.getLogger(__name__)


NAMES_SHOWN = 6
PAGES_EACH = 20
"""So many open pages of one person have rows; further ones are told who is there and not counted."""


class Presence(NamedTuple):
    """What one page of the desk is told of the others, and what is to be written about it."""

    names: list[str]
    more: int
    readers: int | None
    row: Attendance | None
    """To be written now, so that others see this page."""

    @classmethod
    def read(cls, event: Event, user: User, page: uuid.UUID) -> Self:
        """Read it for a page that ``user`` has open; a draft has no readers to speak of."""
        present = list(event.attendances.present().select_related("user"))
        own = [row for row in present if row.user_id == user.pk]
        others = {row.user_id: byline_of(row.user) for row in present if row.user_id != user.pk}
        names = sorted(others.values(), key=str.casefold)
        shown = names if len(names) <= NAMES_SHOWN else names[: NAMES_SHOWN - 1]
        readers = count_readers(event) if event.is_public else None
        return cls(
            shown, len(names) - len(shown), readers, _row_to_write(own, Attendance(event=event, user=user, page=page))
        )

    @property
    def digest(self) -> str:
        """Changes with everything that is shown."""
        return digest_of([self.names, self.more, self.readers])


def _row_to_write(own: list[Attendance], new: Attendance) -> Attendance | None:
    known = next((row for row in own if row.page == new.page), None)
    if known is not None:
        return known if known.is_due else None
    return new if len(own) < PAGES_EACH else None


class AttendedResponse(HttpResponse):
    """An answer after which the row of the page that asked is written.

    It has been sent by then (ASGI closes a response afterwards), so it waits for no lock of the database, and a
    database that refuses the write has answered all the same. A request that its page gave up writes nothing: the
    page may have been closed, and has said so by now.
    """

    def __init__(self, *args: Any, request: HttpRequest, row: Attendance | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._scope: dict[str, Any] = getattr(request, "scope", {})  # a request by WSGI has none
        self._row = row

    def close(self) -> None:
        """Write the row before Django lets go of the connection."""
        if self._row is not None and HAS_LEFT not in self._scope:
            try:
                self._row.touch()
            except Error as error:
                logger.warning("That a desk is open could not be written: %s", error)
        super().close()


@never_cache
@csrf_exempt
@require_POST
def departure(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget a page that is being closed, at once.

    The page's key is the permission: only the page knows it. A session would not do, since signing out ends it
    before the page closes; nor would a token, since a beacon has no headers and the session's token may be newer.
    """
    try:
        page = uuid.UUID(request.POST.get("page", ""))
    except ValueError:
        return HttpResponse("page must be a UUID\n", status=400, content_type="text/plain; charset=utf-8")
    row = Attendance.objects.filter(event__slug=slug, page=page).first()
    if row is not None:  # a key that nobody has takes no lock
        row.delete()
    return HttpResponse(status=204)
