"""The two lanes of a call: how loud each side was at each place of its timeline. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .small_sound import PEAKS_PER_S

# What a wide screen shows. An hour so has a peak each 1.8 seconds.
MOST_PEAKS = 2000
LOUDEST = 255
# Sound whose peaks are not drawn yet (``transcoder.py``): that there is some can be shown.
UNKNOWN = 48


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch of one side; ``peaks`` are 0 to 255, evenly over its duration, or not known."""

    start_ms: int
    duration_ms: int
    peaks: Sequence[object]


def lane(sounds: Iterable[Sound], length_ms: int) -> list[int]:
    """The loudest of each of equal parts of ``length_ms``, 0 to 255: 20 a second, 2000 at most."""
    count = min(MOST_PEAKS, -(-length_ms * PEAKS_PER_S // 1000))
    if count <= 0:
        return []
    loudest = np.zeros(count, dtype=np.int64)
    per_ms = count / length_ms
    for sound in sounds:
        peaks = _peaks(sound)
        places = (
            np.arange(len(peaks) + 1) / len(peaks) * sound.duration_ms + sound.start_ms
        ) * per_ms
        first = np.floor(places[:-1]).astype(np.int64)
        # Where peaks are wider than parts, each fills all the parts that it touches.
        last = np.maximum(first, np.ceil(places[1:]).astype(np.int64) - 1)
        for offset in range(int((last - first).max()) + 1):
            part = first + offset
            inside = (part <= last) & (part >= 0) & (part < count)
            np.maximum.at(loudest, part[inside], peaks[inside])
    return [int(peak) for peak in loudest]


def _peaks(sound: Sound) -> npt.NDArray[np.int64]:
    known = [
        min(max(peak, 0), LOUDEST)
        for peak in sound.peaks
        if isinstance(peak, int) and not isinstance(peak, bool)
    ]
    return np.array(known or [UNKNOWN], dtype=np.int64)
