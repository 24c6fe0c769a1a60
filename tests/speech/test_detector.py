"""Utterances found in recordings of people, at all rates, and not in what is no voice."""

import tracemalloc
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.detector import (
    RATES,
    Event,
    SpeechAudio,
    SpeechDetector,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
)
from speech.ear_rate import EAR_RATE
from speech.vad import SileroVad
from tests.speech.recordings import Recording, cards, channels, readings, voiced
from tests.speech.sounds import tone

BEFORE_MS = 1000.0
"""Of quiet before every recording."""

Signal = npt.NDArray[np.float64]


def signal(recording: Recording, rate: int = EAR_RATE) -> Signal:
    return np.frombuffer(recording.pcm(rate), "<i2").astype(float)


def hiss(seconds: float, rate: int = EAR_RATE, rms: float = 20.0) -> Signal:
    return np.random.default_rng(7).normal(0, rms, round(seconds * rate))


def between_quiet(recording: Recording, rate: int = EAR_RATE, rms: float = 0.0) -> Signal:
    """The recording after and before a second of digital silence, or noise under it all."""
    second = np.zeros(rate)
    whole = np.concatenate((second, signal(recording, rate), second))
    return whole + hiss(whole.size / rate, rate, rms) if rms else whole


def pcm(samples: Signal) -> bytes:
    return samples.clip(-32_768, 32_767).round().astype("<i2").tobytes()


def listen(
    detector: SpeechDetector, samples: Signal, rate: int = EAR_RATE, chunk_ms: float = 20
) -> list[tuple[float, Event]]:
    """Feeds all; returns each event with the moment, in ms of this signal, that it speaks of."""
    whole = pcm(samples)
    size = round(rate * chunk_ms / 1000) * 2
    events = []
    for start in range(0, len(whole), size):
        chunk = whole[start : start + size]
        now_ms = (start + len(chunk)) / 2 / rate * 1000
        events += [(now_ms - getattr(e, "ago_ms", 0), e) for e in detector.feed(chunk)]
    return events


def joined(events: list[tuple[float, Event]]) -> bytes:
    return b"".join(e.audio for _, e in events if isinstance(e, SpeechStarted | SpeechAudio))


def turns(events: list[tuple[float, Event]]) -> list[tuple[float, Event]]:
    return [(at, e) for at, e in events if not isinstance(e, SpeechAudio)]


def starts(events: list[tuple[float, Event]]) -> list[float]:
    return [at for at, e in events if isinstance(e, SpeechStarted)]


class TestUtterance:
    @pytest.mark.parametrize("recording", [*cards(), *channels()[:3]], ids=str)
    @pytest.mark.parametrize("rate", RATES)
    def test_it_begins_and_pauses_once_the_person_does(
        self, recording: Recording, rate: int
    ) -> None:
        events = turns(listen(SpeechDetector(rate), between_quiet(recording, rate), rate))
        first, last = voiced(recording.pcm(rate), rate)
        began, start = events[0]
        assert isinstance(start, SpeechStarted)
        # A soft "f" at the beginning is in the pre-roll.
        assert first - 40 <= began - BEFORE_MS <= first + 300
        assert start.ago_ms <= 360
        ended, pause = events[-1]
        assert isinstance(pause, SpeechPaused)
        if (recording.path.stem, rate) != ("003", 8_000):  # whose "s" a telephone does not carry
            assert ended - BEFORE_MS == pytest.approx(last, abs=30)
        assert 64 <= pause.ago_ms <= 64 + 32 + 20 + 5 or rate == 8_000

    @pytest.mark.parametrize("recording", readings(), ids=str)
    def test_ends_are_true_to_20_ms_under_noise(self, recording: Recording) -> None:
        events = turns(listen(SpeechDetector(EAR_RATE), between_quiet(recording, rms=25)))
        _, last = voiced(recording.pcm(EAR_RATE), EAR_RATE)
        assert isinstance(events[-1][1], SpeechPaused)
        assert events[-1][0] - BEFORE_MS == pytest.approx(last, abs=25)

    def test_pauses_and_resumptions_alternate_and_count_the_voice(self) -> None:
        one = signal(cards()[3])
        spoken = np.concatenate((np.zeros(EAR_RATE), one, np.zeros(8_000), one, np.zeros(EAR_RATE)))
        events = turns(listen(SpeechDetector(EAR_RATE), spoken))
        kinds = [type(e) for _, e in events]
        assert kinds[0] is SpeechStarted
        assert kinds[1:] == [SpeechPaused, SpeechResumed] * (len(kinds) // 2 - 1) + [SpeechPaused]
        moments = [at for at, _ in events]
        assert moments == sorted(moments)
        voice = sum(b - a for (a, _), (b, e) in pairwise(events) if isinstance(e, SpeechPaused))
        assert isinstance(events[-1][1], SpeechPaused)
        assert events[-1][1].voice_ms == pytest.approx(voice, abs=0.1)

    def test_a_pause_in_mid_utterance_is_one_and_its_sound_is_kept(self) -> None:
        word, gap = signal(cards()[0]), np.zeros(EAR_RATE)
        spoken = np.concatenate((np.zeros(EAR_RATE), word, gap, word, np.zeros(EAR_RATE)))
        events = listen(SpeechDetector(EAR_RATE), spoken)
        assert len(starts(events)) == 1
        resumed = [at for at, e in events if isinstance(e, SpeechResumed)]
        second = 1000 + 2 * word.size / 16 - word.size / 16 + 1000
        assert any(second <= at <= second + 250 for at in resumed)
        assert joined(events) in pcm(spoken)

    def test_soft_speech_is_found(self) -> None:
        for recording in readings():
            assert len(starts(listen(SpeechDetector(EAR_RATE), between_quiet(recording) / 30))) == 1

    def test_speech_in_the_very_first_sample_is_found(self) -> None:
        assert starts(listen(SpeechDetector(EAR_RATE), signal(readings()[0])))

    def test_speech_over_loud_noise_is_found(self) -> None:
        loud = signal(readings()[0])
        noise = hiss(3 + loud.size / EAR_RATE, rms=loud.std() / 2)
        noise[3 * EAR_RATE :] += loud
        assert len(starts(listen(SpeechDetector(EAR_RATE), noise))) == 1


class TestAudio:
    @pytest.mark.parametrize("recording", [*cards(), *readings()], ids=str)
    def test_all_of_the_recording_is_in_it_with_pre_roll(self, recording: Recording) -> None:
        spoken = between_quiet(recording, rms=10)
        events = listen(SpeechDetector(EAR_RATE), spoken)
        audio, whole = joined(events), pcm(spoken)
        begin_ms = whole.index(audio) / 32
        first, _ = voiced(recording.pcm(EAR_RATE), EAR_RATE)
        assert begin_ms <= starts(events)[0] - 299
        assert begin_ms <= BEFORE_MS + first
        # What is less than 20 ms waits for more.
        assert len(audio) > len(whole) - begin_ms * 32 - 20 * 32

    @pytest.mark.parametrize("rate", RATES)
    def test_it_is_the_recording_at_every_rate(self, rate: int) -> None:
        recording = readings()[0]
        events = listen(SpeechDetector(rate), between_quiet(recording, rate), rate)
        heard = np.frombuffer(joined(events), "<i2").astype(float)
        said = between_quiet(recording, EAR_RATE)[-heard.size - 320 :]
        if rate == 8_000:  # the upper half is gone
            said = np.fft.irfft(np.fft.rfft(said) * (np.fft.rfftfreq(said.size) < 0.23), said.size)
            heard = np.fft.irfft(
                np.fft.rfft(heard) * (np.fft.rfftfreq(heard.size) < 0.23), heard.size
            )
        alike = max(
            float(np.corrcoef(heard, said[at : at + heard.size])[0, 1]) for at in range(321)
        )
        assert alike > 0.98

    def test_pieces_come_at_most_one_between_other_events(self) -> None:
        events = SpeechDetector(EAR_RATE).feed(pcm(between_quiet(cards()[4])))
        assert not any(
            isinstance(a, SpeechAudio) and isinstance(b, SpeechAudio) for a, b in pairwise(events)
        )
        assert isinstance(events[-1], SpeechAudio)
        assert any(isinstance(e, SpeechResumed) for e in events)

    @given(st.lists(st.integers(1, 9_999), min_size=1, max_size=30), st.sampled_from(RATES))
    @settings(max_examples=15, deadline=None)
    def test_how_the_stream_is_cut_changes_nothing(self, sizes: list[int], rate: int) -> None:
        whole = pcm(between_quiet(cards()[0], rate))
        expected = SpeechDetector(rate).feed(whole)
        detector, events, start, moments = SpeechDetector(rate), [], 0, []
        for index in range(10**6):
            if start >= len(whole):
                break
            chunk = whole[start : start + sizes[index % len(sizes)] * 3]
            start += len(chunk)
            got = detector.feed(chunk)
            moments += [
                start / 2 / rate * 1000 - e.ago_ms for e in got if not isinstance(e, SpeechAudio)
            ]
            events += got
        end_ms = len(whole) / 2 / rate * 1000
        plain = [e for e in expected if not isinstance(e, SpeechAudio)]
        assert [type(e) for e in events if not isinstance(e, SpeechAudio)] == [
            type(e) for e in plain
        ]
        assert moments == pytest.approx([end_ms - e.ago_ms for e in plain], abs=0.01)
        at_once = joined([(0, e) for e in expected])
        assert joined([(0, e) for e in events]) == at_once


class TestPushToTalk:
    def test_it_begins_at_once_with_pre_roll(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        noise = pcm(hiss(1))
        assert detector.feed(noise) == []
        [started] = detector.start()
        assert isinstance(started, SpeechStarted)
        assert started.ago_ms == 0
        assert started.audio == noise[-300 * 32 :]
        assert detector.start() == []

    @pytest.mark.parametrize("rate", RATES)
    def test_it_begins_before_any_sound(self, rate: int) -> None:
        detector = SpeechDetector(rate)
        [started] = detector.start()
        assert isinstance(started, SpeechStarted)
        assert started.audio == b""
        spoken = listen(detector, between_quiet(cards()[0], rate), rate)
        kinds = [type(e) for _, e in turns(spoken)]
        assert kinds == [SpeechPaused, SpeechResumed] * (len(kinds) // 2) + [SpeechPaused]
        assert isinstance(turns(spoken)[0][1], SpeechPaused)
        assert turns(spoken)[0][1].voice_ms == 0
        length = len(pcm(between_quiet(cards()[0])))
        assert length - 20 * 32 < len(joined(spoken)) <= length

    def test_silence_while_it_is_pressed_is_an_utterance_too(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.start()
        events = listen(detector, np.zeros(2 * EAR_RATE))
        assert [e.voice_ms for _, e in events if isinstance(e, SpeechPaused)] == [0]
        assert joined(events) == bytes(4 * EAR_RATE)

    def test_a_pause_is_counted_from_when_it_was_pressed(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        assert detector.feed(pcm(clicks()[:EAR_RATE])) == []
        detector.start()
        [pause] = [e for _, e in turns(listen(detector, np.zeros(EAR_RATE)))]
        assert isinstance(pause, SpeechPaused)
        assert pause.ago_ms >= 64

    def test_after_the_end_silence_is_silence(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.start()
        detector.feed(pcm(signal(cards()[3])[:16_000]))  # in the middle of a word
        detector.end()
        assert detector.feed(bytes(4 * EAR_RATE)) == []


class TestEnd:
    @pytest.mark.parametrize("recording", [*cards(), *channels()], ids=str)
    def test_silence_right_after_a_word_begins_nothing(self, recording: Recording) -> None:
        detector = SpeechDetector(EAR_RATE)
        _, last = voiced(recording.pcm(EAR_RATE), EAR_RATE)
        spoken = np.concatenate((np.zeros(EAR_RATE), signal(recording)[: round(last * 16)]))
        assert starts(listen(detector, spoken))
        detector.end()
        assert listen(detector, np.zeros(EAR_RATE)) == []

    def test_the_next_utterance_has_none_of_the_last(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        spoken = pcm(between_quiet(readings()[0]))
        first = detector.feed(spoken[: 32 * 4000])
        detector.end()
        rest = detector.feed(spoken[32 * 4000 :])
        before, after = (joined([(0, e) for e in events]) for events in (first, rest))
        assert isinstance(rest[0], SpeechStarted)
        begin = spoken.index(before)
        assert spoken.index(after) >= begin + len(before)

    def test_each_of_two_utterances_has_its_pre_roll(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        spoken = between_quiet(cards()[0], rms=5)
        for _ in range(2):
            events = listen(detector, spoken)
            detector.end()
            assert len(starts(events)) == 1
            assert pcm(spoken).index(joined(events)) / 32 <= starts(events)[0] - 299

    def test_without_an_utterance_it_does_nothing(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.end()
        assert len(starts(listen(detector, between_quiet(cards()[0])))) == 1


def clicks() -> Signal:
    """Keys of a keyboard, five a second."""
    keys = hiss(5, rms=15)
    press = np.random.default_rng(2).normal(0, 8_000, 400) * np.exp(-np.arange(400) / 80)
    for start in range(0, keys.size - 400, EAR_RATE // 5):
        keys[start : start + 400] += press
    return keys


def coughs() -> Signal:
    """Bursts of noise that fall off within 100 ms."""
    bursts = hiss(5, rms=15)
    one = np.random.default_rng(3).normal(0, 12_000, 4_800) * np.exp(-np.arange(4_800) / 1_600)
    for start in range(EAR_RATE, bursts.size - 4_800, EAR_RATE):
        bursts[start : start + 4_800] += one
    return bursts


NO_VOICE = {
    "silence": np.zeros(5 * EAR_RATE),
    "soft hiss": hiss(5),
    "loud hiss": hiss(5, rms=6_000),
    "noise that sets in": np.concatenate((hiss(2), hiss(4, rms=3_000))),
    "DC": np.full(5 * EAR_RATE, 12_000.0),
    "DC that sets in": np.repeat([0.0, 12_000.0, -12_000.0], 2 * EAR_RATE),
    "hum": np.frombuffer(tone(50, 5, EAR_RATE), "<i2") + hiss(5),
    "clipping": np.sign(np.frombuffer(tone(300, 5, EAR_RATE), "<i2")) * 40_000.0,
    "one channel stuck": np.where(np.arange(5 * EAR_RATE) % 2, 32_767.0, -32_768.0),
    "keys": clicks(),
    "coughs": coughs(),
    "pink noise": signal(Recording(channels()[0].path.with_name("Noise.wav"), ""), EAR_RATE),
}


class TestNoVoice:
    @pytest.mark.parametrize("name", NO_VOICE)
    def test_it_begins_nothing(self, name: str) -> None:
        assert listen(SpeechDetector(EAR_RATE), NO_VOICE[name]) == []

    @pytest.mark.parametrize("name", NO_VOICE)
    def test_speech_after_it_is_found_and_its_end_too(self, name: str) -> None:
        detector = SpeechDetector(EAR_RATE)
        listen(detector, NO_VOICE[name])
        assert len(starts(listen(detector, between_quiet(cards()[0])))) == 1

    def test_noise_after_the_last_word_does_not_hide_the_pause(self) -> None:
        spoken = np.concatenate((between_quiet(cards()[0])[:-8_000], hiss(2, rms=3_000)))
        spoken[-40_000:-32_000] += hiss(0.5, rms=3_000)
        assert isinstance(turns(listen(SpeechDetector(EAR_RATE), spoken))[-1][1], SpeechPaused)

    def test_steady_noise_is_soon_not_even_judged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        judged = []
        monkeypatch.setattr(SileroVad, "__call__", lambda vad, window: judged.append(window) or 0.1)
        listen(SpeechDetector(EAR_RATE), np.concatenate((hiss(2), hiss(20, rms=3_000))))
        assert 0 < len(judged) <= 60

    def test_clipped_speech_is_speech(self) -> None:
        assert len(starts(listen(SpeechDetector(EAR_RATE), between_quiet(cards()[0]) * 20))) == 1


class TestWhileTheBotSpeaks:
    def echo(self, db: float) -> Signal:
        """Half a minute of a bot as it comes back through the microphone."""
        bot = np.concatenate([signal(r) for r in readings()])
        return np.concatenate((np.zeros(EAR_RATE), bot * 10 ** (db / 20))) + hiss(
            1 + bot.size / EAR_RATE
        )

    @pytest.mark.parametrize("db", [-14, -20, -30, -40])
    def test_its_echo_is_nobody(self, db: float) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.strict = True
        assert listen(detector, self.echo(db)) == []

    @pytest.mark.parametrize("recording", [*cards(), *channels()], ids=str)
    def test_who_speaks_over_it_is_heard_as_fast_as_ever(self, recording: Recording) -> None:
        mixed = self.echo(-20)
        said, at = signal(recording), 3 * EAR_RATE
        mixed[at : at + said.size] += said
        detector = SpeechDetector(EAR_RATE)
        detector.strict = True
        began = starts(listen(detector, mixed[: at + said.size]))
        first, _ = voiced(recording.pcm(EAR_RATE), EAR_RATE)
        assert len(began) == 1
        assert 3000 + first - 40 <= began[0] <= 3000 + first + 300

    def test_a_soft_voice_is_heard_where_nothing_comes_back(self) -> None:
        quiet, said = hiss(6), signal(cards()[0]) / 10
        quiet[-said.size :] += said
        detector = SpeechDetector(EAR_RATE)
        detector.strict = True
        assert len(starts(listen(detector, quiet))) == 1

    def test_what_is_loud_is_a_voice_for_a_quarter_of_a_second(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.strict = True
        noise = np.concatenate((hiss(1), hiss(0.5, rms=6_000), hiss(1)))
        events = turns(listen(detector, noise))
        (began, start), (_, pause) = events
        assert isinstance(start, SpeechStarted)
        assert began == pytest.approx(1_000, abs=20)
        assert isinstance(pause, SpeechPaused)
        assert pause.voice_ms <= 300

    def test_a_noise_that_goes_on_is_taken_for_a_voice_once(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        detector.strict = True
        began = 0
        for piece in np.split(np.concatenate((hiss(1), hiss(9, rms=6_000))), 50):
            for event in detector.feed(pcm(piece)):
                began += isinstance(event, SpeechStarted)
                if isinstance(event, SpeechPaused):
                    detector.end()
        assert began == 1

    def test_without_strictness_the_echo_is_a_voice(self) -> None:
        assert starts(listen(SpeechDetector(EAR_RATE), self.echo(-20)))


class TestLevel:
    def test_it_follows_the_input(self) -> None:
        detector = SpeechDetector(EAR_RATE)
        assert detector.level_db == -100
        listen(detector, np.frombuffer(tone(440, 1, EAR_RATE), "<i2").astype(float))
        assert detector.level_db == pytest.approx(-9.2, abs=0.5)
        listen(detector, hiss(2, rms=32.768))
        assert detector.level_db == pytest.approx(-60, abs=1.5)
        listen(detector, np.zeros(2 * EAR_RATE))
        assert detector.level_db < -95


class TestLongCall:
    @pytest.mark.parametrize("rms", [0.0, 300.0])
    def test_an_hour_neither_drifts_nor_grows(self, rms: float) -> None:
        rate = 8_000
        detector = SpeechDetector(rate)
        minute = pcm(hiss(60, rate, rms))
        for _ in range(2):
            assert detector.feed(minute) == []
        tracemalloc.start()
        try:
            for _ in range(2):
                detector.feed(minute)
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert used < 50_000
        for _ in range(56):
            assert detector.feed(minute) == []
        spoken = between_quiet(cards()[4], rate, rms)
        fresh = SpeechDetector(rate)
        listen(fresh, hiss(5, rate, rms))
        expected = [at for at, _ in turns(listen(fresh, spoken, rate))]
        moments = [at for at, _ in turns(listen(detector, spoken, rate))]
        assert moments[0] == pytest.approx(expected[0], abs=30)
        assert moments[-1] == pytest.approx(expected[-1], abs=30)

    def test_an_utterance_without_end_does_not_grow_either(self) -> None:
        detector = SpeechDetector(8_000)
        piece = pcm(hiss(1, 8_000))
        detector.start()
        detector.feed(piece)
        detector.feed(piece)
        tracemalloc.start()
        try:
            for _ in range(10):
                detector.feed(piece)
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert used < 100_000


@pytest.mark.parametrize("rate", [0, -1, 11_025, 96_000])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="Hz"):
        SpeechDetector(rate)


def test_half_a_sample_waits_for_its_other_half() -> None:
    whole = pcm(between_quiet(cards()[0]))
    detector, events = SpeechDetector(EAR_RATE), []
    for start in range(0, len(whole), 641):
        events += detector.feed(whole[start : start + 641])
    assert joined([(0, e) for e in events]) == joined(
        [(0, e) for e in SpeechDetector(EAR_RATE).feed(whole)]
    )


def test_nothing_is_nothing() -> None:
    assert SpeechDetector(EAR_RATE).feed(b"") == []
