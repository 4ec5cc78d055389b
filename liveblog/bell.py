"""Rings an event's bell after commit: "this event changed", said to every process, and it may be lost."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from liveblog.log_throttle import LogThrottle

logger = logging.getLogger(__name__)

GROUP = "liveblog.bell"
RING_SECONDS = 2.0
"""How long a ring may take; nobody waits for it on a server."""
REST_SECONDS = 5
"""How long the bell is not listened to after the channel layer has failed."""


class Bell:
    """The bell of one server, whose event loop sends and hears it; without a loop, that of a command."""

    current: ContextVar["Bell | None"] = ContextVar("bell", default=None)
    """The bell of the server that answers the present request or runs the present thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, *, rung: Callable[[int], None] = lambda event_id: None
    ) -> None:
        """``rung`` is called with the event's primary key at each ring of this server's own, by whoever rings."""
        self._loop = loop
        self._rung = rung
        self._name = uuid.uuid4().hex
        self._throttle = LogThrottle()

    def ring(self, event_id: int) -> None:
        """Tell every process that the event changed, and this one before the call returns.

        On a server it is sent on the server's event loop and not awaited; elsewhere the caller waits, for
        ``RING_SECONDS`` at most.
        """
        self._rung(event_id)
        if self._loop is None or self._loop.is_closed():
            async_to_sync(self.send)(event_id)
        elif self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self.send(event_id), self._loop)
        # else the server is stopping: its own readers leave, and other processes look once a second

    async def send(self, event_id: int) -> None:
        """Tell every process; a dead channel layer is logged, and no error."""
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            async with asyncio.timeout(RING_SECONDS):
                await layer.group_send(GROUP, {"type": "changed", "event": event_id, "by": self._name})
        except Exception as error:
            self._complain(error)

    async def listen(self, heard: Callable[[int, bool], None]) -> None:
        """Call ``heard`` at each ring, on one subscription, for ever.

        It gets the event's primary key, and whether this server rang itself.
        """
        while (layer := get_channel_layer()) is not None:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                while True:
                    ring = await layer.receive(channel)
                    heard(ring["event"], ring.get("by") == self._name)
            except Exception as error:
                self._complain(error)
                await asyncio.sleep(REST_SECONDS)

    def _complain(self, error: Exception) -> None:
        if self._throttle.allows():
            logger.warning("The bell is not heard (%r); readers are up to a second behind.", error)


def ring_after_commit(event_id: int) -> None:
    """Ring when the present transaction has committed."""
    transaction.on_commit(partial(ring, event_id), robust=True)


def ring(event_id: int) -> None:
    """Tell every process that the event changed."""
    bell = Bell.current.get()
    if bell is None:  # a command keeps one, so that a failure is logged once
        bell = Bell()
        Bell.current.set(bell)
    bell.ring(event_id)
