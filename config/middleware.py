"""Middleware of our own: compression for what can be compressed."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class TextGZipMiddleware(GZipMiddleware):
    """Compress everything but what is compressed already: photos and archives."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave them as they are."""
        if response.get("Content-Type", "").startswith(("image/", "application/zip")):
            return response
        return super().process_response(request, response)
