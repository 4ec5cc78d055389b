"""A consumer for each reader, in its event's group."""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class LiveConsumer(AsyncWebsocketConsumer):
    """Passes on to one reader what the group is sent."""

    async def connect(self) -> None:
        """Join the group."""
        self.group_name = f"event_{self.scope['url_route']['kwargs']['slug']}"
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave it."""
        await self.channel_layer.group_discard(self.group_name, self.channel_name)

    async def update_published(self, message: dict[str, Any]) -> None:
        """Hand out the card."""
        await self.send(text_data=message["html"])
