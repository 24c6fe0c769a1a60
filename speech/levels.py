"""How loud it is: the level of a piece of sound, of the noise beneath it, and of the bot's echo.

Levels are in dBFS: 0 is a square wave at full scale, speech into a microphone is around -30 to -20.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

LOWEST_DB: Final = -100.0
"""Digital silence; half a step of 16 bits is -96 dBFS."""
QUIETEST_ROOM_DB: Final = -72.0
"""The floor goes no lower, so that a single step of 16 bits is no sound."""
_LOUDEST_FIRST_DB: Final = -45.0  # a stream may begin in the middle of a word
_FALL: Final = 0.3  # of the way to a quieter level, at each step
_RISE_DB: Final = 2.5  # a second, at most

_ECHO_AT_FIRST_DB: Final = -40.0  # before any was heard: a loudspeaker that nothing cancels
_ECHO_LAG: Final = 4  # levels: a person who begins to speak is judged before being learned as echo
_ECHO_RISE_DB: Final = 30.0  # a second
_ECHO_FALL_DB: Final = 3.0  # a second: the pauses between sentences are no reason to forget it

_FULL_SCALE: Final = 32_768
_TINY: Final = 10 ** (LOWEST_DB / 10)


def level_db(samples: npt.NDArray[np.float32]) -> float:
    """The level of ``samples`` (within ±1, free of DC) in dBFS."""
    return 10 * math.log10(max(float(samples.dot(samples)) / samples.size, _TINY))


def spread_db(pcm: bytes) -> float:
    """The level of S16LE, of what it varies about its mean, in dBFS. Quick: all silence comes here."""
    # Whole numbers: exact beside any offset, and without BLAS, which lets other threads in.
    samples = np.frombuffer(pcm, "<i2").astype(np.int64)
    mean = int(np.add.reduce(samples)) / samples.size
    variance = int(samples.dot(samples)) / samples.size - mean * mean
    return 10 * math.log10(max(variance / _FULL_SCALE**2, _TINY))


def amplitude(db: float) -> float:
    """The amplitude, 0-1, that has the level ``db`` dBFS."""
    return float(10 ** (db / 20))


class NoiseFloor:
    """The level of the room when nobody speaks: falls at once, rises slowly. ``db`` is in dBFS."""

    def __init__(self) -> None:
        self.db = math.inf

    def hear(self, db: float, duration_ms: float, speech: bool = False) -> None:
        """A piece of ``duration_ms`` ms had the level ``db``; ``speech`` never raises the floor."""
        if self.db == math.inf:
            self.db = min(max(db, QUIETEST_ROOM_DB), _LOUDEST_FIRST_DB)
        elif db < self.db:
            self.db = max(self.db + _FALL * (db - self.db), QUIETEST_ROOM_DB)
        elif not speech:
            self.db += min(db - self.db, _RISE_DB * duration_ms / 1000)

    def raise_to(self, db: float) -> None:
        """What went on at ``db`` was found to be no speech."""
        self.db = max(self.db, db)


class EchoLevel:
    """How loud the bot comes back through the person's microphone. ``db`` is in dBFS."""

    def __init__(self) -> None:
        self.db = _ECHO_AT_FIRST_DB
        self._recent: list[float] = []

    def hear(self, db: float, duration_ms: float) -> None:
        """While the bot spoke and the person did not, a piece of ``duration_ms`` ms had ``db``."""
        self._recent.append(db)
        if len(self._recent) <= _ECHO_LAG:
            return
        heard = self._recent.pop(0)
        if heard > self.db:
            self.db = min(heard, self.db + _ECHO_RISE_DB * duration_ms / 1000)
        else:
            self.db = max(heard, self.db - _ECHO_FALL_DB * duration_ms / 1000)

    def forget_recent(self) -> None:
        """What was heard last may have been the person."""
        self._recent.clear()
