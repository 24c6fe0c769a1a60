import numpy as np
import pytest

from speech.ear_rate import EAR_RATE, EarRate
from tests.speech.sounds import loudness, tone

RATES = [8_000, 24_000, 44_100, 48_000]


def pieces(pcm: bytes, rate: int, piece_ms: int) -> list[bytes]:
    size = rate * piece_ms // 1000 * 2
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


@pytest.mark.parametrize("rate", RATES)
def test_sound_stays_what_it_is(rate: int) -> None:
    ear = EarRate(rate)
    heard = np.frombuffer(ear.feed(tone(1_000, 1, rate)), "<i2").astype(float)
    at = np.arange(EAR_RATE) / EAR_RATE - ear.delay_ms / 1000
    expected = np.sin(2 * np.pi * 1_000 * at) * 16_000
    assert np.abs(heard - expected)[200:].max() < 16  # -60 dB


@pytest.mark.parametrize("rate", RATES)
def test_it_holds_back_nothing_and_is_late_by_at_most_3_ms(rate: int) -> None:
    ear = EarRate(rate)
    assert ear.delay_ms < 3
    for _ in range(5):
        assert len(ear.feed(bytes(rate // 100 * 2))) == EAR_RATE // 100 * 2


@pytest.mark.parametrize("rate", RATES)
def test_pieces_give_the_same_as_the_whole(rate: int) -> None:
    pcm = tone(700, 0.2, rate)
    whole = np.frombuffer(EarRate(rate).feed(pcm), "<i2").astype(int)
    ear = EarRate(rate)
    parts = b"".join(ear.feed(piece) for piece in pieces(pcm, rate, 20))
    assert np.abs(np.frombuffer(parts, "<i2") - whole).max() <= 1


def test_what_16_khz_cannot_hold_is_filtered_out() -> None:
    assert loudness(EarRate(48_000).feed(tone(9_000, 1, 48_000))[2000:]) < 12


@pytest.mark.parametrize("rate", RATES)
def test_a_dc_offset_makes_no_step(rate: int) -> None:
    heard = np.frombuffer(EarRate(rate).feed(np.full(rate // 10, 9_000, "<i2").tobytes()), "<i2")
    assert np.abs(heard - 9_000).max() <= 1


@pytest.mark.parametrize("rate", RATES)
def test_a_square_wave_at_full_scale_does_not_wrap_round(rate: int) -> None:
    half = rate // 100  # samples: 50 Hz
    square = np.where(np.arange(rate) // half % 2, -32_768, 32_767).astype("<i2")
    ear = EarRate(rate)
    heard = np.frombuffer(ear.feed(square.tobytes()), "<i2")
    late = round(ear.delay_ms * 16)
    periods = heard[late : late + 45 * 320].reshape(-1, 320)
    # Where a filter overshoots, just before and after the edges, the sign must stay.
    assert (periods[:, 3:157] > 20_000).all()
    assert (periods[:, 163:317] < -20_000).all()


def test_16_khz_passes_through() -> None:
    assert EarRate(EAR_RATE).feed(b"ab" * 160) == b"ab" * 160
    assert EarRate(EAR_RATE).delay_ms == 0


def test_nothing_gives_nothing() -> None:
    assert EarRate(8_000).feed(b"") == b""


def test_parts_of_a_piece_are_refused() -> None:
    with pytest.raises(ValueError, match="10 ms"):
        EarRate(8_000).feed(bytes(158))


@pytest.mark.parametrize("rate", [0, -8_000, 11_025])
def test_rates_without_whole_samples_in_10_ms_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="10 ms"):
        EarRate(rate)
