"""Engines in order of preference, and the choice of one of them for a reply."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Final

from speech.breaker import Breaker, Prober
from speech.pcm import chunks, clamp_speed
from speech.tts.cache import CACHE_BYTES, SpokenCache, SpokenKey
from speech.tts.engine import Engine, TTSError, UnknownVoiceError, Voice
from speech.tts.languages import best_voice

log = logging.getLogger(__name__)

TIMEOUT: Final = 5.0
"""Seconds that a remote engine may take for its first audio, and for each chunk after it."""

_LAST_RESORT: Final = "espeak:en-us"
_PARTS: Final = ("name", "rate", "remote", "voices", "synthesize", "aclose")
_LANGUAGES: Final = 256  # remembered for each engine
_PROBE_TEXT: Final = "Hello"
_BUILT_IN: Final = {
    "espeak": "speech.tts.espeak.EspeakEngine",
    "gtts": "speech.tts.gtts.GTTSEngine",
}


class UnknownEngineError(ValueError):
    """The setting names an engine that cannot be had; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    engine: Engine
    voices: dict[str, Voice]  # by id
    prober: Prober | None  # None: always within reach
    speaks: Callable[[str], Voice | None]  # its nearest voice for a language

    @property
    def healthy(self) -> bool:
        return self.prober is None or self.prober.breaker.closed


@dataclass(frozen=True, slots=True)
class Chosen:
    """One engine and voice, for all sentences of a reply."""

    engine: Engine
    voice: Voice
    _link: _Link
    _cache: SpokenCache
    _timeout: float

    @property
    def rate(self) -> int:
        """Of the audio, in Hz."""
        return self.engine.rate

    async def stream(
        self, text: str, speed: float = 1.0, priority: int = 0, *, repeatably: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Speak one sentence: S16LE mono at ``rate`` in chunks of at most 200 ms.

        Arguments as ``Engine.synthesize``; ``repeatably``: the very same samples each time. Raises ``TTSError`` (no other error), also when a
        remote engine is silent for too long; the breaker is told. A caller that stops early
        closes the generator (``contextlib.aclosing``).
        """
        speed = clamp_speed(speed)
        key = SpokenKey(self.engine.name, self.voice.id, speed, text, repeatably)
        kept = self._cache.get(key)
        if kept is not None:
            for chunk in chunks(kept, self.rate):
                yield chunk
            return
        spoken: bytearray | None = bytearray()
        async with aclosing(self._synthesize(text, speed, priority, repeatably)) as audio:
            while chunk := await self._next(audio):
                if spoken is not None:
                    spoken += chunk
                    if len(spoken) > self._cache.largest:
                        spoken = None
                yield chunk
        if spoken is not None:
            self._cache.put(key, bytes(spoken))

    def _synthesize(
        self, text: str, speed: float, priority: int, repeatably: bool
    ) -> AsyncGenerator[bytes, None]:
        speak = self.engine.synthesize
        if repeatably:  # an engine of somebody's own need not have it
            speak = getattr(self.engine, "synthesize_repeatably", speak)
        return speak(text, self.voice.id, speed, priority)

    async def _next(self, audio: AsyncGenerator[bytes, None]) -> bytes:
        """The next chunk, b"" at the end."""
        try:
            async with asyncio.timeout(self._timeout if self._link.prober else None):
                while not (chunk := await anext(audio, None)):
                    if chunk is None:
                        return b""
                return chunk
        except UnknownVoiceError:
            raise
        except TTSError:
            self._failed()
            raise
        except TimeoutError:
            self._failed()
            raise TTSError(f"{self.engine.name}: no audio for {self._timeout:g} s") from None
        except Exception as error:
            log.exception("speech engine %s", self.engine.name)
            self._failed()
            raise TTSError(f"{self.engine.name}: {error}") from error

    def _failed(self) -> None:
        if self._link.prober is not None:
            self._link.prober.failed()


class Chain:
    """Engines, best first, each with its breaker, and the sentences they spoke.

    espeak is always there as a last resort, also when it is not among ``engines``.
    """

    def __init__(
        self,
        engines: Iterable[Engine],
        *,
        cache_bytes: int = CACHE_BYTES,
        timeout: float = TIMEOUT,
    ) -> None:
        self._cache = SpokenCache(cache_bytes)
        self._timeout = timeout
        self._links = [self._link(engine) for engine in engines]
        espeak = next((link for link in self._links if link.engine.name == "espeak"), None)
        self._last_resort = espeak or self._link(load_engine("espeak"))

    async def start(self) -> None:
        """Begin to probe the remote engines: until a probe succeeds they are not chosen."""
        for link in self._links:
            if link.prober is not None:
                link.prober.start()

    async def stop(self) -> None:
        """End the probes and close the engines. No sentence is being spoken any more."""
        for link in self._links:
            if link.prober is not None:
                await link.prober.stop()
            await link.engine.aclose()

    def voices(self) -> list[Voice]:
        """Of all engines, in reach or not."""
        return [voice for link in self._links for voice in link.voices.values()]

    def reach(self) -> dict[str, bool]:
        """The remote engines by name, and whether each is within reach."""
        return {link.engine.name: link.healthy for link in self._links if link.prober is not None}

    def voice(self, id: str) -> Voice | None:
        """The voice of that id, in reach or not."""
        return next((link.voices[id] for link in self._links if id in link.voices), None)

    def choose(self, voice: str | None, language: str) -> Chosen:
        """The engine and voice for a reply; never raises.

        The wished ``voice`` (an id) if its engine is within reach; else the first engine within
        reach that speaks ``language`` (BCP 47, matched as well as may be); else espeak in English.
        """
        healthy = [link for link in self._links if link.healthy]
        if voice:
            for link in healthy:
                if wished := link.voices.get(voice):
                    return self._chosen(link, wished)
        for link in healthy:
            if found := link.speaks(language or "en"):
                return self._chosen(link, found)
        return self._chosen(self._last_resort, self._last_resort.voices[_LAST_RESORT])

    def _chosen(self, link: _Link, voice: Voice) -> Chosen:
        return Chosen(link.engine, voice, link, self._cache, self._timeout)

    def _link(self, engine: Engine) -> _Link:
        voices = {voice.id: voice for voice in engine.voices()}
        # Looking through 130 voices takes 0.3 ms.
        speaks = lru_cache(_LANGUAGES)(partial(best_voice, voices=voices.values()))
        if not engine.remote:
            return _Link(engine, voices, None, speaks)
        probe_voice = best_voice("en", voices.values()) or next(iter(voices.values()), None)

        async def probe() -> None:
            if probe_voice is None:
                raise TTSError(f"{engine.name} has no voices")
            async with (
                asyncio.timeout(self._timeout),
                aclosing(engine.synthesize(_PROBE_TEXT, probe_voice.id)) as audio,
            ):
                if not await anext(audio, b""):
                    raise TTSError(f"{engine.name} says nothing")

        return _Link(engine, voices, Prober(Breaker(), probe), speaks)


def load_engine(name: str, **options: Any) -> Engine:
    """The engine of that name ("espeak", "gtts") or dotted path ("mypackage.MyEngine").

    ``options`` go to its class. Raises ``UnknownEngineError``.
    """
    path = _BUILT_IN.get(name, name)
    module, _, attribute = path.rpartition(".")
    if not module:
        known = ", ".join(_BUILT_IN)
        raise UnknownEngineError(
            f"no speech engine is called {name!r}: use {known} or a dotted path to a class"
        )
    try:
        engine = getattr(import_module(module), attribute)(**options)
    except Exception as error:  # it is anyone's code
        raise UnknownEngineError(f"speech engine {name!r} cannot be loaded: {error}") from error
    missing = [part for part in _PARTS if not hasattr(engine, part)]
    if missing:
        raise UnknownEngineError(f"speech engine {name!r} has no {', '.join(missing)}")
    loaded: Engine = engine
    return loaded


def build_chain(
    names: Sequence[str],
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    cache_bytes: int = CACHE_BYTES,
    timeout: float = TIMEOUT,
) -> Chain:
    """A chain of the engines ``names``, best first, as a setting names them.

    ``options`` are keyword arguments by engine name, such as ``{"gtts": {"timeout": 3}}``.
    Raises ``UnknownEngineError``, with a message for the operator, also when a name comes twice.
    """
    names = [name.strip() for name in names if name.strip()] or ["espeak"]
    if len(set(names)) != len(names):
        raise UnknownEngineError(f"a speech engine is named twice: {', '.join(names)}")
    engines = [load_engine(name, **(options or {}).get(name, {})) for name in names]
    return Chain(engines, cache_bytes=cache_bytes, timeout=timeout)
