"""uvicorn's own WebSocket protocol, with finished frames: ``--ws liveblog.sockets.uvicorn_protocol:FrameProtocol``."""

import socket
import struct
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import NegotiationError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.typing import ExtensionParameter

from liveblog.sockets.frames import OFFER

WINDOW_BITS = 15
AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: else the kernel keeps what was sent, and tries again for minutes."""


class ReadOnlyDeflate(PerMessageDeflate):
    """permessage-deflate for who gets finished frames: what the library itself writes stays plain, as it may."""

    def encode(self, frame: Frame) -> Frame:
        """Leave it as it is."""
        return frame


class ReadOnlyDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to compression without context on either side, which costs no memory for a socket."""

    def __init__(self) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Refuse who asks for a smaller window than that of the finished frames."""
        answer, found = super().process_request_params(params, accepted_extensions)
        if found.local_max_window_bits < WINDOW_BITS:
            raise NegotiationError("no smaller window")
        return answer, ReadOnlyDeflate(
            found.remote_no_context_takeover,
            found.local_no_context_takeover,
            found.remote_max_window_bits,
            found.local_max_window_bits,
        )


class FrameProtocol(WebSocketsSansIOProtocol):
    """One socket; it is the ``FrameWriter`` that it offers."""

    is_compressed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn.available_extensions = [ReadOnlyDeflateFactory()]

    def handle_connect(self, event: Request) -> None:
        """Add the offer to the scope, which the application has not read yet."""
        super().handle_connect(event)
        if not self.close_sent:
            self.is_compressed = bool(self.conn.extensions)
            self.scope["extensions"][OFFER] = self  # type: ignore[assignment]

    def send_receive_event_to_app(self) -> None:
        """Throw away what a reader says: nobody listens to it, be it a text or none."""
        self.frames = []

    async def send(self, message: Any) -> None:
        """Send, and forget what nobody reads again once a socket is accepted: it takes 4 kB."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response
            self.scope["headers"] = []

    def write(self, frame: bytes) -> bool:
        """Write it unless something is still here that was written before, or the socket closes."""
        if self.close_sent or self.disconnected or self.transport.is_closing() or self.is_behind():
            return False
        self.transport.write(frame)
        return True

    def is_behind(self) -> bool:
        """Whether the kernel has not taken all."""
        return not self.transport.is_closing() and self.transport.get_write_buffer_size() > 0

    def abort(self) -> None:
        """Break it off, without a word that its client would not take either."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()
