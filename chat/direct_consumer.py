"""A Channels consumer that takes its messages without Channels' own loop around them.

That loop makes two tasks for each message, for layers that our sockets do not have, and closes old
database connections on the one thread that all sockets share (pitfalls 1, 2). A caller sends fifty
messages a second: taken directly, each costs a third.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from .outbox import GONE

NORMAL = 1000


class DirectConsumer(AsyncWebsocketConsumer, ABC):  # type: ignore[misc] # Channels is untyped
    """Calls ``connect``, ``take`` and ``disconnect``, one after the other, and ``left`` at last."""

    # The feed has one layer channel for the whole process; a socket needs none of its own.
    channel_layer = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.base_send = send
        try:
            while True:
                message = await receive()
                match message["type"]:
                    case "websocket.receive":
                        text = message.get("text")
                        await self.take(message["bytes"] if text is None else text)
                    case "websocket.connect":
                        await self.websocket_connect(message)
                    case "websocket.disconnect":
                        await self.websocket_disconnect(message)
        except StopConsumer:
            pass
        finally:
            await self.left()

    @abstractmethod
    async def take(self, frame: str | bytes) -> None:
        """A frame has come."""

    async def left(self) -> None:
        """The socket is gone. Not every server tells of every end by a message (pitfall 14)."""

    async def close_socket(self, code: int) -> None:
        try:
            await self.close(code)
        except GONE:
            raise
        except Exception:
            # daphne writes no other code of 1000 to 2999; clients come back after this one, too.
            await self.close(NORMAL)
