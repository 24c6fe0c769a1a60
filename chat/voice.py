"""A reply's voice: sentences in, sounds in the client's own format out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from speech import codecs, pcm
from speech.resample import Resampler
from speech.tts.chain import Chosen

from .events import Sound
from .messages import AudioFormat

# Encoding a sentence takes tens of milliseconds of a core, and may wait for one.
_ENCODERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")


class Voice:
    """One engine and one voice, chosen for a whole reply."""

    def __init__(self, chosen: Chosen, format: AudioFormat) -> None:
        self._chosen = chosen
        self._format = format
        self.id = chosen.voice.id

    async def sounds(self, text: str, speed: float, *, urgent: bool) -> AsyncGenerator[Sound, None]:
        """Speak ``text``: PCM as it is synthesised, or one complete clip. Raises ``TTSError``.

        ``urgent``: somebody waits in silence for this sentence, so it goes before others.
        """
        async with aclosing(self._samples(text, speed, urgent=urgent)) as samples:
            if self._format.encoding == "pcm_s16le":
                async for chunk in samples:
                    yield self._sound(chunk, chunk)
            else:
                whole = b"".join([chunk async for chunk in samples])
                codec = self._format.encoding
                clip = await asyncio.get_running_loop().run_in_executor(
                    _ENCODERS, codecs.encode, whole, self._format.rate, codec
                )
                yield self._sound(clip, whole)

    async def _samples(
        self, text: str, speed: float, *, urgent: bool
    ) -> AsyncGenerator[bytes, None]:
        resampler = Resampler(self._chosen.rate, self._format.rate)
        stream = self._chosen.stream(text, speed, priority=0 if urgent else 1)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                if resampled := resampler.feed(chunk):
                    yield resampled
        if tail := resampler.feed(b"", last=True):
            yield tail

    def _sound(self, payload: bytes, samples: bytes) -> Sound:
        rate = self._format.rate
        return Sound(payload, pcm.duration_ms(len(samples), rate), len(samples) // 2, samples)
