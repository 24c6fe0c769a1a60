"""The ear of a call, with a recording of a person and a recogniser that only counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from chat import effects as do
from chat import events as ev
from chat import listening
from chat.limits.limiter import Usage
from chat.listening import BURST_S, Listening
from chat.messages import VoiceFormat
from chat.tasks import Tasks
from speech import g711
from speech.stt.engine import OnPartial, Recogniser, Stream, STTError
from tests.speech.recordings import cards, voiced

RATE = 8_000
FRAME = RATE // 50 * 2


class CountingStream:
    """``text`` None: it cannot be told."""

    engine = "counting"

    def __init__(self, on_partial: OnPartial, text: str | None) -> None:
        self.on_partial = on_partial
        self.text = text
        self.fed = b""
        self.closed = False

    def feed(self, pcm: bytes) -> None:
        self.fed += pcm

    async def final(self) -> str:
        if self.text is None:
            raise STTError("no idea")
        return self.text

    def close(self) -> None:
        self.closed = True


class Counting(Recogniser):
    id = "counting"
    remote = False
    text: str | None = "two of spades"

    def __init__(self) -> None:
        self.streams: list[CountingStream] = []

    def understands(self, language: str) -> bool:
        return True

    async def start(self) -> None:
        """Nothing to get ready."""

    async def aclose(self) -> None:
        """Nothing to give back."""

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        self.streams.append(CountingStream(on_partial, self.text))
        return self.streams[-1]


class Ear:
    """What it told and recorded. Its clock runs with the sound that it is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str = "pcm_s16le") -> None:
        self.now = time.monotonic()
        # In that module alone: the event loop has a clock of its own.
        monkeypatch.setattr(listening, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.told: list[ev.Event] = []
        self.recorded: list[tuple[str, bytes, float]] = []
        self.recogniser = Counting()
        self.tasks = Tasks()
        self.usage = Usage()
        self.ear = Listening(
            VoiceFormat(encoding, RATE),  # type: ignore[arg-type] # of those that tests name
            "en",
            self.recogniser,
            tasks=self.tasks,
            tell=self.told.append,
            record=lambda utterance, pcm, at: self.recorded.append((utterance, pcm, at)),
            usage=self.usage,
        )
        self.mulaw = encoding == "mulaw"

    def hear(self, pcm: bytes, *, pace: float = 1.0) -> None:
        for at in range(0, len(pcm) - FRAME + 1, FRAME):
            self.now += 0.02 * pace
            frame = pcm[at : at + FRAME]
            self.ear.take(ev.VoiceArrived(g711.encode_ulaw(frame) if self.mulaw else frame))

    def of(self, kind: type) -> list[ev.Event]:
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
async def ear(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    made = Ear(monkeypatch)
    yield made
    await made.tasks.stop_all()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(RATE * seconds))


SAID = cards()[0].pcm(RATE)


async def test_an_utterance_is_told_fed_and_recorded_with_its_first_word(ear: Ear) -> None:
    ear.hear(silence(1) + SAID + silence(0.5))
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    [stream] = ear.recogniser.streams
    assert b"".join(pcm for _, pcm, _ in ear.recorded) == stream.fed
    assert {utterance for utterance, _, _ in ear.recorded} == {started.utterance}
    # One stretch without a hole, from before the voice began.
    ends = [at + len(pcm) / 32_000 for _, pcm, at in ear.recorded]
    assert ends[:-1] == pytest.approx([at for _, _, at in ear.recorded[1:]])
    assert ear.of(ev.SpeechPaused)


async def test_telephones_send_mu_law(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Ear(monkeypatch, "mulaw")
    phone.hear(silence(1) + SAID)
    assert phone.of(ev.SpeechStarted)
    await phone.tasks.stop_all()


async def test_the_words_so_far_are_told_until_the_utterance_ends(ear: Ear) -> None:
    ear.hear(silence(1) + SAID)
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    [stream] = ear.recogniser.streams
    stream.on_partial("two of")
    assert ear.of(ev.PartialTranscript) == [ev.PartialTranscript(started.utterance, "two of")]
    ear.ear.transcribe(do.Transcribe(started.utterance, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ear.told[-1] == ev.Transcribed(started.utterance, 1, "two of spades", "counting")
    ear.ear.end_utterance(do.EndUtterance(started.utterance, keep=True))
    assert stream.closed
    before = len(ear.told)
    stream.on_partial("too late")
    ear.ear.transcribe(do.Transcribe(started.utterance, 2))
    ear.ear.end_utterance(do.EndUtterance(started.utterance, keep=True))
    assert len(ear.told) == before


async def test_a_recogniser_that_fails_is_told(ear: Ear) -> None:
    ear.recogniser.text = None
    ear.hear(silence(1) + SAID)
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    ear.ear.transcribe(do.Transcribe(started.utterance, 1))
    await asyncio.sleep(0.01)
    failed = ear.told[-1]
    assert isinstance(failed, ev.Transcribed)
    assert failed.code == "stt_failed"


async def test_push_to_talk_hears_what_is_pressed_and_no_pauses(ear: Ear) -> None:
    ear.ear.take(ev.MicrophoneSwitched(on=True, push_to_talk=True))
    ear.hear(silence(1) + SAID)
    assert ear.told == []
    ear.ear.take(ev.TalkPressed())
    ear.hear(SAID + silence(1) + SAID)
    assert not ear.of(ev.SpeechPaused)
    ear.ear.take(ev.TalkReleased())
    [paused] = ear.of(ev.SpeechPaused)
    assert isinstance(paused, ev.SpeechPaused)
    assert paused.released
    assert len(ear.of(ev.SpeechStarted)) == 1


async def test_closing_the_microphone_ends_what_is_being_said(ear: Ear) -> None:
    ear.hear(silence(1) + SAID[: len(SAID) // 2 // FRAME * FRAME])
    ear.ear.take(ev.MicrophoneSwitched(on=False))
    paused = ear.told[-1]
    assert isinstance(paused, ev.SpeechPaused)
    assert paused.released


async def test_ten_times_too_fast_is_dropped_counted_and_told_once(ear: Ear) -> None:
    ear.hear(silence(20), pace=0.1)
    assert ear.ear.dropped_s == pytest.approx(20 - 2 - BURST_S, abs=0.1)
    assert [event.code for event in ear.of(ev.Fault) if isinstance(event, ev.Fault)] == [
        "audio_too_fast"
    ]


async def test_a_burst_after_a_stall_is_heard(ear: Ear) -> None:
    ear.now += 5
    ear.hear(silence(BURST_S - 0.1), pace=0.0)
    assert ear.ear.dropped_s == 0


async def test_frames_that_stop_coming_end_the_utterance(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "LOOK_EVERY_S", 0.01)
    ear.hear(silence(1) + SAID[: len(SAID) // 2 // FRAME * FRAME])
    ear.now += listening.MISSED_AFTER_S + 0.1
    await asyncio.sleep(0.05)
    paused = ear.told[-1]
    assert isinstance(paused, ev.SpeechPaused)
    assert paused.released


async def test_the_end_of_the_call_gives_the_decoder_back(ear: Ear) -> None:
    ear.hear(silence(1) + SAID)
    ear.ear.close()
    assert ear.recogniser.streams[0].closed


def pressing(ear: Ear) -> str:
    """They have said something with the button, and it is being understood; the utterance."""
    ear.ear.take(ev.MicrophoneSwitched(on=True, push_to_talk=True))
    ear.ear.take(ev.TalkPressed())
    ear.hear(SAID)
    ear.ear.take(ev.TalkReleased())
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    return started.utterance


SAID_MS = len(SAID) // FRAME * 20
# From before an utterance, that belong to it; and as bytes at 16 kHz.
PREROLL_MS = 300
PREROLL = PREROLL_MS * 32


async def test_what_is_said_while_they_are_being_understood_is_the_next_utterance(ear: Ear) -> None:
    first = pressing(ear)
    pressed_at = ear.now
    ear.ear.take(ev.TalkPressed())
    ear.hear(SAID)
    ear.ear.take(ev.TalkReleased())
    assert len(ear.of(ev.SpeechStarted)) == 1
    ear.ear.end_utterance(do.EndUtterance(first, keep=True))
    _, second = ear.of(ev.SpeechStarted)
    assert isinstance(second, ev.SpeechStarted)
    assert second.ago_ms == pytest.approx(SAID_MS, abs=5)
    first_stream, second_stream = ear.recogniser.streams
    assert 0 <= len(second_stream.fed) - len(first_stream.fed) <= PREROLL
    at = [at for utterance, _, at in ear.recorded if utterance == second.utterance]
    assert pressed_at - 0.3 <= at[0] <= pressed_at + 0.03
    paused = ear.told[-1]
    assert isinstance(paused, ev.SpeechPaused)
    assert (paused.utterance, paused.released) == (second.utterance, True)


async def test_a_button_that_is_still_held_goes_on_with_the_next_utterance(ear: Ear) -> None:
    ear.ear.take(ev.MicrophoneSwitched(on=True, push_to_talk=True))
    ear.ear.take(ev.TalkPressed())
    ear.hear(SAID)
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    ear.ear.transcribe(do.Transcribe(started.utterance, 1, last=True))
    fed = len(ear.recogniser.streams[0].fed)
    ear.hear(SAID)
    ear.ear.end_utterance(do.EndUtterance(started.utterance, keep=True))
    assert len(ear.recogniser.streams[0].fed) == fed
    ear.hear(SAID)
    assert len(ear.of(ev.SpeechStarted)) == 2
    assert 0 <= len(ear.recogniser.streams[1].fed) - 2 * fed <= PREROLL
    assert not ear.of(ev.SpeechPaused)


async def test_a_microphone_that_stays_open_loses_nothing_between_two_utterances(ear: Ear) -> None:
    ear.hear(silence(1) + SAID)
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    ear.ear.transcribe(do.Transcribe(started.utterance, 1, last=True))
    ear.hear(SAID)
    ear.ear.end_utterance(do.EndUtterance(started.utterance, keep=True))
    _, second = ear.of(ev.SpeechStarted)
    assert isinstance(second, ev.SpeechStarted)
    voice_ms = SAID_MS - voiced(SAID, RATE)[0]
    assert voice_ms - PREROLL_MS <= second.ago_ms <= voice_ms + 40


async def test_what_waits_to_be_heard_is_bounded(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LATER_FRAMES", 50)
    first = pressing(ear)
    ear.ear.take(ev.TalkPressed())
    ear.hear(silence(2))
    ear.ear.take(ev.TalkReleased())
    assert ear.ear.dropped_s == pytest.approx(2 - 49 * 0.02)
    ear.ear.end_utterance(do.EndUtterance(first, keep=True))
    assert len(ear.of(ev.SpeechStarted)) == 2


async def test_a_second_press_after_one_that_waits_waits_too(ear: Ear) -> None:
    first = pressing(ear)
    for _ in range(2):
        ear.ear.take(ev.TalkPressed())
        ear.hear(SAID)
        ear.ear.take(ev.TalkReleased())
    ear.ear.end_utterance(do.EndUtterance(first, keep=True))
    second = ear.of(ev.SpeechStarted)[1]
    assert isinstance(second, ev.SpeechStarted)
    assert len(ear.of(ev.SpeechStarted)) == 2
    ear.ear.end_utterance(do.EndUtterance(second.utterance, keep=True))
    assert len(ear.of(ev.SpeechStarted)) == 3


async def test_a_pause_counts_the_voice_of_its_own_utterance_only(ear: Ear) -> None:
    ear.hear(silence(1) + SAID + silence(0.5))
    [started] = ear.of(ev.SpeechStarted)
    assert isinstance(started, ev.SpeechStarted)
    ear.ear.end_utterance(do.EndUtterance(started.utterance, keep=True))
    ear.ear.take(ev.TalkPressed())
    ear.hear(silence(0.2))
    ear.ear.take(ev.TalkReleased())
    paused = ear.told[-1]
    assert isinstance(paused, ev.SpeechPaused)
    assert paused.voice_ms == 0
