"""What every text-to-speech engine is to the rest of the house."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol


class TTSError(Exception):
    """The engine could not speak; another one may."""


class UnknownVoiceError(TTSError):
    """The engine has no such voice. Says nothing about the engine's health."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice by its ``id`` ("espeak:en-us"), with its BCP 47 ``language`` ("en-us")."""

    id: str
    name: str
    language: str
    engine: str


class Engine(Protocol):
    """Subclass this and name the class, as a dotted path, in the engine setting.

    An engine is made once, at startup, without arguments and perhaps before there is an event loop;
    from then on it never blocks the loop.
    """

    name: str
    """Short and without a colon: the first part of the ids of its voices."""

    rate: int
    """Of the audio, in Hz."""

    remote: bool = True
    """Whether it may be out of reach, and so gets a circuit breaker and a deadline."""

    def voices(self) -> Sequence[Voice]:
        """The voices it has, best first where several speak one language. Asked for once."""
        ...

    def synthesize(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """Speak plain ``text`` with the voice of that id, as S16LE mono in chunks of <= 200 ms.

        ``speed`` is clamped to 0.5-2.0. A lower ``priority`` goes first where callers have to
        wait for each other; an engine may ignore it. Text without a word in it is no audio.
        Closing the generator, or cancelling the task that awaits it, ends the work soon. Raises
        ``TTSError`` while it is iterated.
        """
        ...

    def synthesize_repeatably(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """The same, with the very same samples each time, if the engine can."""
        return self.synthesize(text, voice, speed, priority)

    async def aclose(self) -> None:
        """Give back connections and threads; no call is under way by then."""
        return
