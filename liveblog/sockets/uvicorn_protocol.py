"""uvicorn's own WebSocket protocol, with finished frames: ``--ws liveblog.sockets.uvicorn_protocol:FrameProtocol``."""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import NegotiationError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CTRL_OPCODES, Frame
from websockets.http11 import Request
from websockets.typing import ExtensionParameter

from liveblog.sockets.frames import OFFER

WINDOW_BITS = 15
SAID_BYTES = 64 * 1024
"""The longest message that a reader may send, though nobody listens; and the most that its pings may pile up."""
AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: else the kernel keeps what was sent, and tries again for minutes."""


class ReadOnlyDeflate(PerMessageDeflate):
    """permessage-deflate for who gets finished frames: what the library itself writes stays plain, as it may.

    What a reader says is thrown away as it comes: 16 kB of it could grow to 16 MB.
    """

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Leave control frames as they are, and nothing of others."""
        return frame if frame.opcode in CTRL_OPCODES else Frame(frame.opcode, b"", frame.fin)

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
        self.conn.max_message_size = SAID_BYTES

    def handle_connect(self, event: Request) -> None:
        """Add the offer to the scope, which the application has not read yet."""
        super().handle_connect(event)
        if not self.close_sent:
            self.is_compressed = bool(self.conn.extensions)
            self.scope["extensions"][OFFER] = self  # type: ignore[assignment]

    def handle_text(self, event: Frame) -> None:
        """Throw it away: nobody listens to what a reader says, be it a text or none."""

    handle_bytes = handle_cont = handle_text

    def handle_ping(self) -> None:
        """Answer, unless who pings takes no answers."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > SAID_BYTES:
            self.abort()

    def keepalive_timeout(self) -> None:
        """Leave who does not answer: what is still here for them would keep a closed connection."""
        self.abort()

    async def send(self, message: Any) -> None:
        """Send, and forget what nobody reads again once a socket is accepted: it takes 4 kB."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response
            self.scope["headers"] = []
        elif self.close_timer is not None:  # the client has so long to take what is left, and to say goodbye
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.abort)

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
        if self.disconnected:
            return
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):  # it has just been closed
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()
