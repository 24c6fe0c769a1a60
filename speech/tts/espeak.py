"""espeak-ng as an engine: no network, no download, a voice in some 130 languages."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from speech.pcm import CHUNK_MS, clamp_speed, nbytes
from speech.tts.engine import Engine, UnknownVoiceError, Voice
from speech.tts.espeak_library import Job, library, wake_of
from speech.tts.pieces import pieces

_MAX_CHARS: Final = 300
"""A job is at most so long, so that no caller keeps the thread for more than some 15 ms; longer
than the sentences of a reply, which are so never parted (it would fall at the end of each)."""


class EspeakEngine(Engine):
    """Speaks in the one thread of ``espeak_library``, the most urgent job first.

    Measured on one core of the development machine, a sentence of 8.4 s: first audio after
    0.3-0.6 ms through the event loop (0.04-0.25 ms inside the library), all of it after 7-10 ms
    (900-1300 x real time). 20 such sentences at once take 120-170 ms
    and hold up the loop for 3-4 ms at most. Another voice than the last one's costs 0.1-5 ms more.
    """

    name = "espeak"
    remote = False

    def __init__(self) -> None:
        self._library = library()
        self.rate = self._library.rate

    def voices(self) -> Sequence[Voice]:
        return self._library.voices

    async def synthesize(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        identifier = self._library.identifiers.get(voice)
        if identifier is None:
            raise UnknownVoiceError(f"espeak has no voice {voice!r}")
        language = voice.partition(":")[2]
        for piece in pieces(text, language, _MAX_CHARS):
            ready = asyncio.Event()
            job = Job(piece.encode(), identifier, clamp_speed(speed), priority, wake_of(ready))
            self._library.submit(job)
            try:
                async for chunk in self._audio(job, ready):
                    yield chunk
            finally:
                job.cancelled = True

    async def _audio(self, job: Job, ready: asyncio.Event) -> AsyncGenerator[bytes, None]:
        while True:
            await ready.wait()
            ready.clear()
            ended = False
            while not ended:
                audio, ended, resubmit = job.take(nbytes(CHUNK_MS, self.rate))
                if resubmit:
                    self._library.submit(job)
                if not audio:
                    break
                yield audio
            if ended:
                return
