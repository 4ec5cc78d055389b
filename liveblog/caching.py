"""How long shared caches and browsers may keep an answer."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from liveblog import photo_files
from liveblog.connections import release


def cacheable(seconds: int, *, browser_seconds: int = 0) -> str:
    """Return a ``Cache-Control`` for shared caches; browsers ask each time unless ``browser_seconds`` are given."""
    # Without the zeros varnish answered six seconds stale (measured).
    return f"public, max-age={browser_seconds}, s-maxage={seconds}, stale-while-revalidate=0, stale-if-error=0"


def picture_response(request: HttpRequest, name: str, width: int) -> HttpResponse:
    """Return a photo's file, whose bytes never change under its name; one that a browser has is not read.

    Raises ``Http404`` if the file is lost, and ``PhotosUnavailable``.
    """
    etag = f'"{name}-{width}"'
    whole = HttpResponse(content_type="image/webp", headers={"ETag": etag})
    response = cast("HttpResponse", get_conditional_response(request, etag=etag, response=whole))
    if response is whole:
        release()  # a bucket may take seconds
        try:
            whole.content = photo_files.read(name, width)
        except FileNotFoundError:
            raise Http404 from None
    return response
