"""daphne with finished frames: the kernel takes them at once, and Twisted only what the kernel does not."""

from asyncio import Queue
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.tcp import Connection

from liveblog.sockets.frames import OFFER


class SocketFrames:
    """The ``FrameWriter`` of one socket."""

    __slots__ = ("_protocol",)

    is_compressed = False  # autobahn can't be told to compress nothing itself and yet to agree to it

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def write(self, frame: bytes) -> bool:
        """Write it unless something is still here that was written before, or the socket closes."""
        protocol, transport = self._protocol, self._protocol.transport
        # Beneath TLS the socket takes what is encrypted already.
        if protocol.state != protocol.STATE_OPEN or not isinstance(transport, Connection) or transport.TLS:
            return False
        if transport.disconnecting or not transport.connected or self.is_behind():
            return False
        try:
            sent = transport.socket.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:  # it is about to be closed
            return False
        if sent < len(frame):
            transport.write(frame[sent:])
        return True

    def is_behind(self) -> bool:
        """Whether the kernel has not taken all."""
        transport = self._protocol.transport
        is_open = self._protocol.state == self._protocol.STATE_OPEN and isinstance(transport, Connection)
        return is_open and bool(self._protocol.send_queue or transport.dataBuffer or transport._tempDataBuffer)

    def abort(self) -> None:
        """Break it off."""
        self._protocol.transport.abortConnection()


class FrameServer(Server):
    """daphne's server, whose sockets are readers': they may be told any amount, and nothing they say is kept."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # These bound what is sent as well: whoever is a megabyte behind would get nothing at all.
        super().__init__(*args, websocket_max_message_size=0, websocket_max_frame_size=0, **options)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> "Queue[Any] | None":
        """Offer finished frames to sockets."""
        if scope["type"] == "websocket":
            scope["extensions"] = {OFFER: SocketFrames(protocol)}
            protocol.onMessageFrameData = _forget
        found: Queue[Any] | None = super().create_application(protocol, scope)
        return found


def _forget(payload: bytes) -> None:
    """Keep nothing of a message, however long it is."""
