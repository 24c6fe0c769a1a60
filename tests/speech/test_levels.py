import numpy as np
import pytest

from speech.levels import (
    LOWEST_DB,
    QUIETEST_ROOM_DB,
    EchoLevel,
    NoiseFloor,
    amplitude,
    level_db,
    spread_db,
)


def test_a_square_wave_at_full_scale_is_0_db() -> None:
    assert level_db(np.tile([1, -1], 100).astype(np.float32)) == pytest.approx(0)
    assert level_db(np.tile([0.1, -0.1], 100).astype(np.float32)) == pytest.approx(-20)


def test_silence_is_the_lowest_level() -> None:
    assert level_db(np.zeros(160, np.float32)) == LOWEST_DB


@pytest.mark.parametrize("offset", [0, 300, -9_000])
@pytest.mark.parametrize("deviation", [2, 18, 3_000])
def test_the_spread_is_the_level_without_the_mean(offset: int, deviation: int) -> None:
    noise = np.random.default_rng(1).normal(0, deviation, 960)
    samples = np.rint(noise + offset).astype("<i2")
    free = (samples - samples.mean()).astype(np.float32) / 32_768
    assert spread_db(samples.tobytes()) == pytest.approx(level_db(free), abs=0.3)


def test_a_steady_value_is_silence() -> None:
    assert spread_db(np.full(160, 1_000, "<i2").tobytes()) == LOWEST_DB


def test_amplitude_is_the_way_back() -> None:
    assert amplitude(-20) == pytest.approx(0.1)


class TestNoiseFloor:
    def test_it_begins_with_what_it_hears_first_unless_that_may_be_speech(self) -> None:
        for first, floor in ((-60, -60), (-20, -45), (LOWEST_DB, QUIETEST_ROOM_DB)):
            room = NoiseFloor()
            room.hear(first, 20)
            assert room.db == floor

    def test_it_falls_at_once_and_rises_slowly(self) -> None:
        room = NoiseFloor()
        room.hear(-50, 20)
        for _ in range(10):
            room.hear(-60, 20)
        assert room.db == pytest.approx(-60, abs=0.5)
        for _ in range(50):
            room.hear(-30, 20)
        assert room.db == pytest.approx(-57.5, abs=0.5)

    def test_it_never_falls_below_the_quietest_room(self) -> None:
        room = NoiseFloor()
        for _ in range(100):
            room.hear(LOWEST_DB, 20)
        assert room.db == QUIETEST_ROOM_DB

    def test_speech_does_not_raise_it(self) -> None:
        room = NoiseFloor()
        room.hear(-60, 20)
        room.hear(-20, 1000, speech=True)
        assert room.db == -60

    def test_what_was_no_speech_raises_it_at_once(self) -> None:
        room = NoiseFloor()
        room.hear(-60, 20)
        room.raise_to(-40)
        room.raise_to(-50)
        assert room.db == -40


class TestEchoLevel:
    def test_it_follows_what_comes_back(self) -> None:
        echo = EchoLevel()
        for _ in range(50):
            echo.hear(-25, 32)
        assert echo.db == -25

    def test_it_remembers_it_over_a_pause_between_sentences(self) -> None:
        echo = EchoLevel()
        for _ in range(50):
            echo.hear(-25, 32)
        for _ in range(30):
            echo.hear(-70, 32)
        assert echo.db > -30

    def test_it_forgets_it_when_nothing_comes_back(self) -> None:
        echo = EchoLevel()
        for _ in range(600):
            echo.hear(-70, 32)
        assert echo.db == -70

    def test_a_voice_that_has_just_begun_is_not_learned(self) -> None:
        echo = EchoLevel()
        before = [echo.hear(-40, 32) or echo.db for _ in range(10)][-1]
        for _ in range(4):
            echo.hear(-10, 32)
        assert echo.db == before
        echo.forget_recent()
        for _ in range(4):
            echo.hear(-40, 32)
        assert echo.db == before
