"""What stands before several machines: hands each connection to the next one that takes it."""

import asyncio
import threading
from collections.abc import Sequence
from itertools import count
from typing import Self

TAKEN_SECONDS = 1.0
"""A machine that does not take a connection by then is passed over."""


class Balancer:
    """A TCP balancer on a port of its own, in a thread of its own."""

    def __init__(self) -> None:
        self._machines: Sequence[tuple[str, int]] = ()
        self._turn = count()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def lead_to(self, *machines: tuple[str, int]) -> None:
        """Name the machines, each by its address and port."""
        self._machines = machines

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken = await self._dial()
        if taken is None:
            writer.transport.abort()
            return
        up_reader, up_writer = taken
        ways = {asyncio.ensure_future(_pass_on(reader, up_writer)), asyncio.ensure_future(_pass_on(up_reader, writer))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(ways, timeout=1)
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, up_writer):
                one.close()

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
