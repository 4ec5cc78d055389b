"""Middleware of our own: compression for what can be compressed."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class TextGZipMiddleware(GZipMiddleware):
    """Compress everything but photos, which are compressed already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave images as they are."""
        if response.get("Content-Type", "").startswith("image/"):
            return response
        return super().process_response(request, response)
