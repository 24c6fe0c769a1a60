"""A server of the VoiceBot protocol that shows the real page and says what a test tells it to say."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings

from chat.voicebot_page import page_context

from .scripted_server import Json, ScriptedServer, running

RATE = 8_000


@dataclass(slots=True)
class Peer:
    """The server's end of one call. ``voice`` is what came, with the times at which it did."""

    _send: Any
    opened_at: float = field(default_factory=time.monotonic)
    incoming: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    voice: list[tuple[float, Json]] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, event: str, **fields: Any) -> None:
        text = json.dumps({"event": event, **fields})
        await self._send({"type": "websocket.send", "text": text})

    async def say(self, pcm: bytes) -> None:
        await self.tell("media", media={"payload": base64.b64encode(pcm).decode()})

    async def mark(self, value: str, type: str = "info") -> None:
        await self.tell("mark", mark={"type": type, "value": value})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def receive(self, event: str, within: float = 8.0) -> Json:
        """The next message, which is this one; voice is kept aside."""
        message = await asyncio.wait_for(self.incoming.get(), within)
        assert message["event"] == event
        return message

    async def hear(self, chunks: int, within: float = 10.0) -> list[tuple[float, Json]]:
        """The next so many pieces of voice."""
        end = len(self.voice) + chunks
        async with asyncio.timeout(within):
            while len(self.voice) < end:  # noqa: ASYNC110 (they come every 200 ms)
                await asyncio.sleep(0.01)
        return self.voice[end - chunks : end]


class VoiceBotServer(ScriptedServer):
    """``/voicebot/`` and its socket. ``answers``: whether a socket is accepted at all."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = True
        self.record = "always"
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def peer(self, within: float = 10.0) -> Peer:
        """The next call."""
        return await asyncio.wait_for(self._peers.get(), within)

    async def _socket(self, receive: Any, send: Any) -> None:
        await receive()
        if not self.answers:
            await receive()  # until the client gives up
            return
        await send({"type": "websocket.accept"})
        peer = Peer(send)
        self._peers.put_nowait(peer)
        while (message := await receive())["type"] == "websocket.receive":
            said = json.loads(message["text"])
            if said["event"] == "media":
                peer.voice.append((time.monotonic(), said))
            else:
                peer.incoming.put_nowait(said)
        peer.closed.set()

    def _fetch(self, path: str) -> tuple[int, str, bytes]:
        if path != "/voicebot/":
            return super()._fetch(path)
        request = RequestFactory().get(path)
        request.user = AnonymousUser()
        with override_settings(VOICECHAT_RECORD=self.record):
            context = page_context() | {"user": request.user}
        html = render_to_string("chat/voicebot.html", context, request)
        return 200, "text/html; charset=utf-8", html.encode()


@asynccontextmanager
async def voicebot_server() -> AsyncIterator[VoiceBotServer]:
    server = VoiceBotServer()
    async with running(server):
        yield server
