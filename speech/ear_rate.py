"""A caller's sound at the rate that the ear works at, 16 kHz, without delay.

soxr (``speech.resample``) works in blocks: from 8 kHz it holds back 10 to 118 ms, 64 on average,
and from 48 kHz 5 to 38; its variable-rate mode holds back 30 and 12 and costs up to ten times as
much. A person who interrupts should not wait for that. This filter, a windowed sinc of 60 dB, is
1-2 ms late and takes as long as soxr does (6-10 µs of core for 20 ms of sound).
"""

import functools
from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from speech.pcm import SAMPLE_BYTES

EAR_RATE: Final = 16_000
"""Hz: what speech recognition and the VAD work at."""
_STOP_DB: Final = 60
_BETA: Final = 0.1102 * (_STOP_DB - 8.7)  # Kaiser's window for that
_TRANSITION: Final = 0.2  # of the band: pass until 0.9 of it, stop from 1.1
_FULL_SCALE: Final = 32_768
_FRAME: Final = 32  # outputs, at least, that one column of the matrix product makes

_Samples = npt.NDArray[np.float32]


class EarRate:
    """Turns one stream of S16LE mono at ``rate`` Hz into 16 kHz.

    Raises ``ValueError`` for a rate that has no whole number of samples in 10 ms.
    """

    delay_ms: Final[float]
    """How much later than in the input a sound is in the output."""

    def __init__(self, rate: int) -> None:
        if rate <= 0 or rate % 100:
            raise ValueError(f"10 ms at {rate} Hz are no whole number of samples")
        self._frames: _Samples | None = None
        self._hop = 1
        if rate != EAR_RATE:
            self._frames, self._hop = _filter(rate)
        self._piece = rate // 100 * SAMPLE_BYTES
        past = 0 if self._frames is None else self._frames.shape[0] - self._hop
        self.delay_ms = past / 2 / rate * 1000
        self._past = np.zeros(past, np.float32)
        self._is_new = True

    def feed(self, pcm: bytes) -> bytes:
        """The next samples, any whole number of 10 ms; returns as much sound at 16 kHz.

        Raises ``ValueError`` for what is no whole number of 10 ms.
        """
        if len(pcm) % self._piece:
            raise ValueError("pieces are whole numbers of 10 ms")
        if self._frames is None or not pcm:
            return pcm
        samples = np.frombuffer(pcm, "<i2")
        if self._is_new:  # as if it had always been like this: a DC offset makes no step
            self._past[:] = samples[0]
            self._is_new = False
        line = np.concatenate((self._past, samples), dtype=np.float32)
        self._past = line[samples.size :]
        # Overlapping frames, as ``as_strided`` makes them, which takes 13 µs for it.
        frames: _Samples = np.ndarray(
            (samples.size // self._hop, self._frames.shape[0]),
            np.float32,
            line,
            0,
            (self._hop * line.itemsize, line.itemsize),
        )
        # Overlapping frames would keep the product from BLAS.
        made = np.ascontiguousarray(frames) @ self._frames
        np.rint(made, out=made)
        np.maximum(made, -_FULL_SCALE, out=made)
        np.minimum(made, _FULL_SCALE - 1, out=made)
        return made.astype("<i2").tobytes()


@functools.cache
def _filter(rate: int) -> tuple[_Samples, int]:
    """The filter as a matrix from one frame of input and its past to outputs; and the frame's length."""
    common = gcd(rate, EAR_RATE)
    hop, made = rate // common, EAR_RATE // common
    while made < _FRAME and (rate // 100) % (hop * 2) == 0:
        hop, made = hop * 2, made * 2
    band = min(rate, EAR_RATE) / 2
    # Kaiser's estimate of the length, in seconds; here of one side, in input samples.
    one_side = round((_STOP_DB - 8) / (2.285 * 2 * np.pi * _TRANSITION * band) * rate / 2)
    at = np.arange(made) * (rate / EAR_RATE) + one_side
    apart = at[np.newaxis, :] - np.arange(hop + 2 * one_side)[:, np.newaxis]
    inside = np.clip(1 - (apart / one_side) ** 2, 0, None)
    weights = np.sinc(apart * 2 * band / rate) * np.i0(_BETA * np.sqrt(inside)) * (inside > 0)
    return (weights / weights.sum(axis=0)).astype(np.float32), hop
