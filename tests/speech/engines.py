"""Engines that do what a test says."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from speech.tts import Engine, TTSError, UnknownVoiceError, Voice


class ScriptedEngine(Engine):
    """Says ``chunks`` of silence, or fails, or hangs, and counts how often it was asked."""

    name = "scripted"
    rate = 16_000
    remote = True

    def __init__(self, name: str = "scripted", languages: Sequence[str] = ("en", "fr")) -> None:
        self.name = name
        self._voices = [Voice(f"{name}:{tag}", tag, tag, name) for tag in languages]
        self.chunks = [bytes(6400)] * 3
        self.failure: Exception | None = None
        self.hangs = False
        self.asked: list[tuple[str, str, float, int]] = []
        self.ended = 0
        self.closed = False

    def voices(self) -> Sequence[Voice]:
        return self._voices

    async def synthesize(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        self.asked.append((text, voice, speed, priority))
        if voice not in [known.id for known in self._voices]:
            raise UnknownVoiceError(voice)
        try:
            if self.hangs:
                await asyncio.Event().wait()
            for chunk in self.chunks:
                yield chunk
            if self.failure:
                raise self.failure
        finally:
            self.ended += 1

    async def aclose(self) -> None:
        self.closed = True


class WithoutVoices:
    """Not an engine."""

    name = "odd"


def broken() -> None:
    raise TTSError("no model file")
