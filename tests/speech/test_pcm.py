import math

import pytest

from speech.pcm import chunks, clamp_speed, duration_ms, nbytes, silence


def test_bytes_and_milliseconds_convert_into_each_other() -> None:
    assert nbytes(20, 16_000) == 640
    assert duration_ms(640, 16_000) == 20
    assert silence(20, 16_000) == bytes(640)


def test_chunks_are_whole_samples_and_lose_nothing() -> None:
    pcm = bytes(range(250)) * 40
    parts = list(chunks(pcm, 11_025, 33))
    assert b"".join(parts) == pcm
    assert all(len(part) % 2 == 0 and duration_ms(len(part), 11_025) <= 33.1 for part in parts)


@pytest.mark.parametrize(
    ("wished", "speed"),
    [(1, 1), (0, 0.5), (-3, 0.5), (9, 2), (math.inf, 2), (-math.inf, 0.5), (math.nan, 1)],
)
def test_speed_is_clamped(wished: float, speed: float) -> None:
    assert clamp_speed(wished) == speed
