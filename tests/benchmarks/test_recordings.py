"""A benchmark is as true as the moments that it counts from."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recordings import fluent, speech
from tests.speech.recordings import LOUD, cards, readings

RATE = 8000
WINDOW = RATE // 50


def at(moment, frame_ms: int) -> int:
    """The sample that a moment is, from the first frame on."""
    samples = (moment.frame + 1) * RATE * frame_ms // 1000
    return round(samples - moment.tail_s * RATE)


@pytest.mark.parametrize("frame_ms", [20, 200])
@pytest.mark.parametrize("recording", [*cards(), *readings()], ids=str)
def test_the_voice_begins_and_ends_where_it_is_said_to(recording, frame_ms: int) -> None:
    said = speech(recording, RATE, frame_ms, phase_ms=7.5)
    samples = np.frombuffer(b"".join(said.frames), "<i2").astype(float) / 32_768
    loud = np.abs(samples) > LOUD
    onset, end = at(said.onset, frame_ms), at(said.end, frame_ms)
    assert not loud[:onset].any()
    assert not loud[end + 1 :].any()
    assert loud[onset]
    assert loud[end]
    assert loud[onset : onset + WINDOW].mean() >= 0.1
    assert loud[end + 1 - WINDOW : end + 1].mean() >= 0.1


@pytest.mark.parametrize("phase_ms", [0.0, 2.5, 19.0])
def test_a_voice_begins_anywhere_in_a_frame(phase_ms: float) -> None:
    said = speech(cards()[0], RATE, 20, phase_ms=phase_ms)
    assert said.onset.tail_s * 1000 == pytest.approx(20 - phase_ms)


def test_a_voice_may_be_cut_short() -> None:
    said = speech(readings()[0], RATE, 20, most_s=0.5)
    assert at(said.end, 20) - at(said.onset, 20) <= 0.5 * RATE


def test_the_fluent_are_there() -> None:
    assert len(fluent()) == 5
