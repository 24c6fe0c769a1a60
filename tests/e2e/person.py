"""A person at version 1 of the socket, for tests against a real server."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets

PATIENCE_S = 20
Message = dict[str, Any]

_ids = itertools.count(1)


class Person:
    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.messages: list[Message] = []
        self.audio: list[tuple[int, int, int, int, bytes]] = []
        self.ready: Message = {}

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> Message:
        """The next message; audio that comes before it is collected."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.socket.recv()
                if isinstance(frame, str):
                    message: Message = json.loads(frame)
                    self.messages.append(message)
                    return message
                kind, flags, generation, sequence, position = struct.unpack(">BBHIQ", frame[:16])
                assert kind == 1
                self.audio.append((flags, generation, sequence, position, frame[16:]))

    async def until(self, type: str, **fields: Any) -> Message:
        """The next message of this type with these fields."""
        while True:
            message = await self.hear()
            if message["type"] == type and fields.items() <= message.items():
                return message

    async def closed(self) -> int:
        """Wait until the server has closed; the code."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    await self.hear()
            except websockets.ConnectionClosed:
                assert self.socket.close_code is not None
                return self.socket.close_code

    async def hello(self, audio: bool = False, **fields: Any) -> Message:
        out = {"out": {}} if audio else None
        await self.send(type="hello", version=1, audio=out, **fields)
        self.ready = await self.until("ready")
        return self.ready

    async def type(self, text: str, id: str | None = None) -> str:
        """Send a typed turn; returns its id."""
        id = id or f"turn-{next(_ids)}"
        await self.send(type="text", id=id, text=text)
        return id

    async def ask(self, text: str) -> Message:
        """Type and wait for the end of the answer."""
        id = await self.type(text)
        ack = await self.until("ack", id=id)
        return await self.until("reply_end", reply=ack["reply"])


@asynccontextmanager
async def person(url: str, cookies: str = "", **headers: str) -> AsyncIterator[Person]:
    """Somebody connected to the socket at ``url``."""
    if cookies:
        headers["Cookie"] = cookies
    origin = headers.pop("origin", None)
    async with websockets.connect(
        url, additional_headers=headers, origin=origin, max_size=None
    ) as socket:
        yield Person(socket)


async def guest_cookies(base_url: str) -> str:
    """The session of a new guest, as the chat page gives it."""
    async with httpx.AsyncClient() as browser:
        (await browser.get(base_url + "/")).raise_for_status()
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
