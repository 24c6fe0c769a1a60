"""The lanes that the waveform of a call is drawn from."""

from __future__ import annotations

import pytest

from conversations.waveform import MOST_PEAKS, UNKNOWN, Sound, lane


def test_sound_lies_where_it_was_said():
    peaks = lane([Sound(1000, 500, [10] * 10), Sound(2000, 500, [200] * 10)], 3000)
    assert len(peaks) == 60
    assert peaks[:20] == [0] * 20
    assert peaks[20:30] == [10] * 10
    assert peaks[30:40] == [0] * 10
    assert peaks[40:50] == [200] * 10


def test_of_sounds_in_one_place_the_louder_counts():
    assert lane([Sound(0, 100, [10, 90]), Sound(0, 100, [50, 50])], 100) == [50, 90]


def test_a_long_call_keeps_its_loudest_and_stays_small():
    hour = 3_600_000
    quiet = [3] * 1000
    loud = [*quiet]
    loud[500] = 255
    peaks = lane([Sound(0, hour // 2, quiet), Sound(hour // 2, hour // 2, loud)], hour)
    assert len(peaks) == MOST_PEAKS
    assert max(peaks[:1000]) == 3
    assert peaks[1500] == 255


def test_few_peaks_leave_no_holes():
    assert lane([Sound(0, 1000, [7, 8])], 1000) == [7] * 10 + [8] * 10


def test_sound_whose_peaks_are_not_known_is_shown_as_being_there():
    assert lane([Sound(0, 1000, [])], 2000) == [UNKNOWN] * 20 + [0] * 20


@pytest.mark.parametrize("peaks", [[None, "x", True, {}], [-5, 5000, 2**70]])
def test_stored_peaks_of_any_shape_are_drawn(peaks):
    assert all(0 <= peak <= 255 for peak in lane([Sound(0, 1000, peaks)], 1000))


def test_sound_behind_the_end_and_of_no_length_breaks_nothing():
    assert lane([Sound(900, 500, [9, 9]), Sound(5000, 100, [9]), Sound(0, 0, [4])], 1000)[0] == 4
    assert lane([], 0) == []
