"""A person who types to version 1, and notes when what arrives."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass

import websockets

_ids = itertools.count()


@dataclass(slots=True)
class Answer:
    """Moments in ms after the question was sent."""

    first_text: float = 0.0
    first_sentence: float = 0.0
    first_audio: float = 0.0


class TypingPerson:
    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def greet(self) -> None:
        await self._socket.send(json.dumps({"type": "hello", "version": 1, "audio": {"out": {}}}))
        while json.loads(await self._socket.recv())["type"] != "ready":
            pass

    async def ask(self, text: str) -> Answer:
        """Type ``text``; returns when the first audio of its own answer has come."""
        id = f"q-{next(_ids)}"
        began = time.perf_counter()
        answer = Answer()
        await self._socket.send(json.dumps({"type": "text", "id": id, "text": text}))
        reply, written, lengths, announced = None, 0, [], False
        async with asyncio.timeout(60):
            async for frame in self._socket:
                now = (time.perf_counter() - began) * 1000
                if isinstance(frame, bytes):
                    if announced:
                        answer.first_audio = now
                        break
                    continue
                message = json.loads(frame)
                announced = False
                match message["type"]:
                    case "ack" if message["id"] == id:
                        reply = message["reply"]
                    case "delta" if message["reply"] == reply:
                        answer.first_text = answer.first_text or now
                        written += len(message["text"])
                        lengths.append((written, now))
                    case "sentence" if message["reply"] == reply:
                        announced = True
                        known = len(message["text"])
                        answer.first_sentence = next(at for n, at in lengths if n >= known)
        return answer

    async def listen(self, seconds: float) -> None:
        """Take what comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                async for _ in self._socket:
                    pass
        except TimeoutError:
            pass
