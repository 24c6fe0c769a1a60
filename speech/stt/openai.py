"""Any OpenAI-compatible ``/audio/transcriptions`` as a recogniser: OpenAI, vLLM, Speaches, …"""

from __future__ import annotations

import asyncio
import io
import logging
import wave
from functools import partial
from typing import Final

import httpx2
import openai

from speech.breaker import Breaker, Prober
from speech.pcm import SAMPLE_BYTES, silence
from speech.stt.batch import BatchUtterance
from speech.stt.engine import RATE, OnPartial, Recogniser, Stream, STTError

log = logging.getLogger(__name__)

BASE_URL: Final = "https://api.openai.com/v1"
MODEL: Final = "whisper-1"
TIMEOUT_S: Final = 10.0
"""For one request, from its start to the text."""

_REQUESTS: Final = 8  # at a time, of all callers
_PROBE_MS: Final = 500
_FAULTS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (openai.AuthenticationError, "it refuses our key; check VOICECHAT_STT_KEY"),
    (openai.PermissionDeniedError, "it is not open to our key; check VOICECHAT_STT_KEY"),
    (
        openai.NotFoundError,
        "the model or the address is not known; check VOICECHAT_STT_MODEL, _URL",
    ),
    (openai.RateLimitError, "it is asked too much, or its quota is used up"),
    (openai.APITimeoutError, "it takes too long"),
    (openai.APIConnectionError, "it cannot be reached; check VOICECHAT_STT_URL"),
)


class OpenAIRecogniser(Recogniser):
    """Sends each utterance as a WAV when its text is asked for; no partial texts, which would cost.

    It counts as out of reach until a probe (half a second of silence) has been answered, and after a
    request has failed. ``timeout`` in seconds.
    """

    remote = True

    def __init__(
        self,
        base_url: str = BASE_URL,
        api_key: str = "",
        model: str = MODEL,
        timeout: float = TIMEOUT_S,
    ) -> None:
        self.id = f"openai:{model}"
        self._model, self._timeout = model, timeout
        self._requests = asyncio.Semaphore(_REQUESTS)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            # Local servers need none, but an empty one would not make a valid header.
            api_key=api_key or "none",
            timeout=timeout,
            max_retries=0,
        )
        self._prober = Prober(Breaker(), self._probe)

    @property
    def available(self) -> bool:
        return self._prober.breaker.closed

    async def start(self) -> None:
        self._prober.start()

    async def aclose(self) -> None:
        await self._prober.stop()
        await self._client.close()

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        return BatchUtterance(self.id, partial(self._transcribe, language), on_partial)

    async def _probe(self) -> None:
        await self._ask("en", silence(_PROBE_MS, RATE))

    async def _transcribe(self, language: str, pcm: bytes) -> str:
        try:
            async with self._requests:
                return await self._ask(language, pcm)
        except STTError as error:
            # An utterance that is not accepted says nothing about the service.
            if not isinstance(error.__cause__, openai.BadRequestError):
                self._prober.failed()
            raise

    async def _ask(self, language: str, pcm: bytes) -> str:
        code = language.lower().partition("-")[0]  # ISO 639-1
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.audio.transcriptions.create(
                    model=self._model,
                    file=("speech.wav", _wav(pcm), "audio/wav"),
                    language=code if len(code) == 2 else openai.omit,
                    response_format="json",
                )
        except (openai.OpenAIError, httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise STTError(f"{self.id}: {_in_words(error)}") from error
        text = getattr(answer, "text", None)
        if not isinstance(text, str):  # the package checks no types
            raise STTError(f"{self.id}: an answer without a text")
        return text


def _in_words(error: Exception) -> str:
    """Never the body, which may repeat the key or what was said."""
    if isinstance(error, TimeoutError):
        return "it takes too long"
    words = next((words for kind, words in _FAULTS if isinstance(error, kind)), None)
    status = getattr(error, "status_code", None)
    return words or f"{type(error).__name__}{f' {status}' if status else ''}"


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(RATE)
        writer.writeframes(pcm)
    return file.getvalue()
