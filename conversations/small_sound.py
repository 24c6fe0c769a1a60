"""A recording made small: MP3, and the peaks that its waveform is drawn from.

Runs in a process of its own, so it imports no Django. Blocking, and heavy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from speech.codecs import decode, encode

PEAKS_PER_S = 20
MOST_PEAKS = 1000


class SmallSound(NamedTuple):
    """A complete MP3 file, and the loudest sample of each stretch as 0 to 255."""

    mp3: bytes
    peaks: list[int]


def make_small(wav: bytes) -> SmallSound:
    """Raises ``speech.codecs.AudioError`` if this is not sound."""
    pcm, rate = decode(wav)
    return SmallSound(encode(pcm, rate, "mp3"), peaks_of(pcm, rate))


def peaks_of(pcm: bytes, rate: int) -> list[int]:
    """The peaks of S16LE mono samples at ``rate`` Hz: 20 a second, 1000 at most."""
    loudness = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    count = min(MOST_PEAKS, -(-len(loudness) * PEAKS_PER_S // rate))
    if not count:
        return []
    starts = np.arange(count) * len(loudness) // count
    peaks = np.maximum.reduceat(loudness, starts) // 128
    return [int(peak) for peak in np.minimum(peaks, 255)]
