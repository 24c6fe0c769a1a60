"""Where in a recording something is said."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from speech.passages import LONGEST_MS, passages
from speech.pcm import nbytes, silence

RATE = 16_000


def noise(ms: int, level: float = 3000.0, seed: int = 1) -> bytes:
    count = RATE * ms // 1000
    return (np.random.default_rng(seed).normal(0, level, count)).astype("<i2").tobytes()


def test_passages_lie_between_pauses():
    found = passages(silence(500, RATE) + noise(1000) + silence(900, RATE) + noise(500), RATE)
    assert [(p.start_ms, p.end_ms) for p in found] == [(300, 1700), (2200, 2900)]
    assert [len(p.pcm) for p in found] == [nbytes(1400, RATE), nbytes(700, RATE)]


def test_a_short_pause_parts_nothing():
    [found] = passages(noise(500) + silence(300, RATE) + noise(500), RATE)
    assert (found.start_ms, found.end_ms) == (0, 1300)


def test_the_hiss_of_a_room_is_no_speech():
    hiss = noise(3000, level=300.0)
    voice = np.frombuffer(noise(500), "<i2").astype(int)
    mixed = np.frombuffer(hiss, "<i2").astype(int)
    mixed[RATE : RATE + len(voice)] += voice
    [found] = passages(mixed.astype("<i2").tobytes(), RATE)
    assert (found.start_ms, found.end_ms) == (800, 1700)


def test_what_never_pauses_is_one_passage_or_several_of_bounded_length():
    found = passages(noise(50_000), RATE)
    assert sum(p.end_ms - p.start_ms for p in found) == 50_000
    assert max(p.end_ms - p.start_ms for p in found) <= LONGEST_MS


def test_of_nothing_and_of_silence_there_are_none():
    assert passages(b"", RATE) == []
    assert passages(silence(5000, RATE), RATE) == []


@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 3000)), max_size=12))
def test_they_are_in_order_apart_and_within_the_recording(parts):
    pcm = b"".join(silence(quiet, RATE) + noise(loud) for quiet, loud in parts)
    end_ms = len(pcm) // 2 * 1000 // RATE
    at = 0
    for passage in passages(pcm, RATE):
        assert at <= passage.start_ms < passage.end_ms <= end_ms
        begin = nbytes(passage.start_ms, RATE)
        assert passage.pcm == pcm[begin : begin + len(passage.pcm)]
        assert abs(len(passage.pcm) - nbytes(passage.end_ms - passage.start_ms, RATE)) < 64
        at = passage.end_ms
