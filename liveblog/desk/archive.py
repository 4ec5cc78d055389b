"""Downloads for an event's owners: a static site, and an export for another installation."""

from collections.abc import Iterator

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog.archive import exported_files, frozen_files, pack
from liveblog.archive.packing import File
from liveblog.desk.access import AuthorRequest, desk_of
from liveblog.models import Event, Role
from liveblog.models.database import without_time_limit


@never_cache
@require_safe
@desk_of(Role.OWNER)
def archive(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show the page from which an event can be downloaded."""
    context = {"event": event, "updates": event.updates.count(), "photos": event.photos.count()}
    return render(request, "liveblog/desk/archive.html", context)


@never_cache
@require_safe
@desk_of(Role.OWNER)
def frozen(request: AuthorRequest, event: Event) -> HttpResponseBase:
    """Send the event as a static site."""
    return _zip(request, event.slug, frozen_files(event))


@never_cache
@require_safe
@desk_of(Role.OWNER)
def exported(request: AuthorRequest, event: Event) -> HttpResponseBase:
    """Send the event as an export."""
    return _zip(request, f"{event.slug}-export", exported_files(event))


def _zip(request: AuthorRequest, name: str, files: Iterator[File]) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip", headers=headers)
    return StreamingHttpResponse(
        pack(name, _made_without_time_limit(files)), content_type="application/zip", headers=headers
    )


def _made_without_time_limit(files: Iterator[File]) -> Iterator[File]:
    """Make each file without a time limit for its queries; no transaction is open while it is sent."""
    file: File | None
    while True:
        with without_time_limit():
            file = next(files, None)
        if file is None:
            return
        yield file
