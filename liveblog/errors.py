"""The answers that say what is wrong, for readers and authors alike."""

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

WRITTEN_FIELDS = ("headline", "body", "note", "summary")
"""The fields in which authors write what would be lost with an answer that does not show it."""


def bad_address(request: HttpRequest, reason: str = "The request could not be understood.") -> HttpResponse:
    """Answer 400, saying what is wrong with what was asked."""
    return _error(request, 400, "That address does not work", reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django found malformed, or too large to be read."""
    if isinstance(exception, RequestDataTooBig):
        if "Liveblog-Author" in request.headers:  # an outbox, which shows the words beside what it keeps
            return plain_text("This is too large to be sent.", 413)
        return _error(request, 413, "That is too much at once", "Nothing was changed. Go back and send less.")
    return bad_address(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for unknown pages and drafts alike."""
    return _error(request, 404, "There is nothing here", "The page may have moved, or it was never there.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer somebody who may not do that."""
    return _error(request, 403, "This is not yours to change", "Ask one of the event’s authors to add you.")


def failed(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours."""
    return _error(request, 500, "Something went wrong here", "It has been noted. Please try again in a moment.")


def written_text(request: HttpRequest) -> str:
    """Return what somebody wrote in a form, to be copied from the page that refuses it; empty if it can't be read."""
    try:
        return "\n\n".join(request.POST[name] for name in WRITTEN_FIELDS if request.POST.get(name, "").strip())
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return ""


def plain_text(text: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer that scripts show as it is."""
    return HttpResponse(text + "\n", status=status, headers=headers, content_type="text/plain; charset=utf-8")


def _error(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    context = {"title": title, "reason": reason, "written": written_text(request)}
    response = render(request, "error.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
