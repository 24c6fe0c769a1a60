import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.resample import Resampler, resample
from tests.speech.sounds import loudness, pitch, seconds, tone


@pytest.mark.parametrize(
    ("in_rate", "out_rate"),
    [(48_000, 16_000), (22_050, 24_000), (24_000, 8_000), (8_000, 16_000), (44_100, 48_000)],
)
def test_pitch_loudness_and_duration_stay(in_rate: int, out_rate: int) -> None:
    pcm = tone(440, 1.0, in_rate)
    out = resample(pcm, in_rate, out_rate)
    assert pitch(out, out_rate) == pytest.approx(440, abs=2)
    assert loudness(out) == pytest.approx(loudness(pcm), rel=0.02)
    assert seconds(out, out_rate) == pytest.approx(1.0, abs=0.001)


def test_what_the_lower_rate_cannot_hold_is_filtered_out() -> None:
    assert loudness(resample(tone(9_000, 1.0, 48_000), 48_000, 16_000)[3200:-3200]) < 10


@given(st.lists(st.integers(0, 999)))
@settings(max_examples=50, deadline=None)
def test_chunks_of_any_size_give_the_same_as_the_whole(sizes: list[int]) -> None:
    pcm = tone(440, 0.2, 22_050)
    resampler, out, start = Resampler(22_050, 16_000), b"", 0
    for size in sizes:
        out += resampler.feed(pcm[start : start + size])
        start += size
    out += resampler.feed(pcm[start:], last=True)
    whole = resample(pcm, 22_050, 16_000)
    # Rounding to 16 bits is dithered, and the noise depends on the calls.
    difference = np.frombuffer(out, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference).max() <= 3


def test_equal_rates_pass_through_with_half_samples_carried_over() -> None:
    resampler = Resampler(16_000, 16_000)
    assert resampler.feed(b"abc") == b"ab"
    assert resampler.feed(b"d") == b"cd"
    assert resampler.feed(b"e", last=True) == b""


def test_it_starts_afresh_after_the_last() -> None:
    resampler = Resampler(48_000, 16_000)
    first = resampler.feed(tone(440, 0.1, 48_000), last=True)
    assert resampler.feed(tone(440, 0.1, 48_000), last=True) == first


def test_nothing_gives_nothing() -> None:
    assert Resampler(48_000, 16_000).feed(b"", last=True) == b""


@pytest.mark.parametrize(("in_rate", "out_rate"), [(0, 8000), (8000, 0), (-1, 8000)])
def test_it_rejects_rates_that_are_not_positive(in_rate: int, out_rate: int) -> None:
    with pytest.raises(ValueError, match="Hz"):
        Resampler(in_rate, out_rate)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 4000), min_size=1, max_size=10))
def test_repeatably_the_samples_are_the_same_however_they_came(cuts):
    said = np.random.default_rng(1).normal(0, 9000, 8000).astype("<i2").tobytes()
    at_once = Resampler(22_050, 24_000, repeatably=True).feed(said, last=True)
    resampler, parts, at = Resampler(22_050, 24_000, repeatably=True), [], 0
    while at < len(said):
        size = cuts[len(parts) % len(cuts)]
        parts.append(resampler.feed(said[at : at + size]))
        at += size
    assert b"".join(parts) + resampler.feed(b"", last=True) == at_once
