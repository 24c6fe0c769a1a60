"""Parts of a call's WAV, each equal to that part of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.byte_range import ByteRange
from conversations.call_sound import wav_part
from conversations.export import as_wav
from conversations.export.as_wav import LEFT, RATE, RIGHT, PlacedSound

HEADER = 44
LENGTH = 4 * RATE


class Opened:
    """A sound that counts what was read of it, and knows whether it was closed."""

    def __init__(self, channel: int, start: int, samples: int, seed: int) -> None:
        self.pcm = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype="<i2").tobytes()
        self.is_open = False
        self.read = 0
        self.placed = PlacedSound(str(seed), channel, start, samples, self._pieces)

    def _pieces(self):
        self.is_open = True
        try:
            for at in range(0, len(self.pcm), 999):
                self.read += 1
                yield self.pcm[at : at + 999]
        finally:
            self.is_open = False


def sounds() -> list[Opened]:
    return [
        Opened(LEFT, 100, RATE, 1),
        Opened(RIGHT, RATE // 2, 2 * RATE, 2),
        Opened(LEFT, 2 * RATE + 7, RATE, 3),
        Opened(RIGHT, LENGTH - 50, 500, 4),
    ]


def left_out(name: str) -> None:
    raise AssertionError(f"{name} was left out")


def part(start: int, stop: int, of: list[Opened] | None = None) -> bytes:
    placed = [one.placed for one in of or sounds()]
    asked = ByteRange(start, stop, as_wav.size_of(LENGTH))
    return b"".join(wav_part(placed, LENGTH, asked, left_out))


WHOLE = b"".join(as_wav.wav([one.placed for one in sounds()], LENGTH, left_out))


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, len(WHOLE)),
        (0, 1),
        (0, HEADER),
        (10, 30),
        (HEADER - 1, HEADER + 1),
        (HEADER, HEADER + 4),
        (HEADER + 3, HEADER + 5),
        (HEADER + 4 * RATE - 1, HEADER + 4 * RATE + 1),
        (len(WHOLE) - 1, len(WHOLE)),
        (len(WHOLE) - 1000, len(WHOLE)),
    ],
)
def test_a_part_is_that_part_of_the_whole(start, stop):
    assert part(start, stop) == WHOLE[start:stop]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_part_is_that_part_of_the_whole(data):
    start = data.draw(st.integers(0, len(WHOLE) - 1))
    stop = data.draw(st.integers(start + 1, len(WHOLE)))
    assert part(start, stop) == WHOLE[start:stop]


def test_only_what_sounds_there_is_opened():
    every = sounds()
    at = HEADER + 4 * (3 * RATE + 20)
    part(at, at + 400, every)
    assert [one.read > 0 for one in every] == [False, False, False, False]
    at = HEADER + 4 * (2 * RATE + 20)
    part(at, at + 400, every)
    assert [one.read > 0 for one in every] == [False, True, True, False]


def test_leaving_closes_what_is_open():
    every = sounds()
    asked = ByteRange(HEADER + 4 * RATE, len(WHOLE), len(WHOLE))
    pieces = wav_part([one.placed for one in every], LENGTH, asked, left_out)
    next(pieces)
    assert every[1].is_open
    pieces.close()
    assert not any(one.is_open for one in every)
