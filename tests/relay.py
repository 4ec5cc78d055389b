"""A TCP server that stands between two others, for tests of what the network does."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

PATIENCE_SECONDS = 60


class Relay:
    """Takes connections on a port of its own and hands each to ``serve()``, in a thread and a loop of its own."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.port = 0
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(PATIENCE_SECONDS), "the relay's loop does not turn"
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Deal with one connection."""
        raise NotImplementedError

    def call(self, work: Callable[[], object]) -> None:
        """Do something in the loop, and wait until it is done."""
        done = threading.Event()

        def carry_out() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(carry_out)
        assert done.wait(PATIENCE_SECONDS), "the relay's loop does not turn"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self.serve, self._host, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()


async def both_ways(*ways: Coroutine[Any, Any, None], writers: tuple[asyncio.StreamWriter, ...]) -> None:
    """Let both directions of a connection go on until one has ended, then close it."""
    tasks = {asyncio.ensure_future(way) for way in ways}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(tasks, timeout=1)
    finally:
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.close()
