"""Middleware of our own: compression for what can be compressed, and static files of two releases at once."""

import os
from contextlib import closing
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware


class TextGZipMiddleware(GZipMiddleware):
    """Compress everything but what is compressed already: photos and archives."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Leave them as they are."""
        if response.get("Content-Type", "").startswith(("image/", "application/zip")):
            return response
        return super().process_response(request, response)


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serve also what a later release has collected since: WhiteNoise lists the files once, at its start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.autorefresh:
            self.directories.append((f"{self.static_root}{os.path.sep}", self.static_prefix))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look for the file on disk if it was not there before."""
        path = request.path_info
        if path.startswith(self.static_prefix) and path not in self.files and not self.autorefresh:
            found = self.find_file(path)
            if found is not None:
                self.files[path] = found
        response: HttpResponseBase = super().__call__(request)
        if not isinstance(response, WhiteNoiseFileResponse):
            return response
        with closing(response):  # files are short, and Django warns of what it has to gather itself under ASGI
            return HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
