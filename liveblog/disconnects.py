"""Clients that leave before they are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

type Scope = dict[str, Any]
type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HAS_LEFT = "liveblog.client_has_left"
"""In a request's scope once its client has left."""


def carry_out(application: Application) -> Application:
    """Let Django carry out a request that has arrived whole, though its client does not wait for the answer.

    Django cancels the request of a client that leaves. But the view runs in a thread, which nothing can stop:
    it goes on with its body closed under it ("I/O operation on closed file"), or asgiref can't signal the
    request's end ("CurrentThreadExecutor already quit or is broken"), or a post that has arrived is not
    published. So Django hears that a client has left only while the body is still coming, when there is
    nothing to do yet, and once the answer has begun, when the view is over. ``HAS_LEFT`` tells it at once to
    those who care.
    """

    async def carried_out(scope: Scope, receive: Receive, send: Send) -> None:
        has_arrived = False
        has_answer = asyncio.Event()

        async def hear() -> Message:
            nonlocal has_arrived
            message = await receive()
            if message["type"] == "http.disconnect" and has_arrived:
                scope[HAS_LEFT] = True
                await has_answer.wait()
            has_arrived = not message.get("more_body", False)
            return message

        async def answer(message: Message) -> None:
            has_answer.set()
            await send(message)

        await application(scope, hear, answer)

    return carried_out
