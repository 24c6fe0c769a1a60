"""An utterance for a recogniser that takes sound by the piece and not as a stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from speech.pcm import SAMPLE_BYTES
from speech.stt.engine import RATE, OnPartial, STTError

log = logging.getLogger(__name__)

LONGEST_S: Final = 60
"""Of audio that are kept for one request."""

_SECOND: Final = RATE * SAMPLE_BYTES
_LEAST: Final = _SECOND // 10  # in less there is no word, and services refuse it
_LONG: Final = 25 * _SECOND  # with the next text it is done with: Whisper's window has 30 s

Transcribe = Callable[[bytes], Awaitable[str]]


class BatchUtterance:
    """Sends all audio so far whenever its text is asked for; what is settled is not sent again.

    ``transcribe`` takes S16LE at 16 kHz, may be cancelled, and raises ``STTError``. ``is_idle``: if
    given, a partial text may be asked for after each second of audio while it says so.
    """

    def __init__(
        self,
        engine: str,
        transcribe: Transcribe,
        on_partial: OnPartial,
        is_idle: Callable[[], bool] | None = None,
    ) -> None:
        self.engine = engine
        self._transcribe, self._on_partial, self._is_idle = transcribe, on_partial, is_idle
        self._odd = b""
        self._audio = bytearray()
        self._settled: list[str] = []
        self._text = ""  # of the audio up to _told
        self._told = self._fed = self._tried = 0  # bytes since it began
        self._shown = ""
        self._tasks: set[asyncio.Task[str]] = set()
        self._partial: asyncio.Task[str] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        if self._closed:
            return
        pcm = self._odd + pcm
        whole = len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES
        self._odd = pcm[whole:]
        self._audio += pcm[:whole]
        self._fed += whole
        del self._audio[: max(0, len(self._audio) - LONGEST_S * _SECOND)]
        self._perhaps_partial()

    async def final(self) -> str:
        async with self._one_at_a_time:
            # The person is waiting: what is known of less than that is of no use any more.
            if self._partial is not None:
                self._partial.cancel()
            if self._told != self._fed:
                audio, upto = bytes(self._audio), self._fed
                self._text = await self._ask(audio)
                self._told = upto
                self._settle(len(audio))
            if self._closed:
                raise STTError("the utterance is closed")
            return self._joined(self._text)

    def close(self) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        self._audio.clear()

    async def _ask(self, audio: bytes) -> str:
        if self._closed or len(audio) < _LEAST:
            return ""
        task = self._begin(audio)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():
            raise STTError("the utterance is closed")
        return task.result()

    def _begin(self, audio: bytes) -> asyncio.Task[str]:
        async def ask() -> str:
            return (await self._transcribe(audio)).strip()

        task = asyncio.create_task(ask(), name="transcription")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _settle(self, asked: int) -> None:
        """Long speech: its text so far stands, and only what comes now is sent next time."""
        if asked < _LONG:
            return
        more = self._fed - self._told
        del self._audio[: max(0, len(self._audio) - more)]
        self._settled.append(self._text)
        self._text = ""

    def _joined(self, text: str) -> str:
        return " ".join(filter(None, [*self._settled, text]))

    def _perhaps_partial(self) -> None:
        is_due = self._fed - self._tried >= _SECOND
        if self._partial is None and is_due and self._is_idle is not None and self._is_idle():
            self._tried = self._fed
            self._partial = self._begin(bytes(self._audio))
            self._partial.add_done_callback(self._show)

    def _show(self, task: asyncio.Task[str]) -> None:
        self._partial = None
        if task.cancelled() or self._closed:
            return
        if error := task.exception():
            log.warning("no partial transcript: %s", error)
            return
        text = self._joined(task.result())
        if text != self._shown:
            self._shown = text
            self._on_partial(text)
