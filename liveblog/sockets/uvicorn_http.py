"""uvicorn's own HTTP protocol, with bounds for what comes before a request is whole: its line and its headers.

What stands behind a proxy has these from the proxy; uvicorn itself waits for a header for ever. Bodies are bounded in
liveblog/bodies.py.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 30.0
HEADER_BYTES = 64 * 1024


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; who does not get to the end of the headers in time, or within so many bytes, is left."""

    _deadline: asyncio.TimerHandle | None = None
    _bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin()

    def on_message_begin(self) -> None:
        """Begin to count also for each further request on the connection."""
        super().on_message_begin()
        if self._deadline is None:
            self._begin()

    def data_received(self, data: bytes) -> None:
        """Count what comes before the headers are whole."""
        if self._deadline is not None:
            self._bytes += len(data)
            if self._bytes > HEADER_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._end()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._bytes = 0
        self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
