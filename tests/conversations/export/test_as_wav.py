"""Calls mixed to stereo WAV, read again by Python's wave; sample for sample."""

from __future__ import annotations

import io
import tracemalloc
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.export import as_wav
from conversations.export.as_wav import LEFT, MOST_AT_ONCE, RATE, RIGHT, PlacedSound

SECOND = RATE


def sound(channel: int, start: int, samples, length: int | None = None, piece: int = 1000):
    pcm = np.asarray(samples, dtype="<i2").tobytes()
    pieces = [pcm[at : at + piece] for at in range(0, len(pcm), piece)]
    length = len(pcm) // 2 if length is None else length
    return PlacedSound("one", channel, start, length, lambda: iter(pieces))


def left_out(name):
    raise AssertionError(f"{name} was left out")


def mixed(*sounds, note=left_out, length: int | None = None):
    """Frames as int16, one row for each: left, right."""
    if length is None:
        length = max((sound.end for sound in sounds), default=0)
    written = b"".join(as_wav.wav(sounds, length, note))
    assert len(written) == as_wav.size_of(length)
    with wave.open(io.BytesIO(written)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 24_000)
        frames = file.readframes(file.getnframes())
        assert len(frames) == file.getnframes() * 4
    return np.frombuffer(frames, dtype="<i2").reshape(-1, 2)


def ramp(length: int, start: int = 1):
    return np.arange(start, start + length) % 30_000


def test_the_person_is_left_and_the_bot_right_each_at_its_place():
    person, bot = ramp(3 * SECOND), ramp(SECOND, 7)
    frames = mixed(sound(LEFT, 500, person), sound(RIGHT, 2 * SECOND + 9, bot))
    assert len(frames) == 3 * SECOND + 500
    expected = np.zeros_like(frames)
    expected[500:, LEFT] = person
    expected[2 * SECOND + 9 : 3 * SECOND + 9, RIGHT] = bot
    np.testing.assert_array_equal(frames, expected)


def test_between_sounds_is_silence():
    frames = mixed(sound(LEFT, 0, [5] * 10), sound(LEFT, 4 * SECOND, [6] * 10))
    assert len(frames) == 4 * SECOND + 10
    assert not frames[10 : 4 * SECOND].any()


def test_sounds_of_one_side_that_overlap_are_added():
    frames = mixed(sound(LEFT, 0, [100] * 50), sound(LEFT, 30, [11] * 40))
    assert [int(frames[at, LEFT]) for at in (0, 29, 30, 49, 50, 69)] == [100, 100, 111, 111, 11, 11]


def test_what_is_too_loud_together_is_clipped_and_does_not_turn_over():
    frames = mixed(*[sound(RIGHT, 0, [30_000, -30_000])] * 2)
    assert frames[:, RIGHT].tolist() == [32767, -32768]


def test_a_file_that_gives_less_than_it_should_goes_on_as_silence():
    frames = mixed(sound(LEFT, 0, [9] * 10, length=20), sound(RIGHT, 0, [], length=30))
    assert frames[:, LEFT].tolist() == [9] * 10 + [0] * 20
    assert not frames[:, RIGHT].any()


def test_a_file_that_gives_more_than_it_should_is_cut():
    assert mixed(sound(LEFT, 0, [9] * 30, length=20))[:, LEFT].tolist() == [9] * 20


def test_what_comes_after_the_end_does_not_make_the_file_longer():
    late = [sound(LEFT, 15, [9] * 10), sound(RIGHT, 30, [9])]
    frames = mixed(*late, length=20)
    assert frames[:, LEFT].tolist() == [0] * 15 + [9] * 5
    assert not frames[:, RIGHT].any()


def test_a_piece_may_be_empty_or_end_within_a_sample():
    pieces = [b"\x01", b"", b"\x00\x02\x00\x03"]
    odd = PlacedSound("one", LEFT, 0, 4, lambda: iter(pieces))
    assert mixed(odd)[:, LEFT].tolist() == [1, 2, 0, 0]


def test_no_sound_at_all_is_a_file_of_no_length():
    assert len(mixed()) == 0
    assert not as_wav.fits(0)


def test_of_too_many_in_one_place_the_later_are_left_out_and_told():
    named = [
        PlacedSound(str(number), LEFT, number, 100, lambda: iter([b"\x01\x00" * 100]))
        for number in range(MOST_AT_ONCE + 2)
    ]
    told = []
    frames = mixed(*named, note=told.append)
    assert told == [str(MOST_AT_ONCE), str(MOST_AT_ONCE + 1)]
    assert frames[:, LEFT].max() == MOST_AT_ONCE


def test_a_call_longer_than_a_wav_file_can_be_is_refused_before_it_begins():
    assert len(next(as_wav.wav([], as_wav.MOST_FRAMES, left_out))) == 44
    assert as_wav.size_of(as_wav.MOST_FRAMES) < 2**32 + 8
    with pytest.raises(as_wav.CallTooLongError, match=r"12\.4 hours"):
        next(as_wav.wav([], as_wav.MOST_FRAMES + 1, left_out))
    assert as_wav.fits(as_wav.MOST_FRAMES // 24)
    assert not as_wav.fits(as_wav.MOST_FRAMES // 24 + 1)


def opened_and_closed():
    """A sound that counts how often it is open, and the count."""
    count = {"open": 0, "most": 0}

    def pcm():
        count["open"] += 1
        count["most"] = max(count.values())
        try:
            while True:
                yield bytes(2000)
        finally:
            count["open"] -= 1

    return count, pcm


def test_each_file_is_closed_when_it_is_over():
    count, pcm = opened_and_closed()
    sounds = [PlacedSound("one", LEFT, at * SECOND, SECOND, pcm) for at in range(20)]
    mixed(*sounds)
    assert count["open"] == 0
    assert count["most"] <= 2


def test_all_files_are_closed_when_the_export_stops_in_the_middle():
    count, pcm = opened_and_closed()
    sounds = [PlacedSound("one", LEFT, 0, 100 * SECOND, pcm)] * 3
    pieces = as_wav.wav(sounds, 100 * SECOND, left_out)
    for _ in range(3):
        next(pieces)
    assert count["open"] == 3
    pieces.close()
    assert count["open"] == 0


def peak_of(minutes: int) -> int:
    def pcm():
        for _ in range(minutes * 60):
            yield bytes(RATE * 2)

    sounds = [PlacedSound("one", side, 0, minutes * 60 * RATE, pcm) for side in (LEFT, RIGHT)]
    tracemalloc.start()
    try:
        for _piece in as_wav.wav(sounds, sounds[0].length, left_out):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_call_takes_the_memory_of_a_short_one():
    assert peak_of(10) < 1.2 * peak_of(1) < 5_000_000


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([LEFT, RIGHT]), st.integers(0, 60_000), st.integers(0, 60_000)),
        max_size=8,
    )
)
def test_wherever_sounds_lie_every_sample_is_in_its_place(places):
    sounds = [sound(side, start, ramp(length, start)) for side, start, length in places]
    total = max((start + length for _, start, length in places), default=0)
    expected = np.zeros((total, 2), dtype=np.int64)
    for side, start, length in places:
        expected[start : start + length, side] += ramp(length, start)
    np.testing.assert_array_equal(mixed(*sounds), np.clip(expected, -32768, 32767))
