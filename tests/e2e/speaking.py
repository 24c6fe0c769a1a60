"""Somebody who talks at version 1 of the socket: a recording, in real time."""

from __future__ import annotations

import asyncio
import struct

from tests.e2e.person import Message, Person

RATE = 16_000
FRAME_MS = 20
_FRAME_BYTES = RATE * FRAME_MS // 1000 * 2


class Talker:
    """A microphone for ``person``: silence, but where ``say`` puts a recording into it."""

    def __init__(self, person: Person, pace: float = 1.0) -> None:
        self._person = person
        self._pace = pace
        self._to_say = b""
        self._said = asyncio.Event()
        self._position = 0
        self._sequence = 0

    async def hello(self, **fields: object) -> Message:
        audio = {"out": {}, "in": {"encoding": "pcm_s16le", "rate": RATE}}
        await self._person.send(type="hello", version=1, audio=audio, **fields)
        self._person.ready = await self._person.until("ready")
        return self._person.ready

    async def run(self) -> None:
        """Send a frame every 20 ms, until cancelled."""
        due = asyncio.get_running_loop().time()
        while True:
            frame, self._to_say = self._to_say[:_FRAME_BYTES], self._to_say[_FRAME_BYTES:]
            await self.send(frame.ljust(_FRAME_BYTES, b"\0"))
            if not self._to_say:
                self._said.set()
            due += FRAME_MS / 1000 * self._pace
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def send(self, pcm: bytes) -> None:
        """One frame, now."""
        header = struct.pack(">BBHIQ", 2, 0, 0, self._sequence, self._position)
        self._sequence += 1
        self._position += len(pcm) // 2
        await self._person.socket.send(header + pcm)

    async def say(self, pcm: bytes) -> None:
        """Say S16LE mono at 16 kHz; returns when the last frame of it has been sent."""
        self._to_say = pcm
        self._said.clear()
        await self._said.wait()
