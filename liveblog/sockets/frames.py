"""Frames as RFC 6455 has them, plain and compressed, and what a server offers that writes them."""

import zlib
from typing import Protocol

OFFER = "liveblog.frames"
"""In a socket's scope, among the extensions: the server's ``FrameWriter`` for it."""

_TEXT = 0x81
_COMPRESSED_TEXT = 0xC1
_LEVEL = 6
_MEMORY_LEVEL = 9
_WINDOW_BITS = 15
_TAIL = b"\x00\x00\xff\xff"


class FrameWriter(Protocol):
    """One open socket, as its server sees it."""

    is_compressed: bool
    """Whether its client takes compressed frames (RFC 7692), each by itself."""

    def write(self, frame: bytes) -> bool:
        """Write a finished frame at once, or return ``False``: it must go by ``send``, or can't go any more."""

    def is_behind(self) -> bool:
        """Whether something that was sent is still here, because its client does not take it."""

    def abort(self) -> None:
        """Break the connection off; what is still here is thrown away."""


def make_frame(payload: bytes) -> bytes:
    """Return an unmasked frame that holds a whole text, in UTF-8."""
    return _frame(_TEXT, payload)


def make_compressed_frame(payload: bytes) -> bytes:
    """Return the same compressed, for those who keep no context between messages."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_BITS, _MEMORY_LEVEL)
    data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_COMPRESSED_TEXT, data.removesuffix(_TAIL))


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 2**16:
        return bytes([first, 126]) + length.to_bytes(2) + payload
    return bytes([first, 127]) + length.to_bytes(8) + payload
