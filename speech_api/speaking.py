"""A command becomes audio: voice chosen, spoken, brought to its rate, encoded, each as it comes."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from speech.codecs import AudioError
from speech.encoders import Encoder, encoder_for
from speech.pcm import duration_ms
from speech.resample import Resampler
from speech.tts.chain import Chain, Chosen
from speech.tts.engine import TTSError

from .command import Command
from .errors import SpeechError

log = logging.getLogger(__name__)

DEFAULT_LANGUAGE: Final = "en"
_ATTEMPTS: Final = 2  # the first engine, and whatever there is beside it
# Somebody in a conversation waits in silence: their sentences go first.
_PRIORITY: Final = 2
_serials = itertools.count(secrets.randbits(30))


@dataclass(slots=True)
class Spoken:
    """The answer to a command; its first audio is there already.

    ``voice`` (an id) and ``rate`` (Hz) are those that were found for the wish. ``header`` (WAV)
    goes before the ``audio``, which raises ``SpeechError``. ``ms`` of it have been encoded so far.
    """

    voice: str
    rate: int
    header: bytes
    audio: AsyncGenerator[bytes, None]
    ms: float = 0.0


@asynccontextmanager
async def speaking(command: Command, voices: Chain, executor: Executor) -> AsyncIterator[Spoken]:
    """Speak a command. Raises ``SpeechError`` when no engine can."""
    async with _first_audio(command, voices) as (chosen, first, rest):
        try:
            encoder = encoder_for(command.format, command.rate, _serial(command))
        except AudioError as error:
            raise SpeechError(400, "bad_sample_rate", str(error), param="sample_rate") from error
        spoken = Spoken(chosen.voice.id, encoder.rate, encoder.header, _nothing())
        resampler = Resampler(chosen.rate, encoder.rate, repeatably=command.seed is not None)
        spoken.audio = _encoded(
            spoken, encoder, resampler, first=first, rest=rest, executor=executor
        )
        async with aclosing(spoken.audio):
            yield spoken


@asynccontextmanager
async def _first_audio(
    command: Command, voices: Chain
) -> AsyncIterator[tuple[Chosen, bytes, AsyncGenerator[bytes, None]]]:
    """The engine that answers, its first audio and the stream of the rest."""
    for attempt in range(_ATTEMPTS):
        chosen = choose(command, voices)
        repeatably = command.seed is not None
        stream = chosen.stream(command.text, command.speed, _PRIORITY, repeatably=repeatably)
        async with aclosing(stream):
            try:
                first = await anext(stream, b"")
            except TTSError as error:
                # A remote engine that failed is out of the choice now.
                log.info("%s could not speak, attempt %d", chosen.engine.name, attempt + 1)
                if attempt == _ATTEMPTS - 1 or not chosen.engine.remote:
                    raise _failed() from error
                continue
            yield chosen, first, stream
            return


def choose(command: Command, voices: Chain) -> Chosen:
    """The voice that was wished for if it can be had; else one for its language, or the command's."""
    known = voices.voice(command.voice)
    language = (known and known.language) or command.language or DEFAULT_LANGUAGE
    return voices.choose(command.voice, language)


async def _encoded(
    spoken: Spoken,
    encoder: Encoder,
    resampler: Resampler,
    *,
    first: bytes,
    rest: AsyncGenerator[bytes, None],
    executor: Executor,
) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()

    async def run(encode: Callable[[], bytes]) -> bytes:
        return await loop.run_in_executor(executor, encode) if encoder.is_slow else encode()

    def count(pcm: bytes) -> bytes:
        spoken.ms += duration_ms(len(pcm), encoder.rate)
        return pcm

    try:
        chunk = first
        while chunk:
            pcm = count(resampler.feed(chunk))
            if encoded := await run(lambda pcm=pcm: encoder.feed(pcm)):  # type: ignore[misc]
                yield encoded
            chunk = await anext(rest, b"")
        pcm = count(resampler.feed(b"", last=True))
        if encoded := await run(lambda: encoder.feed(pcm) + encoder.finish()):
            yield encoded
    except (TTSError, AudioError) as error:
        raise _failed() from error


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield


def _serial(command: Command) -> int:
    """Tells Ogg streams on one socket apart; of the same seed and command it is the same."""
    if command.seed is None:
        return next(_serials)
    said = (command.text, command.voice, command.rate, command.speed, command.seed)
    return zlib.crc32(repr(said).encode("utf-8", "surrogatepass"))


def _failed() -> SpeechError:
    return SpeechError(
        502, "synthesis_failed", "The text could not be spoken. Try again.", retry_s=1.0
    )
