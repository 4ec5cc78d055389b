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

from liveblog import live, release
from liveblog.desk.access import AuthorRequest, desk_of
from liveblog.desk.page import Item, status_context
from liveblog.desk.queue import Queue, digest_of
from liveblog.disconnects import HAS_LEFT
from liveblog.errors import plain_text
from liveblog.feed.audience import count_readers
from liveblog.models import Attendance, Event, Role, byline_of

logger = logging.getLogger(__name__)

CHANGES = 200
"""A page that is further behind fetches its stream anew."""
NAMES_SHOWN = 6
PAGES_EACH = 20
"""So many open pages of one person have rows; further ones see who is there and aren't counted."""

_NUMBERS = re.compile(r"(?:[1-9]\d{0,8}(?:,[1-9]\d{0,8}){0,9})?", re.ASCII)


class Known(NamedTuple):
    """What an open desk shows: the changes up to a revision, the pinned updates, and digests of two parts.

    ``page`` is the key that the page made for itself; pages of a former release have none.
    """

    after: int
    edition: str | None
    pinned: frozenset[int]
    queue: str
    presence: str
    page: uuid.UUID | None

    @classmethod
    def parse(cls, request: AuthorRequest) -> Self:
        """Return what the query string says; raises ``ValueError``."""
        after, edition = live.Question.parse(request.META["QUERY_STRING"])
        pinned = request.GET.get("pinned", "")
        if not _NUMBERS.fullmatch(pinned):
            raise ValueError("pinned must be numbers of updates")
        numbers = frozenset(int(number) for number in pinned.split(",") if number)
        queue, presence = (request.GET.get(part, "") for part in ("queue", "presence"))
        page = uuid.UUID(request.GET["page"]) if "page" in request.GET else None
        return cls(after, edition, numbers, queue, presence, page)

    def is_lost(self, event: Event) -> bool:
        """Whether no changes can lead from there to what ``event`` is now."""
        is_other = self.edition is not None and self.edition != event.edition
        return is_other or self.after > event.revision or self.after < event.reload_revision


class Presence(NamedTuple):
    """The line on a page of the desk that says who else is there, and how many readers."""

    names: list[str]
    more: int
    readers: int | None
    due: Attendance | None
    """The row of this page, if it is time to write it, so that others see the page."""

    @classmethod
    def load(cls, event: Event, user: User, page: uuid.UUID) -> Self:
        """Read it for a page that ``user`` has open; a draft has no readers to speak of."""
        present = list(event.attendances.present().select_related("user"))
        others = {row.user_id: byline_of(row.user) for row in present if row.user_id != user.pk}
        names = sorted(others.values(), key=str.casefold)
        shown = names if len(names) <= NAMES_SHOWN else names[: NAMES_SHOWN - 1]
        readers = count_readers(event) if event.is_public else None
        own = {row.page: row for row in present if row.user_id == user.pk}
        row = own.get(page)
        if row is None and len(own) < PAGES_EACH:
            row = Attendance(event=event, user=user, page=page)
        return cls(shown, len(names) - len(shown), readers, row if row and row.is_due else None)

    @property
    def digest(self) -> str:
        """A text that changes with everything that is shown."""
        return digest_of([self.names, self.more, self.readers])


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def changes(request: AuthorRequest, event: Event) -> HttpResponse:
    """Answer with what a page of the desk lacks: 204 for nothing, else a fragment of items and parts."""
    try:
        known = Known.parse(request)
    except ValueError as error:
        return plain_text(str(error), 400)
    context: dict[str, Any] = {"event": event, "after": known.after, "items": _changed_items(request, event, known)}
    if event.head_revision > known.after:
        context |= {"has_head": True} | status_context(event, request.role)
    if Queue.load(event, request.role, request.user, without_texts=True).digest != known.queue:
        context["queue"] = Queue.load(event, request.role, request.user)
    presence = Presence.load(event, request.user, known.page) if known.page else None
    if presence and presence.digest != known.presence:
        context["presence"] = presence
    is_news = context["items"] != [] or known.after < event.revision or "queue" in context or "presence" in context
    news = render_to_string("liveblog/desk/news.html#news", context, request) if is_news else ""
    return AttendedResponse(news, status=200 if is_news else 204, request=request, row=presence and presence.due)


def _changed_items(request: AuthorRequest, event: Event, known: Known) -> list[Item] | None:
    """Return what changed up to the revision of ``event``'s row, or ``None`` if the page is to fetch all anew.

    Moving the pin changes no update: those whose pin the page shows otherwise come as well.
    """
    if known.is_lost(event):
        return None
    updates = event.updates.select_related("author", "version_by").order_by()
    newer = updates.filter(revision__gt=known.after, revision__lte=event.revision)
    changed = list(newer.order_by("revision")[: CHANGES + 1])
    if len(changed) > CHANGES:
        return None
    pinned = frozenset([event.pinned_number] if event.pinned_number else ())
    others = (known.pinned ^ pinned) - {update.number for update in changed}
    found = [*changed, *updates.filter(number__in=others)]
    return [Item.of(update, request) for update in sorted(found, key=lambda update: update.revision)]


class AttendedResponse(HttpResponse):
    """An answer that writes the row of the page that asked once it has been sent, since ASGI closes it afterwards.

    So it waits for no lock of the database, and doesn't depend on the write. For a request that its page gave up
    nothing is written: the page may have been closed, and its row deleted.
    """

    def __init__(self, *args: Any, request: HttpRequest, row: Attendance | None, **kwargs: Any) -> None:
        super().__init__(*args, headers={"Release": release.digest()}, **kwargs)
        self._scope: dict[str, Any] = getattr(request, "scope", {})  # a request by WSGI has none
        self._row = row

    def close(self) -> None:
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
    """Delete the row of a page that is being closed.

    The page's key is the permission: only the page knows it. A session would not do, since signing out ends it
    before the page closes; nor would a token, since a beacon has no headers and the session's token may be newer.
    """
    try:
        page = uuid.UUID(request.POST.get("page", ""))
    except ValueError:
        return plain_text("page must be a UUID", 400)
    row = Attendance.objects.filter(event__slug=slug, page=page).first()
    if row is not None:  # a key that nobody has takes no lock
        row.delete()
    return HttpResponse(status=204)
