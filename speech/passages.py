"""Where in a recording something is said: passages between pauses, short enough to be recognised."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from speech.pcm import SAMPLE_BYTES

LONGEST_MS: Final = 20_000
"""Of a passage. Whisper's window has 30 s."""

_STEP_MS: Final = 20
_MINUTE_STEPS: Final = 60_000 // _STEP_MS
_PAUSE_STEPS: Final = 600 // _STEP_MS  # so long a silence parts two passages
_MARGIN_STEPS: Final = 200 // _STEP_MS  # of silence around a passage
_ABOVE_NOISE: Final = 3.0  # times the noise's RMS: 10 dB
_LEAST: Final = 60.0  # of RMS, out of 32 768: what is softer is silence in any room (-55 dBFS)


class Passage(NamedTuple):
    """From ``start_ms`` to ``end_ms`` in the recording; ``pcm`` is that part of it."""

    start_ms: int
    end_ms: int
    pcm: bytes


def passages(pcm: bytes, rate: int) -> list[Passage]:
    """The passages of S16LE mono at ``rate`` Hz, in their order; none of a silence."""
    step = rate * _STEP_MS // 1000
    samples = np.frombuffer(pcm, "<i2", count=len(pcm) // SAMPLE_BYTES)
    levels = _levels(samples, step)
    found = []
    for first, last in _loud_runs(levels):
        for begin, end in _short_enough(levels, first, last):
            part = samples[begin * step : end * step].tobytes()
            stop_ms = min(end * _STEP_MS, len(samples) * 1000 // rate)
            found.append(Passage(begin * _STEP_MS, stop_ms, part))
    return found


def _levels(samples: npt.NDArray[np.int16], step: int) -> npt.NDArray[np.float32]:
    """The RMS of each step, the last one filled up with silence."""
    levels = np.zeros(-(-len(samples) // step), np.float32)
    # A minute at a time: as floats a recording is twice as large.
    for first in range(0, len(levels), _MINUTE_STEPS):
        part = samples[first * step : (first + _MINUTE_STEPS) * step].astype(np.float32)
        part.resize(-(-len(part) // step) * step)
        squares = np.square(part.reshape(-1, step))
        levels[first : first + _MINUTE_STEPS] = np.sqrt(squares.mean(axis=1))
    return levels


def _loud_runs(levels: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Steps in which somebody speaks, with the margins around them, as ranges."""
    if not levels.size:
        return []
    noise = float(np.percentile(levels, 10))
    # A recording without a pause has no noise to measure: half of what is loud will do then.
    threshold = max(_LEAST, min(noise * _ABOVE_NOISE, float(levels.max()) / 2))
    runs: list[tuple[int, int]] = []
    for step in np.flatnonzero(levels > threshold).tolist():
        begin, end = max(0, step - _MARGIN_STEPS), min(len(levels), step + 1 + _MARGIN_STEPS)
        if runs and step - (runs[-1][1] - _MARGIN_STEPS) < _PAUSE_STEPS:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((max(begin, runs[-1][1]) if runs else begin, end))
    return runs


def _short_enough(levels: npt.NDArray[np.float32], begin: int, end: int) -> list[tuple[int, int]]:
    """A run in pieces of at most ``LONGEST_MS``, cut where it is most quiet."""
    most = LONGEST_MS // _STEP_MS
    pieces = []
    while end - begin > most:
        half = begin + most // 2
        cut = half + int(np.argmin(levels[half : begin + most])) + 1
        pieces.append((begin, cut))
        begin = cut
    return [*pieces, (begin, end)]
