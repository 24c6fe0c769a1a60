"""What every speech recogniser is to the rest of the house."""

from collections.abc import Callable
from typing import Final, Protocol

RATE: Final = 16_000
"""Of all audio that is recognised, in Hz."""

OnPartial = Callable[[str], None]


class STTError(Exception):
    """What was said could not be told; the message says why, for the operator."""


class Stream(Protocol):
    """The recognition of one utterance. For the event loop alone, not for several threads."""

    engine: str
    """What the record of the turn names: "pocketsphinx:en-us"."""

    def feed(self, pcm: bytes) -> None:
        """Take in more of the utterance: S16LE mono at 16 kHz, of any number of bytes.

        Never blocks and never fails. What cannot be understood yet waits; of more than 60 s of it
        the oldest is dropped.
        """
        ...

    async def final(self) -> str:
        """The text of all that has been fed so far, "" if it was no speech.

        The person may go on: feed more, and ask again for the text of the whole. Raises
        ``STTError``, also when the stream is closed meanwhile.
        """
        ...

    def close(self) -> None:
        """Give everything back at once. A second call does nothing."""
        ...


class Recogniser(Protocol):
    """Subclass this and name the class, as a dotted path, in the engine setting.

    There is one for all callers of a process. It is made at startup, without arguments and perhaps
    before there is an event loop.
    """

    id: str
    """"pocketsphinx:en-us"; what ``Stream.engine`` says."""

    remote: bool = False
    """Whether what people say leaves this machine."""

    @property
    def available(self) -> bool:
        """Whether it can be asked just now; while it cannot, a fallback takes the utterances."""
        return True

    @property
    def crowded(self) -> bool:
        """Whether so many speak that texts come late; who can do nothing but speak is not let in."""
        return False

    def understands(self, language: str) -> bool:
        """Whether it knows that language (BCP 47); "" is English."""
        return True

    async def start(self) -> None:
        """Load what takes time, so that the first person waits for nothing. Raises ``STTError``."""
        return

    async def aclose(self) -> None:
        """Give back processes, threads and connections. Streams that are open fail."""
        return

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        """Begin with an utterance in ``language``; never blocks and never raises.

        ``on_partial`` is called on the event loop with the whole text so far, when it has changed.
        ``speaker``: what is the same for all utterances of one voice and microphone, such as the id
        of the call. A recogniser may get used to them.
        """
        ...
