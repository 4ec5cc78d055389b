"""Finished frames: what they are, and that readers of real servers get them, compressed or not, or are let go."""

import base64
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.sync.client import connect as dial

from liveblog.models import Event
from liveblog.sockets.frames import make_compressed_frame, make_frame
from tests.asgi import text_in
from tests.page import Fragment
from tests.proxy import NAME, make_certificate
from tests.server import ANSWER_SECONDS, ROOT, START_SECONDS, STOP_SECONDS, Site, find_free_port

PLAIN, COMPRESSED = 0x81, 0xC1


# What they are.


@given(st.text(max_size=300))
def test_a_frame_holds_its_text(text: str) -> None:
    assert text_in(make_frame(text.encode())) == text


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 2**16 - 1, 2**16, 2**20])
def test_a_frame_may_be_of_any_length(length: int) -> None:
    assert text_in(make_frame(b"x" * length)) == "x" * length
    assert inflated(make_compressed_frame(b"x" * length)) == b"x" * length


@given(st.text(max_size=300))
def test_a_compressed_frame_holds_its_text(text: str) -> None:
    assert inflated(make_compressed_frame(text.encode())) == text.encode()


def inflated(frame: bytes) -> bytes:
    """Return what a compressed frame holds, read without any context."""
    assert frame[0] == COMPRESSED
    start = {126: 4, 127: 10}.get(frame[1], 2)
    assert len(frame) - start == (frame[1] if start == 2 else int.from_bytes(frame[2:start]))
    return zlib.decompressobj(-15).decompress(frame[start:] + b"\x00\x00\xff\xff")


# Through real servers.


class Wire:
    """A reader of our own that shows each frame as it came."""

    def __init__(self, site: Site, event: Event, *, offer: str = "", buffer_bytes: int = 0) -> None:
        self.socket = socket.socket()
        if buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.settimeout(ANSWER_SECONDS)
        self.socket.connect(("127.0.0.1", site.port))
        key = base64.b64encode(os.urandom(16)).decode()
        extensions = f"Sec-WebSocket-Extensions: {offer}\r\n" if offer else ""
        path = site.live(event, event.revision).split(str(site.port), 1)[1]
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extensions}\r\n".encode()
        )
        self._received = b""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        self.head = head.decode()
        assert " 101 " in self.head

    def frame(self) -> bytes:
        """Return the next frame of text, whole."""
        while True:
            first, length = self._take(2)
            size = self._take({126: 2, 127: 8}.get(length, 0))
            payload = self._take(int.from_bytes(size) if size else length)
            if first & 0x0F == Opcode.TEXT:
                return bytes([first, length]) + size + payload

    def _take(self, length: int) -> bytes:
        while len(self._received) < length:
            self._receive()
        taken, self._received = self._received[:length], self._received[length:]
        return taken

    def _receive(self) -> None:
        part = self.socket.recv(65536)
        assert part, "the server has closed"
        self._received += part


@contextmanager
def wire(site: Site, event: Event, **options: Any) -> Iterator[Wire]:
    """Open one, and close it."""
    reader = Wire(site, event, **options)
    try:
        yield reader
    finally:
        reader.socket.close()


@pytest.fixture(params=["daphne", "uvicorn"])
def name(request: pytest.FixtureRequest) -> str:
    """Either of the servers."""
    return str(request.param)


@pytest.fixture
def site(server: Callable[..., Site], name: str) -> Site:
    """Serve with it."""
    return server(SERVER=name)


def test_readers_get_what_is_new_in_finished_frames_and_compressed_where_both_agreed(site: Site, name: str) -> None:
    event = site.event(updates=1)
    offers = {
        "": PLAIN,
        "permessage-deflate": COMPRESSED,
        "permessage-deflate; client_max_window_bits": COMPRESSED,  # Chromium's
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover": COMPRESSED,
        "permessage-deflate; server_max_window_bits=10": PLAIN,
        "permessage-deflate; server_max_window_bits=10, permessage-deflate": COMPRESSED,
        "x-webkit-deflate-frame": PLAIN,
    }
    for offer, first in offers.items():
        with wire(site, site.fresh(event), offer=offer) as reader:
            update = site.publish(event, "One thing happens, and then another thing happens. " * 20)
            frame = reader.frame()
            expected = first if name == "uvicorn" else PLAIN
            assert (frame[0], offer) == (expected, offer)
            body = inflated(frame) if expected == COMPRESSED else text_in(frame).encode()
            assert Fragment(body.decode()).revision == update.revision
            if expected == COMPRESSED:
                assert len(frame) <= 0.6 * len(body)
                assert "server_no_context_takeover" in reader.head
    assert site.log.count("Sockets get finished frames.") == 1


def test_a_client_of_the_library_reads_them_one_after_another(site: Site) -> None:
    event = site.event(updates=1)
    with dial(site.live(event, event.revision), proxy=None) as reader:
        for number in range(0, 30, 4):
            update = site.publish(event, f"Update {number}: {random.Random(number).randbytes(50 * number).hex()}")
            assert Fragment(str(reader.recv(ANSWER_SECONDS))).revision == update.revision
    with dial(site.live(event, 0), proxy=None) as reader:
        assert Fragment(str(reader.recv(ANSWER_SECONDS))).revision == update.revision


def test_what_a_reader_says_is_bounded_whether_it_is_compressed_or_not(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    event = site.event(updates=1)
    dice = random.Random(7)
    bomb = zlib.compress(b"\0" * 2**28)[2:-4]
    with wire(site, event, offer="permessage-deflate") as well:
        for _ in range(60):
            with wire(site, event, offer="permessage-deflate") as reader:
                for _ in range(dice.randrange(1, 4)):
                    payload = dice.choice([dice.randbytes(200), bomb, make_compressed_frame(b"well formed")[2:]])
                    opcode = dice.choice([Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING])
                    bits = dice.choice([0x80, 0xC0, 0x40, 0x00, 0x90])
                    with suppress(OSError):  # the server may have had enough
                        reader.socket.sendall(spoken(bits | opcode, payload))
                        reader.socket.sendall(dice.randbytes(dice.choice([0, 0, 200])))
        site.publish(event, "All is well.")
        assert b"All is well." in inflated(well.frame())
    peak = int(Path(f"/proc/{site.process_id}/status").read_text().split("VmHWM:")[1].split()[0])
    assert peak < 250_000, "kB: something was expanded whole"
    assert "Traceback" not in site.log


def test_a_crowd_that_sends_what_would_grow_takes_no_memory(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    event = site.event(updates=1)
    grows = zlib.compress(b"\0" * (15 * 2**20))[2:-4]  # 15 kB
    not_final_compressed_text, continued = 0x41, 0x00
    crowd = [Wire(site, event, offer="permessage-deflate") for _ in range(60)]
    for reader in crowd:
        reader.socket.sendall(spoken(not_final_compressed_text, grows))
        reader.socket.sendall(spoken(continued, b"more"))
    with wire(site, event, offer="permessage-deflate") as well:
        site.publish(event, "All is well.")
        assert b"All is well." in inflated(well.frame())
        assert b"All is well." in inflated(crowd[-1].frame())
    peak = int(Path(f"/proc/{site.process_id}/status").read_text().split("VmHWM:")[1].split()[0])
    assert peak < 400_000, "kB: sixty times 15 MB would be 900,000"
    for reader in crowd:
        reader.socket.close()


def test_a_crowd_that_talks_without_end_to_daphne_takes_no_memory(server: Callable[..., Site]) -> None:
    site = server(SERVER="daphne")
    event = site.event(updates=1)
    crowd = [Wire(site, event) for _ in range(60)]
    not_final_text, continued = 0x01, 0x00
    for reader in crowd:
        reader.socket.sendall(spoken(not_final_text, b"x" * 2**19))
        for _ in range(6):
            reader.socket.sendall(spoken(continued, b"x" * 2**19))
    site.publish(event, "All is well.")
    assert all(b"All is well." in reader.frame() for reader in crowd)
    peak = int(Path(f"/proc/{site.process_id}/status").read_text().split("VmHWM:")[1].split()[0])
    assert peak < 250_000, "kB: sixty times 3.5 MB would be 210,000 more"
    for reader in crowd:
        reader.socket.close()


def test_a_reader_far_behind_gets_all_of_it_however_much_it_is(site: Site) -> None:
    event = site.event()
    for number in range(55):
        site.publish(event, f"Update {number}: " + "word " * 3_900)
    with dial(site.live(event, 0), proxy=None, max_size=None) as reader:
        text = str(reader.recv(ANSWER_SECONDS))
    assert len(text) > 2**20
    assert Fragment(text).revision == site.fresh(event).revision


def spoken(first: int, payload: bytes) -> bytes:
    """Return a client's frame, whose mask is of zeros."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else bytes([0xFF]) + length.to_bytes(8)
    return bytes([first]) + size + bytes(4) + payload


def test_a_library_client_that_compresses_what_it_says_is_not_disturbed(server: Callable[..., Site]) -> None:
    site = server(SERVER="uvicorn")
    event = site.event(updates=1)
    compression = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
    with dial(site.live(event, event.revision), proxy=None, compression=None, extensions=compression) as reader:
        for text in ("short", "long " * 5_000, ["in ", "three ", "parts"]):
            reader.send(text)
        update = site.publish(event, "Nothing of that was listened to.")
        assert Fragment(str(reader.recv(ANSWER_SECONDS))).revision == update.revision


def test_readers_who_take_nothing_hold_up_nobody_and_are_let_go(site: Site) -> None:
    """What a client does not take is not piled up for it: neither server waits, and none keeps it for ever."""
    event = site.event(updates=1)
    with dial(site.live(event, event.revision), proxy=None) as well, site.visitor() as author:
        site.log_in(author)
        stuck = [Wire(site, event, buffer_bytes=4096) for _ in range(5)]
        ends_at = time.monotonic() + 10 * ANSWER_SECONDS
        while not all(has_left(reader.socket) for reader in stuck):
            assert time.monotonic() < ends_at, "somebody who takes nothing is still there"
            body = "What happens is told at length. " * 500 + uuid.uuid4().hex
            posted = author.post(
                f"/desk/{event.slug}/updates/",
                data={"body": body, "key": str(uuid.uuid4())},
                headers={"X-CSRFToken": author.cookies["csrftoken"]},
            )
            assert posted.status_code == 302
            while body[-32:] not in str(well.recv(ANSWER_SECONDS)):
                pass
        for reader in stuck:
            reader.socket.close()


def has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed or broken a connection off, seen without reading from it."""
    state: int = struct.unpack("B", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]
    established = 1
    return state != established


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--ws", "liveblog.sockets.uvicorn_protocol:FrameProtocol"], "Sockets get finished frames."),
        ([], "Sockets get messages, each written anew"),
    ],
    ids=["with", "without"],
)
def test_another_way_to_start_it_under_tls_says_whether_there_are_finished_frames(
    server: Callable[..., Site], tmp_path: Path, flags: list[str], line: str
) -> None:
    site = server(SERVER="uvicorn")
    event = site.event(updates=1)
    certificate, port = make_certificate(tmp_path / "certificate"), find_free_port()
    log = tmp_path / "log"
    key = certificate.with_name("privkey.pem")
    words = ["--port", str(port), "--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "config.asgi:application", *words, *flags],
        cwd=ROOT,
        env=site.environ,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        ends_at = time.monotonic() + START_SECONDS
        while "Uvicorn running on" not in log.read_text():
            assert time.monotonic() < ends_at, log.read_text()
            time.sleep(0.05)
        tls = ssl.create_default_context(cafile=certificate)
        address = site.live(event, event.revision).replace(f"ws://127.0.0.1:{site.port}", f"wss://127.0.0.1:{port}")
        with dial(address, proxy=None, ssl=tls, server_hostname=NAME) as reader:
            for number in range(5):
                update = site.publish(event, f"Update {number} under TLS")
                assert Fragment(str(reader.recv(ANSWER_SECONDS))).revision == update.revision
        assert line in log.read_text()
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
