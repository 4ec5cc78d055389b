"""Who else is at the desk, and how many readers there are: one line, which the desk's poll brings."""

import logging
import uuid
from typing import Any, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from liveblog.desk.queue import digest_of
from liveblog.disconnects import HAS_LEFT
from liveblog.feed.audience import count_readers
from liveblog.models import Attendance, Event, byline_of

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
