"""PCM as it travels through this house: signed 16 bit little endian ("S16LE"), mono."""

import math
from collections.abc import Iterator
from typing import Final

SAMPLE_BYTES: Final = 2
CHUNK_MS: Final = 200
"""The longest piece, in ms, in which streamed audio is handed on."""


def nbytes(duration_ms: float, rate: int) -> int:
    """Bytes of ``duration_ms`` ms at ``rate`` Hz, rounded to whole samples."""
    return round(duration_ms * rate / 1000) * SAMPLE_BYTES


def duration_ms(nbytes: int, rate: int) -> float:
    """Milliseconds that ``nbytes`` bytes last at ``rate`` Hz."""
    return nbytes / SAMPLE_BYTES / rate * 1000


def silence(duration_ms: float, rate: int) -> bytes:
    """``duration_ms`` ms of digital silence at ``rate`` Hz."""
    return bytes(nbytes(duration_ms, rate))


def chunks(pcm: bytes, rate: int, chunk_ms: float = CHUNK_MS) -> Iterator[bytes]:
    """``pcm`` in pieces of ``chunk_ms`` ms, the last one shorter; whole samples each."""
    size = max(nbytes(chunk_ms, rate), SAMPLE_BYTES)
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


def clamp_speed(speed: float) -> float:
    """``speed`` of speech within 0.5-2.0; what is not a number counts as 1.0 (normal)."""
    return 1.0 if math.isnan(speed) else min(max(speed, 0.5), 2.0)
