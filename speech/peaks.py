"""The peaks of every 8 ms of sound: where within its windows the VAD's voice begins and ends."""

from collections import deque
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

PEAK: Final = 128
"""Samples that one peak stands for: 8 ms at 16 kHz."""
_KEPT: Final = 64  # peaks: half a second
_SEARCHED: Final = 38  # peaks before the VAD's first window: 300 ms, the "s" of "seven"
_GAP: Final = 3  # quiet peaks within an onset, as after the burst of a "t"


class Peaks:
    """The peaks, 0-1, of the last half second, of windows of any multiple of 128 samples."""

    def __init__(self) -> None:
        self._peaks: deque[float] = deque(maxlen=_KEPT)

    def add(self, window: npt.NDArray[np.float32]) -> float:
        """Take the next window, free of DC; returns its peak."""
        peaks = np.abs(window).reshape(-1, PEAK).max(axis=1).tolist()
        self._peaks.extend(peaks)
        return float(max(peaks))

    def clear(self) -> None:
        self._peaks.clear()

    def after_loud(self, loud: float, samples: int) -> int | None:
        """How many samples ago the last peak over ``loud`` ended, if within the last ``samples``."""
        for ago, peak in enumerate(islice(reversed(self._peaks), samples // PEAK)):
            if peak > loud:
                return ago * PEAK
        return None

    def onset(self, loud: float, samples: int) -> int:
        """How many samples ago voice began that the VAD saw in all of the last ``samples``.

        Looks for the first peak over ``loud``, also up to 300 ms before, as long as these are loud.
        """
        seen = samples // PEAK
        peaks = list(self._peaks)
        first = max(len(peaks) - seen, 0)
        begin = next((i for i in range(first, len(peaks)) if peaks[i] > loud), first)
        if begin <= first + _GAP:
            for i in range(begin - 1, max(first - _SEARCHED, 0) - 1, -1):
                if peaks[i] > loud:
                    begin = i
                elif begin - i > _GAP:
                    break
        return (len(peaks) - begin) * PEAK
