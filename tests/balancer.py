"""What stands before several machines: hands each connection to the next one that takes it."""

import asyncio
from collections.abc import Sequence
from itertools import count

from tests.relay import Relay, both_ways

TAKEN_SECONDS = 1.0
"""A machine that does not take a connection by then is passed over."""


class Balancer(Relay):
    """A TCP balancer on a port of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._machines: Sequence[tuple[str, int]] = ()
        self._turn = count()

    def lead_to(self, *machines: tuple[str, int]) -> None:
        """Name the machines, each by its address and port."""
        self._machines = machines

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken = await self._dial()
        if taken is None:
            writer.transport.abort()
            return
        up_reader, up_writer = taken
        await both_ways(_pass_on(reader, up_writer), _pass_on(up_reader, writer), writers=(writer, up_writer))

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for number in range(len(self._machines)):
            host, port = self._machines[(first + number) % len(self._machines)]
            try:
                async with asyncio.timeout(TAKEN_SECONDS):
                    return await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                continue
        return None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
