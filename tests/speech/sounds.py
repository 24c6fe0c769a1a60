"""Sounds to test with, and ways to look at them."""

from itertools import pairwise

import numpy as np


def tone(hertz: float, seconds: float, rate: int) -> bytes:
    """A sine at half of full scale, S16LE mono."""
    t = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * t) * 16_000).astype("<i2").tobytes()


def pitch(pcm: bytes, rate: int) -> float:
    """The loudest frequency, in Hz."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


def loudness(pcm: bytes) -> float:
    """Root mean square, 0-32768."""
    return float(np.sqrt((np.frombuffer(pcm, "<i2").astype(float) ** 2).mean()))


def seconds(pcm: bytes, rate: int) -> float:
    return len(pcm) / 2 / rate


def bands(samples: np.ndarray, rate: int) -> np.ndarray:
    """The share of the energy in each sixth of the band of a telephone."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    edges = [100, 500, 1000, 1800, 2500, 3000, 3600]
    parts = [power[(hz >= low) & (hz < high)].sum() for low, high in pairwise(edges)]
    return np.array(parts) / sum(parts)
