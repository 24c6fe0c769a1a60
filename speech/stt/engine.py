"""What every speech recogniser is to the rest of the house."""

from collections.abc import Callable
from typing import Protocol


class STTError(Exception):
    """The recogniser could not tell what was said."""


class Stream(Protocol):
    """The recognition of one utterance."""

    engine: str
    """What the turn's record says: "pocketsphinx:en-us"."""

    def feed(self, pcm: bytes) -> None:
        """More of the utterance: S16LE mono at 16 kHz, in any pieces. Never blocks.

        What cannot be taken yet waits; of what has waited for a minute the oldest is dropped.
        """
        ...

    async def final(self) -> str:
        """The text of everything fed so far; more may be fed afterwards, and this asked again.

        Raises ``STTError``.
        """
        ...

    def close(self) -> None:
        """Give the decoder back, now. Idempotent; a ``final`` under way raises ``STTError``."""
        ...


class Recogniser(Protocol):
    """One per process."""

    id: str

    remote: bool
    """Whether it may be out of reach."""

    async def start(self) -> None:
        """Get ready, so that the first person waits for nothing."""
        ...

    async def aclose(self) -> None:
        """Give back processes and connections."""
        ...

    def listen(self, language: str, on_partial: Callable[[str], None]) -> Stream:
        """Begin an utterance in ``language`` (BCP 47). Never blocks, never fails.

        ``on_partial`` is called on the event loop with the whole text so far, when it has changed.
        """
        ...
