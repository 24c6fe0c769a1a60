"""The original client over the socket of a real server, without its page."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import websockets

from speech.codecs import decode
from tests.services import VoicechatServer

from .moody import kept


class TestTheOriginalClient:
    async def ask(self, socket: websockets.ClientConnection, **question: Any) -> None:
        await socket.send(json.dumps({"usr_id": "066463f4", **question}))

    async def hear(self, socket: websockets.ClientConnection) -> dict[str, Any]:
        async with asyncio.timeout(20):
            frame: dict[str, Any] = json.loads(await socket.recv())
            return frame

    async def test_gets_text_and_mp3_that_it_can_play(
        self, live_server_process: VoicechatServer
    ) -> None:
        async with websockets.connect(live_server_process.socket_url, max_size=None) as socket:
            await self.ask(socket, usr_query="a flat in Lisbon", is_voice=True)
            text = await self.hear(socket)
            assert text["type"] == "text"
            assert text["content"]["cards"]
            voice = await self.hear(socket)
            assert voice["type"] == "voice"
            pcm, rate = decode(base64.b64decode(voice["audio"]))
            assert len(pcm) / 2 / rate > 1

    async def test_questions_at_once_are_answered_in_order(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            for n in range(10):
                await self.ask(socket, usr_query=f"message {n}", is_voice=False)
            texts = [(await self.hear(socket))["text"] for _ in range(10)]
        assert texts == [f"You said: message {n}" for n in range(10)]

    async def test_its_id_is_a_label_and_never_an_identity(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            await self.ask(socket, usr_query="who am I", is_voice=False, usr_id="admin")
            await self.hear(socket)
        [[label, protocol, user]] = kept(
            moody,
            "select client_label, call.protocol, user_id from conversations_call call"
            " join conversations_conversation c on c.id = conversation_id"
            " join accounts_person p on p.id = c.person_id where client_label = ?",
            "admin",
        )
        assert (label, protocol, user) == ("admin", "voice-chat-original", None)

    async def test_errors_can_be_shown_and_the_socket_goes_on(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            for bad in ("hello", "[]", "{}", '{"usr_query": ""}', '{"usr_query": 5}'):
                await socket.send(bad)
                error = await self.hear(socket)
                assert error["type"] == "error"
                assert error["text"]
            await self.ask(socket, usr_query="good morning", is_voice=False)
            assert (await self.hear(socket))["text"] == "You said: good morning"
