"""A network between browser and server that can be cut, swallow bytes without a word, or treat posts badly."""

import asyncio
import random

from tests.relay import Relay, both_ways

FATES = ("pass", "delay", "cut", "lose", "swallow")


class Proxy(Relay):
    """A TCP proxy on a port of its own.

    ``cut()`` resets what is open and refuses what comes; ``swallow()`` leaves everything open and
    passes nothing on, in either direction; ``mend()`` ends both for new connections. ``lose()`` and
    ``roughen()`` are about posts alone: the server gets one and its answer is lost, or chance decides.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._upstream = port
        self._to_lose = 0
        self._chance: random.Random | None = None
        self._weights: list[int] = []
        self.fates: dict[str, int] = dict.fromkeys(FATES, 0)
        self._mode = "pass"
        self._writers: set[asyncio.StreamWriter] = set()
        self.opened = 0

    def __exit__(self, *exc: object) -> None:
        self.cut()
        super().__exit__(*exc)

    def cut(self) -> None:
        """Reset every connection and accept none."""
        self._mode = "cut"
        self.reset()

    def reset(self) -> None:
        """Reset every connection that is open."""
        self.call(self._reset)

    def swallow(self) -> None:
        """Keep every connection and pass nothing on; what is opened meanwhile is swallowed too."""
        self._mode = "swallow"

    def swallow_old(self) -> None:
        """Swallow what is open now, for ever; what is opened from now on works."""
        self.call(self._forget_all)

    def mend(self) -> None:
        """Work again; what was swallowed stays so, as with a router that forgot its connections."""
        if self._mode == "swallow":
            self.call(self._forget_all)
        self._mode = "pass"

    @property
    def passes(self) -> bool:
        """Whether new connections get through."""
        return self._mode == "pass"

    def lose(self, answers: int = 1) -> None:
        """Let the server have the next posts, and reset their connections instead of passing the answers on."""
        self._to_lose = answers

    def roughen(self, chance: random.Random | None, **weights: int) -> None:
        """Let ``chance`` choose what becomes of each post, by the weights of ``FATES``; ``None`` ends it."""
        self._weights = [weights.get(fate, 0) for fate in FATES]
        self._chance = chance

    def _fate(self, data: bytes) -> str:
        if not data.startswith(b"POST "):
            return "pass"
        if self._to_lose:
            self._to_lose -= 1
            return "lose"
        fate = self._chance.choices(FATES, self._weights)[0] if self._chance else "pass"
        self.fates[fate] += 1
        return fate

    def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _forget_all(self) -> None:
        for writer in self._writers:
            writer.is_forgotten = True  # type: ignore[attr-defined]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        if self._mode == "cut":
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        up, down = self._pass_on(reader, up_writer, writer), self._pass_on(up_reader, writer, writer)
        await both_ways(up, down, writers=(writer, up_writer))
        self._writers.discard(writer)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65536):
                is_going_up = writer is not client
                fate = self._fate(data) if is_going_up else "pass"
                if fate == "swallow":
                    client.is_forgotten = True  # type: ignore[attr-defined]
                if self._mode == "swallow" or getattr(client, "is_forgotten", False):
                    continue
                if fate == "cut" or (not is_going_up and getattr(client, "is_losing", False)):
                    client.transport.abort()
                    return
                if fate == "lose":
                    client.is_losing = True  # type: ignore[attr-defined]
                if fate == "delay":
                    await asyncio.sleep(random.uniform(0.05, 0.6))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
