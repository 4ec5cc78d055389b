"""The answers that say what is wrong, for readers and authors alike."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils.csp import build_policy

from liveblog.log_throttle import LogThrottle
from liveblog.photo_files import PhotosUnavailable

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""After so long an outbox sends again what was answered with a 503, and a page may be asked for again."""
WRITTEN_FIELDS = ("title", "name", "who", "headline", "body", "correction", "note", "reason", "summary")
"""The fields in which authors write what would be lost with an answer that does not show it."""


def bad_address(request: HttpRequest, reason: str = "The request could not be understood.") -> HttpResponse:
    """Answer 400, saying what is wrong with what was asked."""
    return _error(request, 400, "That address does not work", reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django found malformed, or too large to be read."""
    return busy(request, 413) if isinstance(exception, RequestDataTooBig) else bad_address(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for unknown pages and drafts alike."""
    return _error(request, 404, "There is nothing here", "The page may have moved, or it was never there.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer somebody who may not do that."""
    return _error(request, 403, "This is not yours to change", "Ask one of the event’s authors to add you.")


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours, or of the database or the photos' storage: that passes, and is worth no traceback."""
    error = sys.exc_info()[1]
    if isinstance(error, (OperationalError, InterfaceError)):
        if _throttle.allows():
            logger.error("The database does not answer: %s", " ".join(str(error).split()))
        return busy(request, 503, RESTING)
    if isinstance(error, PhotosUnavailable):
        return busy(request, 503, ("The photos are out of reach", "Please try again in a moment. Nothing was changed."))
    return _error(request, 500, "Something went wrong here", "It has been noted. Please try again in a moment.")


def written_text(request: HttpRequest) -> str:
    """Return what somebody wrote in a form, to be copied from the page that refuses it; empty if it can't be read."""
    try:
        return "\n\n".join(request.POST[name] for name in WRITTEN_FIELDS if request.POST.get(name, "").strip())
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return ""


_throttle = LogThrottle()
BUSY = {
    400: ("That address does not work", "The request could not be understood."),
    408: ("That took too long", "Nothing was changed: the rest of what you sent did not come. Please try again."),
    413: ("That is too much at once", "Nothing was changed. Go back and send less."),
    503: ("Very many are here just now", "Please try again in a moment. Nothing was changed."),
}
RESTING = ("The database rests", "Please try again in a moment. Nothing was changed.")


def busy(request: HttpRequest, status: int, words: tuple[str, str] | None = None) -> HttpResponse:
    """Answer what can't be carried out now, without the database: a title and a reason, else those of ``BUSY``."""
    title, reason = words or BUSY[status]
    if is_from_script(request):
        response = plain_text(f"{title}. {reason}", status)
    else:
        response = _error(request, status, title, reason)
    response["X-Content-Type-Options"] = "nosniff"  # no middleware of Django's sees what is refused before
    response["Content-Security-Policy"] = build_policy(settings.SECURE_CSP)  # type: ignore[arg-type]  # the stubs know less
    if status == 503:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def is_from_outbox(request: HttpRequest) -> bool:
    """Whether an outbox sent it, which reads the answer's status and shows its words."""
    return "Liveblog-Author" in request.headers


def is_from_script(request: HttpRequest) -> bool:
    """Whether htmx or an outbox sent it, which can't show a page in place of the one that is open."""
    return request.headers.get("HX-Request") == "true" or is_from_outbox(request)


def plain_text(text: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer that scripts show as it is."""
    return HttpResponse(text + "\n", status=status, headers=headers, content_type="text/plain; charset=utf-8")


def _error(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    context = {"title": title, "reason": reason, "written": written_text(request)}
    response = render(request, "error.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
