import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from speech import vad
from speech.ear_rate import EAR_RATE
from speech.vad import WINDOW, SileroVad, VadMissing
from tests.speech.recordings import Recording, cards, channels, readings
from tests.speech.sounds import tone


def windows(pcm: bytes) -> npt.NDArray[np.int16]:
    samples = np.frombuffer(pcm, "<i2")
    return samples[: samples.size // WINDOW * WINDOW].reshape(-1, WINDOW)


def probabilities(pcm: bytes) -> list[float]:
    judge = SileroVad()
    return [judge(window) for window in windows(pcm)]


@pytest.mark.parametrize("recording", [*cards(), *readings(), *channels()], ids=str)
def test_people_are_heard(recording: Recording) -> None:
    judged = np.array(probabilities(recording.pcm(EAR_RATE)))
    assert judged.max() > 0.9
    assert (judged > 0.5).mean() > 0.4


@pytest.mark.parametrize(
    "pcm",
    [
        bytes(2 * EAR_RATE),
        tone(440, 1, EAR_RATE),
        tone(50, 1, EAR_RATE),
        np.full(EAR_RATE, 9_000, "<i2").tobytes(),
        np.random.default_rng(1).normal(0, 3_000, EAR_RATE).astype("<i2").tobytes(),
    ],
    ids=["silence", "tone", "hum", "DC", "hiss"],
)
def test_what_is_no_voice_is_not_taken_for_one(pcm: bytes) -> None:
    assert max(probabilities(pcm)) < 0.5


def test_floats_are_judged_as_integers_are() -> None:
    spoken = windows(cards()[0].pcm(EAR_RATE))
    integers, floats = SileroVad(), SileroVad()
    for window in spoken:
        assert integers(window) == floats((window / 32_768).astype(np.float32))


def test_callers_do_not_hear_each_other() -> None:
    spoken, other = windows(cards()[0].pcm(EAR_RATE)), windows(cards()[1].pcm(EAR_RATE))
    alone, judge, between = SileroVad(), SileroVad(), SileroVad()
    for window, noise in zip(spoken, other, strict=False):
        between(noise)
        assert judge(window) == alone(window)


def test_it_forgets_when_told_to() -> None:
    spoken = windows(cards()[0].pcm(EAR_RATE))
    judge = SileroVad()
    first = [judge(window) for window in spoken]
    assert [judge(window) for window in spoken] != first
    judge.reset()
    assert [judge(window) for window in spoken] == first


def test_a_caller_takes_little_memory() -> None:
    callers = [SileroVad()]
    window = windows(cards()[0].pcm(EAR_RATE))[20]
    tracemalloc.start()
    try:
        callers += [SileroVad() for _ in range(50)]
        for caller in callers:
            caller(window)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / 50 < 10_000


@pytest.mark.parametrize("shape", [(0,), (WINDOW - 1,), (WINDOW + 1,), (1, WINDOW)])
def test_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="512"):
        SileroVad()(np.zeros(shape, np.int16))


def test_a_missing_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    vad._session.cache_clear()
    monkeypatch.setattr(vad, "find_spec", lambda name: None)
    with pytest.raises(VadMissing, match="faster-whisper"):
        SileroVad()


def test_a_package_without_the_model_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    class Package:
        origin = str(tmp_path / "__init__.py")

    vad._session.cache_clear()
    monkeypatch.setattr(vad, "find_spec", lambda name: Package)
    with pytest.raises(VadMissing, match="silero_vad_v6"):
        SileroVad()
