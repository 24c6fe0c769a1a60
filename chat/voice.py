"""A reply's voice: sentences in, sounds in the client's own format out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from speech import codecs, g711, pcm
from speech.resample import Resampler
from speech.tts.chain import Chosen

from .events import Sound
from .messages import AudioFormat

# Encoding a sentence takes tens of milliseconds of a core, and may wait for one.
_ENCODERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")


class Voice:
    """One engine and one voice, chosen for a whole reply.

    ``chunk_ms``: sounds have exactly this length (0: as they are synthesised), but for the last of a
    sentence, which is shorter, or filled up with silence where ``fill_chunks``. Complete clips (mp3,
    opus) are not cut.
    """

    def __init__(
        self,
        chosen: Chosen,
        format: AudioFormat,
        chunk_ms: int = 0,
        fill_chunks: bool = False,
    ) -> None:
        self._chosen = chosen
        self._format = format
        self._chunk_bytes = pcm.nbytes(chunk_ms, format.rate)
        self._fill_chunks = fill_chunks
        self.id = chosen.voice.id
        self.engine = chosen.engine.name

    async def sounds(self, text: str, speed: float, *, urgent: bool) -> AsyncGenerator[Sound, None]:
        """Speak ``text``: samples as they are synthesised, or one complete clip. Raises ``TTSError``.

        ``urgent``: somebody waits in silence for this sentence, so it goes before others.
        """
        codec = self._format.encoding
        async with aclosing(self._samples(text, speed, urgent=urgent)) as samples:
            if codec == "mp3" or codec == "opus":  # noqa: PLR1714 (mypy narrows only this)
                whole = b"".join([chunk async for chunk in samples])
                clip = await asyncio.get_running_loop().run_in_executor(
                    _ENCODERS, codecs.encode, whole, self._format.rate, codec
                )
                yield self._sound(clip, whole, is_clip=True)
                return
            async with aclosing(self._chunks(samples)) as chunks:
                async for chunk in chunks:
                    coded = g711.encode_ulaw(chunk) if codec == "mulaw" else chunk
                    yield self._sound(coded, chunk)

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

    async def _chunks(self, samples: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """``samples`` in the lengths in which they are to leave."""
        size = self._chunk_bytes
        rest = b""
        async for piece in samples:
            rest += piece
            whole = len(rest) - len(rest) % size if size else len(rest)
            for start in range(0, whole, size or whole):
                yield rest[start : start + (size or whole)]
            rest = rest[whole:]
        if rest:
            yield rest.ljust(size, b"\0") if self._fill_chunks else rest

    def _sound(self, payload: bytes, samples: bytes, *, is_clip: bool = False) -> Sound:
        count = len(samples) // pcm.SAMPLE_BYTES
        ms = pcm.duration_ms(len(samples), self._format.rate)
        return Sound(payload, ms, count, samples, is_clip)
