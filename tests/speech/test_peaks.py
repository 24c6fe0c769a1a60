import numpy as np
import pytest

from speech.peaks import PEAK, Peaks

WINDOW = 4 * PEAK


def heard(*amplitudes: float) -> Peaks:
    """Peaks of a sound with these amplitudes, 8 ms each; whole windows."""
    peaks = Peaks()
    for start in range(0, len(amplitudes), 4):
        window = np.repeat(np.array(amplitudes[start : start + 4], np.float32), PEAK)
        peaks.add(window * np.tile([1, -1], WINDOW // 2).astype(np.float32))
    return peaks


QUIET, LOUD = 0.01, 0.5


def test_a_window_s_peak_is_its_loudest_sample_of_either_sign() -> None:
    window = np.zeros(WINDOW, np.float32)
    window[7], window[300] = 0.25, -0.75
    assert Peaks().add(window) == 0.75


def test_the_last_loud_sample_is_found_within_its_8_ms() -> None:
    peaks = heard(QUIET, LOUD, QUIET, QUIET)
    assert peaks.after_loud(0.1, WINDOW) == 2 * PEAK
    assert peaks.after_loud(0.1, PEAK) is None
    assert peaks.after_loud(0.6, WINDOW) is None


@pytest.mark.parametrize(
    ("amplitudes", "ago"),
    [
        ((QUIET,) * 5 + (LOUD,) * 3, 3),  # within the window
        ((QUIET,) * 2 + (LOUD,) * 6, 6),  # before it
        ((QUIET,) * 1 + (LOUD,) * 1 + (QUIET,) * 3 + (LOUD,) * 3, 7),  # after a burst
        ((LOUD,) * 1 + (QUIET,) * 5 + (LOUD,) * 2, 2),  # something else before
        ((QUIET,) * 8, 4),  # nowhere: the VAD is believed
    ],
)
def test_the_onset_is_where_loudness_begins(amplitudes: tuple[float, ...], ago: int) -> None:
    assert heard(*amplitudes).onset(0.1, WINDOW) == ago * PEAK


def test_an_onset_lies_at_most_300_ms_before_the_window() -> None:
    assert heard(*[LOUD] * 60).onset(0.1, WINDOW) == (4 + 38) * PEAK


def test_after_clearing_nothing_is_known() -> None:
    peaks = heard(*[LOUD] * 8)
    peaks.clear()
    assert peaks.after_loud(0.1, WINDOW) is None
    assert peaks.onset(0.1, WINDOW) == 0
