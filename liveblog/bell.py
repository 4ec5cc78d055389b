"""Rings an event's bell after commit: "this event changed", said to every process, and it may be lost."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

GROUP = "liveblog.bell"
RING_SECONDS = 2.0
"""How long a ring may take; nobody waits for it on a server."""

_QUIET_SECONDS = 60
_REST_SECONDS = 5
_server_loop: asyncio.AbstractEventLoop | None = None
_complained_at = float("-inf")


def ring_after_commit(event_id: int) -> None:
    """Ring when the present transaction has committed; a dead channel layer is no error."""
    transaction.on_commit(partial(ring, event_id), robust=True)


def ring(event_id: int) -> None:
    """Tell every process that the event changed.

    On a server it is sent on the server's event loop and not awaited; elsewhere (a command) the
    caller waits, for ``RING_SECONDS`` at most.
    """
    loop = _server_loop
    if loop is None or loop.is_closed():
        async_to_sync(send)(event_id)
    elif loop.is_running():
        asyncio.run_coroutine_threadsafe(send(event_id), loop)
    # else the server is stopping: its own readers leave, and other processes look once a second


def use_server_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Send on ``loop`` from now on; every request says so, which costs nothing."""
    global _server_loop
    _server_loop = loop


async def send(event_id: int) -> None:
    """Tell every process, from the loop itself, and wait until it is told, for ``RING_SECONDS`` at most."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(RING_SECONDS):
            await layer.group_send(GROUP, {"type": "changed", "event": event_id})
    except Exception as error:
        complain(error)


async def listen(heard: Callable[[int], None]) -> None:
    """Call ``heard`` with the event's primary key at each ring, on one subscription, for ever."""
    while (layer := get_channel_layer()) is not None:
        try:
            channel = await layer.new_channel()
            await layer.group_add(GROUP, channel)
            while True:
                heard((await layer.receive(channel))["event"])
        except Exception as error:
            complain(error)
            await asyncio.sleep(_REST_SECONDS)


def complain(error: Exception) -> None:
    """Log one line about a failing channel layer, at most once a minute."""
    global _complained_at
    if time.monotonic() - _complained_at > _QUIET_SECONDS:
        _complained_at = time.monotonic()
        logger.warning("The bell is not heard (%r); readers are up to a second behind.", error)
