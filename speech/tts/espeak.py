"""espeak-ng as an engine: no network, no download, a voice in some 130 languages."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Final

from speech.pcm import CHUNK_MS, SAMPLE_BYTES, clamp_speed, nbytes
from speech.tts.engine import Engine, TTSError, UnknownVoiceError, Voice
from speech.tts.espeak_library import Job, library, wake_of
from speech.tts.pieces import pieces

_MAX_CHARS: Final = 300
"""A job is at most so long, so that no caller keeps the thread for more than some 15 ms; longer
than the sentences of a reply, which are so never parted (it would fall at the end of each)."""

_PROGRAMS: Final = 2  # of espeak_once at a time
_PORTION_CHARS: Final = 300
"""After so many a program has said enough: some 20 s of speech, which wait in 1 MB for who is slow to take them
(letters of a foreign script that are spelled out make ten times as much).
"""
_ROOT: Final = Path(__file__).resolve().parents[2]


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
        self._programs = asyncio.Semaphore(_PROGRAMS)

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

    async def synthesize_repeatably(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """By programs of its own (``espeak_once``): 0.1 s until the first audio.

        None of them waits for whoever listens: what it made does.
        """
        if voice not in self._library.identifiers:
            raise UnknownVoiceError(f"espeak has no voice {voice!r}")
        for lines in _portions(pieces(text, voice.partition(":")[2], _MAX_CHARS)):
            made: asyncio.Queue[bytes] = asyncio.Queue()
            program = asyncio.create_task(
                self._speak_once(lines, voice, clamp_speed(speed), made), name="espeak once"
            )
            try:
                while chunk := await made.get():
                    yield chunk
                await program
            finally:
                program.cancel()
                await asyncio.gather(program, return_exceptions=True)

    async def _speak_once(
        self, lines: str, voice: str, speed: float, made: asyncio.Queue[bytes]
    ) -> None:
        """Put the audio of ``lines`` into ``made``, b"" at its end. Raises ``TTSError``."""
        try:
            async with self._programs:
                program = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "speech.tts.espeak_once", voice, str(speed)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    cwd=_ROOT,
                    env={**os.environ, "PYTHONSAFEPATH": "", "PYTHONPATH": str(_ROOT)},
                )
                assert program.stdin is not None
                assert program.stdout is not None
                try:
                    program.stdin.write(lines.encode())
                    program.stdin.close()
                    odd = b""
                    while read := await program.stdout.read(nbytes(CHUNK_MS, self.rate)):
                        chunk = odd + read
                        whole = len(chunk) // SAMPLE_BYTES * SAMPLE_BYTES
                        odd = chunk[whole:]
                        if whole:
                            made.put_nowait(chunk[:whole])
                    if await program.wait():
                        raise TTSError("espeak-ng failed")
                finally:
                    if program.returncode is None:
                        program.kill()
                        await program.wait()
        finally:
            made.put_nowait(b"")

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


def _portions(sentences: Iterator[str]) -> Iterator[str]:
    """Sentences, a line each, as many together as one program speaks."""
    lines = ""
    for sentence in sentences:
        lines += sentence + "\n"
        if len(lines) >= _PORTION_CHARS:
            yield lines
            lines = ""
    if lines:
        yield lines
