"""A call as stereo WAV: the person left, the bot right, at the places of its timeline.

S16LE at 24 kHz, the highest rate at which sound is recorded here, so that nothing recorded is lost.
The length is known beforehand from the timeline, and so is the header (RIFF/WAVE, Microsoft,
"Multimedia Programming Interface and Data Specifications 1.0"); a RIFF file ends at 4 GiB, which
is 12 hours of a call. Where nothing was said is silence. Sounds of one side that overlap are added,
which loses neither; what is louder than a sample can be is clipped.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech.pcm import SAMPLE_BYTES

RATE = 24_000  # Hz
CHANNELS = 2
LEFT, RIGHT = 0, 1
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
BLOCK_FRAMES = RATE  # a second, 96 kB
# Each one that plays is an open file. People and bots do not talk over themselves; broken rows may.
MOST_AT_ONCE = 16

_HEADER = struct.Struct("<4sI4s 4sIHHIIHH 4sI")
_RIFF_BEFORE_SOUND = _HEADER.size - 8
MOST_FRAMES = (0xFFFF_FFFF - _RIFF_BEFORE_SOUND) // FRAME_BYTES


class CallTooLongError(ValueError):
    """No WAV file can hold so much."""


@dataclass(frozen=True, slots=True)
class PlacedSound:
    """``length`` frames of one side from frame ``start``, both at ``RATE``.

    ``pcm`` opens it: S16LE mono at ``RATE`` in pieces of any size, which is closed when it is no
    longer wanted. Where it ends early silence follows. ``name`` is what ``note`` is told.
    """

    name: str
    channel: int
    start: int
    length: int
    pcm: Callable[[], Iterator[bytes]]

    @property
    def end(self) -> int:
        return self.start + self.length


def frames_of(ms: int) -> int:
    """Frames in so many milliseconds, exactly."""
    return ms * RATE // 1000


def fits(ms: int) -> bool:
    """Whether there is sound at all in so many milliseconds, and a WAV file can hold it."""
    return 0 < frames_of(ms) <= MOST_FRAMES


def size_of(length: int) -> int:
    """How many bytes ``wav`` gives for ``length`` frames. Raises ``CallTooLongError``."""
    if length > MOST_FRAMES:
        hours = length / RATE / 3600
        raise CallTooLongError(f"a call of {hours:.1f} hours is too long for a WAV file (4 GiB)")
    return _HEADER.size + length * FRAME_BYTES


def wav(
    sounds: Iterable[PlacedSound], length: int, note: Callable[[str], None]
) -> Generator[bytes, None, None]:
    """The file of ``length`` frames, second by second. What sounds after that is cut.

    Of more than ``MOST_AT_ONCE`` sounds in one place the later ones are left out, and ``note`` is
    called with their names. Raises ``CallTooLongError`` before the first piece.
    """
    yield _header(size_of(length) - _HEADER.size)
    waiting = deque(sorted(sounds, key=lambda sound: sound.start))
    playing: list[_Playing] = []
    try:
        for at in range(0, length, BLOCK_FRAMES):
            block = np.zeros((min(BLOCK_FRAMES, length - at), CHANNELS), dtype=np.int32)
            while waiting and waiting[0].start < at + len(block):
                sound = waiting.popleft()
                if len(playing) < MOST_AT_ONCE:
                    playing.append(_Playing(sound))
                else:
                    note(sound.name)
            for one in playing:
                one.add_to(block, at)
            yield np.clip(block, -0x8000, 0x7FFF).astype("<i2").tobytes()
            for one in playing:
                if one.sound.end <= at + len(block):
                    one.close()
            playing = [one for one in playing if one.sound.end > at + len(block)]
    finally:
        for one in playing:
            one.close()


class _Playing:
    """A sound that is open, and what of it was read and not yet used."""

    def __init__(self, sound: PlacedSound) -> None:
        self.sound = sound
        self._pieces = sound.pcm()
        self._read = bytearray()

    def add_to(self, block: npt.NDArray[np.int32], at: int) -> None:
        """Add what belongs into the block of frames that starts at frame ``at``."""
        begin = max(0, self.sound.start - at)
        end = min(len(block), self.sound.end - at)
        samples = self._take(end - begin)
        block[begin : begin + len(samples), self.sound.channel] += samples

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _take(self, count: int) -> npt.NDArray[np.int16]:
        wanted = count * SAMPLE_BYTES
        while len(self._read) < wanted and (piece := next(self._pieces, None)) is not None:
            self._read += piece
        taken = bytes(self._read[:wanted])
        del self._read[:wanted]
        return np.frombuffer(taken, dtype="<i2", count=len(taken) // SAMPLE_BYTES)


def _header(sound: int) -> bytes:
    return _HEADER.pack(
        b"RIFF", sound + _RIFF_BEFORE_SOUND, b"WAVE",
        b"fmt ", 16, 1, CHANNELS, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 8 * SAMPLE_BYTES,
        b"data", sound,
    )  # fmt: skip
