"""Google Translate's voice, by way of the gTTS package.

gTTS knows the languages, cuts and cleans the text and packs the requests (``get_bodies``, its
documented interface). They are sent with httpx and not by ``gTTS.stream``, which blocks, opens a
connection for every 100 characters, switches TLS verification off, cannot be cancelled, has no
deadline for the whole answer, and has the host written into it; here the host is an argument, so
that tests speak to a local server in Google's wire form.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Final

import httpx
from gtts import gTTS
from gtts.lang import tts_langs

from speech.codecs import AudioError, decode
from speech.pcm import chunks, clamp_speed
from speech.resample import resample
from speech.tempo import change_tempo
from speech.tts.engine import Engine, TTSError, UnknownVoiceError, Voice
from speech.tts.pieces import pieces

BASE_URL: Final = "https://translate.google.com"
TIMEOUT: Final = 5.0
"""Seconds for one request of 100 characters, from its start to the last byte."""

_PATH: Final = "/_/TranslateWebserverUi/data/batchexecute"
_MAX_CHARS: Final = gTTS.GOOGLE_TTS_MAX_CHARS
_MAX_ANSWER: Final = 2 * 1024 * 1024  # bytes; 100 characters are some 60 kB
_REQUESTS: Final = 8  # at a time, of all callers
_THREADS: Final = 2  # for decoding, 1 ms per second of speech


class GTTSEngine(Engine):
    """Blocking work (MP3, tempo) happens in a small executor of its own.

    Google knows only normal and slow; other speeds are made by stretching the time of the audio.

    Measured against a local server, 20 replies of 9.8 s at once at another speed: 20-28 ms
    each, the server's share included, and the loop held up for 4-14 ms at most.
    """

    name = "gtts"
    rate = 24_000
    remote = True

    def __init__(self, base_url: str = BASE_URL, timeout: float = TIMEOUT) -> None:
        self._url = base_url.rstrip("/") + _PATH
        self._timeout = timeout
        self._languages = {f"gtts:{tag.lower()}": tag for tag in tts_langs()}
        self._voices = [
            Voice(f"gtts:{tag.lower()}", name, tag, self.name) for tag, name in tts_langs().items()
        ]
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="gtts")
        self._requests = asyncio.Semaphore(_REQUESTS)
        # At startup, since they hold up the loop by 20 ms each: the certificates are loaded with
        # the client, and httpx would import its asyncio side with the first request.
        with suppress(ImportError):
            import_module("anyio._backends._asyncio")
        self._client = httpx.AsyncClient(timeout=timeout)

    def voices(self) -> Sequence[Voice]:
        return self._voices

    async def synthesize(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        language = self._languages.get(voice.lower())
        if language is None:
            raise UnknownVoiceError(f"gtts has no voice {voice!r}")
        bodies = _bodies(text, language)
        speed = clamp_speed(speed)
        coming = self._speak_next(bodies, speed)
        try:
            while coming is not None:
                pcm = await coming
                # The next piece is fetched while this one is played.
                coming = self._speak_next(bodies, speed)
                for chunk in chunks(pcm, self.rate):
                    yield chunk
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def aclose(self) -> None:
        await self._client.aclose()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _speak_next(self, bodies: Iterator[str], speed: float) -> asyncio.Task[bytes] | None:
        body = next(bodies, None)
        return None if body is None else asyncio.create_task(self._speak(body, speed))

    async def _speak(self, body: str, speed: float) -> bytes:
        """PCM of one request."""
        async with self._requests:
            try:
                async with asyncio.timeout(self._timeout):
                    mp3 = await self._fetch(body)
            except TimeoutError:
                raise TTSError(f"gtts: no answer within {self._timeout:g} s") from None
            except httpx.HTTPError as error:
                raise TTSError(f"gtts: {error or type(error).__name__}") from error
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, _pcm, mp3, self.rate, speed)
        except AudioError as error:
            raise TTSError(f"gtts: the answer is {error}") from error

    async def _fetch(self, body: str) -> bytes:
        """The MP3 that one request is answered with."""
        answer = bytearray()
        headers = gTTS.GOOGLE_TTS_HEADERS
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers
        ) as response:
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise TTSError("gtts: too many requests (429)")
            if response.status_code != httpx.codes.OK:
                raise TTSError(f"gtts: HTTP {response.status_code}")
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > _MAX_ANSWER:
                    raise TTSError("gtts: an endless answer")
        return _audio_of(bytes(answer))


def _bodies(text: str, language: str) -> Iterator[str]:
    """Bodies of the requests that speak ``text``, made one by one as they are needed."""
    for piece in pieces(text, language, _MAX_CHARS):
        try:
            yield from gTTS(piece, lang=language, lang_check=False).get_bodies()
        except AssertionError:  # its way to say that nothing is left to speak
            continue


def _audio_of(answer: bytes) -> bytes:
    """The MP3 in an answer: lines of JSON, of which the one with the name of the call counts.

    It is ``[["wrb.fr","jQ1olc","[\\"<base64>\\"]",null,…],…]``, JSON in a string of JSON.
    """
    name = gTTS.GOOGLE_TTS_RPC
    line = next((line for line in answer.splitlines() if name.encode() in line), b"[]")
    try:
        result = next(row[2] for row in json.loads(line) if row[1] == name)
        return base64.b64decode(json.loads(result)[0], validate=True)
    except (StopIteration, LookupError, TypeError, ValueError) as error:
        raise TTSError("gtts: an answer without audio") from error


def _pcm(mp3: bytes, rate: int, speed: float) -> bytes:
    pcm, mp3_rate = decode(mp3)
    return change_tempo(resample(pcm, mp3_rate, rate), rate, speed)
