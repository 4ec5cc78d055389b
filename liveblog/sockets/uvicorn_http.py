"""uvicorn's own HTTP protocol, with bounds for what comes before a request is whole: its line and its headers.

What stands behind a proxy has these from the proxy; uvicorn itself waits for a header for ever. Bodies are bounded in
liveblog/bodies.py.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 30.0
HEADER_BYTES = 64 * 1024
STALLED_SECONDS = 60.0


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
        """Count what comes before the headers are whole; empty lines before a further request are no request yet."""
        self._bytes += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:  # it is a socket now
            return
        is_idle = self.cycle is None or self.cycle.response_complete
        if self._deadline is None and is_idle and self.timeout_keep_alive_task is None:
            self._begin()
        elif self._deadline is not None and self._bytes > HEADER_BYTES:
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Close, and do not wait for ever for a client that takes nothing of its last answer."""
        super().timeout_keep_alive_handler()
        self._leave_if_stalled(None)

    def _leave_if_stalled(self, left_before: int | None) -> None:
        left = self.transport.get_write_buffer_size()
        if left_before is not None and left >= left_before:
            self.transport.abort()
        elif left:
            self.loop.call_later(STALLED_SECONDS, self._leave_if_stalled, left)

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
