"""When a person speaks: audio in, the begin, pauses and sound of each utterance out.

A caller is silent most of the time, so there are two stages:

* **Gate closed.** Only the level of every 20 ms is taken, at the client's rate, and the last 500 ms
  are kept. What rises 4 dB over the noise opens the gate: a soft word, and much that is no word.
* **Gate open.** Those 500 ms and what follows go to 16 kHz and through Silero, 32 ms at a time.
  Two windows of voice begin an utterance. A quarter of a second as quiet as the room closes the
  gate again; so does a second without voice, and what was heard then counts as noise.

The VAD tells that there was voice, some 50-150 ms late and in steps of 32 ms; when it truly began
and ended is looked up in the peaks of every 8 ms. A pause needs both: the VAD no longer sure, and
nothing loud for 64 ms. So a hissed "s" at the end belongs to the word, and the closing of the lips
inside of one is no pause.

All is counted in pieces of fixed length from the beginning of the stream: how the client cuts it
changes nothing.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from speech.ear_rate import EAR_RATE, EarRate
from speech.levels import LOWEST_DB, EchoLevel, NoiseFloor, amplitude, level_db, spread_db
from speech.pcm import SAMPLE_BYTES, duration_ms
from speech.peaks import Peaks
from speech.vad import WINDOW, SileroVad

RATES: Final = (8_000, 16_000, 24_000, 44_100, 48_000)
"""Sample rates, in Hz, that a detector takes."""

_STEP: Final = np.float32(1 / 32_768)
_MS: Final = EAR_RATE // 1000  # samples at 16 kHz in a millisecond
_WINDOW_MS: Final = WINDOW / _MS
_BLOCK_MS: Final = 20  # a whole number of samples at all rates

_GATE_DB: Final = 4.0  # over the noise: ten times the spread of stationary noise in 20 ms
_GATE_MEMORY: Final = 500 // _BLOCK_MS  # blocks
_CLOSE_AFTER: Final = 31  # windows without voice: a second
_CLOSE_QUIET_AFTER: Final = 8  # of those, when they are as quiet as the room

_VOICE: Final = 0.5  # Silero's own threshold
_STILL_VOICE: Final = 0.35  # and for what goes on
_VOICE_WINDOWS: Final = 2
# Over the bot the voice must be louder, not longer: a wrong start is undone within a second.
_STRICT_VOICE: Final = 0.35
_STRICT_SURE: Final = 0.6  # one window will do
_STRICT_DB: Final = 12.0  # over noise and echo
# An "f" or "s" is loud 100 ms before the VAD hears a voice in it. So loud counts without the VAD, which
# has a quarter of a second to say otherwise.
_STRICT_LOUD_DB: Final = 16.0
_CREST_DB: Final = 10.0  # of speech: its peaks over its level

# The VAD is most of the cost of a caller, and seldom in doubt in the middle of a word.
_SURE_VOICE: Final = 0.8
_SURE_LOUD: Final = 1.5  # times what counts as loud at all
_ASSUMED_WINDOWS: Final = 3
# Nor is there voice in what is as quiet as the room; but it must hear some of that to get in tune.
_WARM_UP: Final = 6 * WINDOW  # before what opened the gate

_PREROLL: Final = 300 * _MS  # before the onset
_QUIET: Final = 64 * _MS  # makes a pause
_NO_VOICE_WINDOWS: Final = 8  # make a pause however loud the rest is
_BURST_VOICE: Final = 0.15  # the VAD's opinion of a lone consonant; a click has less than 0.1
_BURST_WITHIN: Final = 300 * _MS  # of the voice before
_KEPT: Final = 1000 * _MS  # of audio behind the last window

_LOUD: Final = 0.02  # of full scale: voice, if the person speaks at a normal level
_LOUD_OF_PEAK: Final = 1 / 16  # of the utterance's peak: voice, if the person speaks softly
_LOUD_OF_NOISE: Final = 4.5  # times the noise's RMS is what its peaks seldom reach
_PEAK_DECAY: Final = 0.99  # a window: halves in 2 s
_DC_SHARE: Final = 0.1  # of a window's mean in the running one
_METER_ATTACK: Final = 0.5
_METER_RELEASE: Final = 0.1


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """An utterance has begun: 64 ms of voice were seen, or push-to-talk was pressed."""

    ago_ms: float
    """How long before the end of the chunk just fed the voice began."""
    audio: bytes
    """S16LE at 16 kHz: 300 ms from before that (if there was that much), and all up to now."""


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """More of the utterance's sound, its pauses too."""

    audio: bytes
    """S16LE at 16 kHz."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The voice has stopped for 64-96 ms."""

    ago_ms: float
    """How long before the end of the chunk just fed the last loud sample was."""
    voice_ms: float
    """Voice so far in this utterance; 0 if push-to-talk was pressed and nothing was said."""


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """Voice again after a pause, in the same utterance."""

    ago_ms: float
    """How long before the end of the chunk just fed it began."""


Event = SpeechStarted | SpeechAudio | SpeechPaused | SpeechResumed


class SpeechDetector:
    """Finds the utterances in one caller's S16LE mono at ``rate`` Hz (one of RATES).

    After ``SpeechStarted``, ``SpeechPaused`` and ``SpeechResumed`` alternate until ``end()``; all
    audio in between comes as ``SpeechAudio``. Not for use by several threads. Raises
    ``ValueError`` for another rate, ``VadMissing`` if there is no model.
    """

    strict: bool
    """While the bot speaks: voice must be surer, and louder than the bot's echo, to count."""

    def __init__(self, rate: int) -> None:
        if rate not in RATES:
            raise ValueError(f"a rate of {rate} Hz is none of {RATES}")
        self.strict = False
        self._rate = rate
        self._block_bytes = rate * _BLOCK_MS // 1000 * SAMPLE_BYTES
        self._vad = SileroVad()
        self._floor = NoiseFloor()
        self._echo = EchoLevel()
        self._meter_db = LOWEST_DB
        self._fed = self._heard = 0  # bytes, ever; what is not yet heard is in _pending
        self._pending = b""  # less than a block
        self._latest: deque[bytes] = deque(maxlen=_GATE_MEMORY)
        self._ear: EarRate | None = None  # there is one while the gate is open
        self._events: list[Event] = []

        # From here on positions are samples at 16 kHz since the gate opened.
        self._opened_ms = 0.0  # in the client's stream
        self._audio = bytearray()
        self._audio_start = 0
        self._cursor = 0  # the end of the last window
        self._replayed = 0  # the end of what came before the gate opened
        self._dc = 0.0
        self._peaks = Peaks()
        self._levels: deque[float] = deque(maxlen=_CLOSE_AFTER)  # of windows
        self._voice_run = 0  # windows of voice up to the cursor
        self._idle_run = 0  # and of no voice
        self._quiet_run = 0  # and of nothing louder than the room
        self._sure = 0.0  # the probability that was judged last
        self._assumed = 0  # windows since then
        self._mine = 0  # what is before was fed to an utterance that has ended

        self._in_utterance = False
        self._sent = 0  # the end of the audio that was handed out
        self._in_voice = False
        self._voice_start = 0
        self._voice_end = 0  # of the last stretch of voice, or of its last loud sample so far
        self._voice_samples = 0  # in the stretches that have ended
        self._had_voice = False  # and not only something loud
        self._begun = 0  # when it was noticed
        self._peak = 0.0  # of the utterance

    @property
    def level_db(self) -> float:
        """The smoothed level of the input, -100 to 0 dBFS, for meters."""
        return self._meter_db

    def feed(self, pcm: bytes) -> list[Event]:
        """Take in more audio, of any number of bytes; returns what happened, in that order."""
        self._fed += len(pcm)
        pcm = self._pending + pcm
        whole = len(pcm) // self._block_bytes * self._block_bytes
        for start in range(0, whole, self._block_bytes):
            self._hear(pcm[start : start + self._block_bytes])
        self._pending = pcm[whole:]
        self._hand_out(self._end)
        self._forget()
        return self._take_events()

    def start(self) -> list[Event]:
        """Push-to-talk was pressed: an utterance begins now, voice or not.

        Returns nothing if one is going on.
        """
        if self._ear is None:
            self._open()
        if not self._in_utterance:
            self._idle_run = 0
            self._peak = 0.0
            self._begin(onset=self._end, now=self._end)
        return self._take_events()

    def end(self) -> None:
        """The utterance is over, taken or dropped; the next one has none of its audio."""
        if not self._in_utterance:
            return
        self._in_utterance = False
        lasted = (self._cursor - self._begun) // WINDOW
        if lasted and not self._had_voice:
            # Or a noise would be taken for a voice again and again.
            self._floor.raise_to(median(list(self._levels)[-lasted:]))
        if self._in_voice:
            not_yet_heard = duration_ms(len(self._pending), self._rate)
            self._mine = self._end + ceil(not_yet_heard * _MS)
        else:
            # What has begun since the pause was not in the text: it is of the next one.
            self._mine = self._voice_end
        self._voice_run = self._idle_run = self._quiet_run = 0
        self._echo.forget_recent()

    # -- the gate -------------------------------------------------------------------------------

    def _hear(self, block: bytes) -> None:
        self._heard += len(block)
        self._latest.append(block)
        if self._ear is not None:
            self._take_in(self._ear, block)
            return
        db = spread_db(block)
        self._meter(db, _BLOCK_MS)
        self._floor.hear(db, _BLOCK_MS)
        if self.strict:
            self._echo.hear(db, _BLOCK_MS)
        if db > self._floor.db + _GATE_DB:
            self._open()

    def _open(self) -> None:
        before = b"".join(self._latest)
        self._dc = float(_samples(before).mean()) if before else 0.0
        self._ear = EarRate(self._rate)
        self._replayed = round(duration_ms(len(before), self._rate) * _MS)
        self._opened_ms = duration_ms(self._heard - len(before), self._rate) - self._ear.delay_ms
        self._audio.clear()
        self._audio_start = self._cursor = self._mine = self._sent = 0
        self._peaks.clear()
        self._levels.clear()
        self._voice_run = self._idle_run = 0
        # What is replayed first was quiet, or the gate had been open.
        self._quiet_run = -_CLOSE_AFTER
        self._vad.reset()
        self._take_in(self._ear, before)

    def _close(self) -> None:
        not_mine = (self._end - self._mine) // (_BLOCK_MS * _MS)
        while len(self._latest) > not_mine:
            self._latest.popleft()
        self._ear = None
        self._audio.clear()

    # -- windows --------------------------------------------------------------------------------

    def _take_in(self, ear: EarRate, pcm: bytes) -> None:
        self._audio += ear.feed(pcm)
        while self._ear is ear and self._cursor + WINDOW <= self._end:
            self._judge(_samples(self._cut(self._cursor, self._cursor + WINDOW)))

    def _judge(self, window: npt.NDArray[np.float32]) -> None:
        self._cursor += WINDOW
        self._dc += _DC_SHARE * (float(np.add.reduce(window)) / WINDOW - self._dc)
        centred = window - np.float32(self._dc)
        peak = self._peaks.add(centred)
        db = level_db(centred)
        is_quiet = db <= self._floor.db + _GATE_DB
        probability = self._probability(window, peak, is_quiet)
        self._meter(db, _WINDOW_MS)
        self._levels.append(db)
        self._floor.hear(db, _WINDOW_MS, speech=self._in_utterance or probability >= _STILL_VOICE)
        self._voice_run = self._voice_run + 1 if self._is_voice(probability, db) else 0
        self._idle_run = 0 if probability >= _STILL_VOICE else self._idle_run + 1
        self._quiet_run = self._quiet_run + 1 if is_quiet else 0
        if self._in_utterance:
            self._had_voice = self._had_voice or probability >= _VOICE
            self._peak = max(peak, self._peak * _PEAK_DECAY)
            self._follow(probability)
            return
        if self.strict:
            self._echo.hear(db, _WINDOW_MS)
        self._peak = max(peak, self._peak) if self._voice_run > 1 else peak
        sure = self.strict and probability >= _STRICT_SURE
        if self._voice_run >= (1 if sure else _VOICE_WINDOWS):
            self._begin(self._onset(), self._cursor)
        elif min(self._idle_run, self._quiet_run) >= _CLOSE_QUIET_AFTER:
            self._close()
        elif self._idle_run >= _CLOSE_AFTER:
            self._floor.raise_to(median(self._levels))
            self._close()

    def _probability(self, window: npt.NDArray[np.float32], peak: float, is_quiet: bool) -> float:
        """Of voice. In a loud word the VAD is asked at every fourth window, and in a quiet room not."""
        going_on = self._in_utterance and self._in_voice and self._sure >= _SURE_VOICE
        warms_up = self._replayed - _WARM_UP < self._cursor <= self._replayed
        if is_quiet and not warms_up and not self._in_utterance:
            self._sure = 0.0
            self._vad.pass_over(window)
        elif going_on and self._assumed < _ASSUMED_WINDOWS and peak > _SURE_LOUD * self._loud():
            self._assumed += 1
            self._vad.pass_over(window)
        else:
            self._assumed = 0
            self._sure = self._vad(window)
        return self._sure

    def _is_voice(self, probability: float, db: float) -> bool:
        if self._cursor - WINDOW < self._mine:
            return False  # some of it was in the last utterance
        if self.strict and not self._in_utterance:
            over_db = db - max(self._floor.db, self._echo.db)
            is_loud = over_db >= _STRICT_LOUD_DB
            return is_loud or (probability >= _STRICT_VOICE and over_db >= _STRICT_DB)
        return probability >= _VOICE

    def _follow(self, probability: float) -> None:
        """Within an utterance: is it a pause, or is there voice again?"""
        if not self._in_voice:
            # At once: a turn ends after a pause of 200 ms, of which half has gone when it is known.
            if self._voice_run or self._is_burst(probability):
                self._in_voice = True
                self._idle_run = 0
                self._voice_start = max(self._onset(), self._voice_end)
                self._voice_end = self._cursor
                self._happened(SpeechResumed(self._ago_ms(self._voice_start)))
            return
        ago = self._peaks.after_loud(self._loud(), WINDOW)
        if ago is not None:
            self._voice_end = max(self._voice_end, self._cursor - ago)
        is_loud = self._cursor - self._voice_end < _QUIET
        if self._idle_run < _NO_VOICE_WINDOWS:
            if probability >= _VOICE or is_loud:
                return
        elif is_loud:  # and yet nobody speaks
            quiet_since = self._cursor - self._idle_run * WINDOW
            self._voice_end = max(self._voice_start, min(self._voice_end, quiet_since))
        self._in_voice = False
        self._voice_samples += self._voice_end - self._voice_start
        paused = SpeechPaused(self._ago_ms(self._voice_end), self._voice_samples / _MS)
        self._happened(paused)

    def _is_burst(self, probability: float) -> bool:
        """Whether the pause was but the closure before a last "t" or "k"."""
        return (
            self._voice_samples > 0
            and probability >= _BURST_VOICE
            and self._cursor - self._voice_end <= _BURST_WITHIN
            and self._peaks.after_loud(self._loud(), WINDOW) is not None
        )

    def _begin(self, onset: int, now: int) -> None:
        self._in_utterance = self._in_voice = True
        self._voice_start, self._voice_end = onset, now
        self._voice_samples = 0
        self._had_voice = False
        self._begun = now
        self._sent = max(now, self._mine)
        first = max(onset - _PREROLL, self._mine, self._audio_start)
        self._events.append(SpeechStarted(self._ago_ms(onset), self._cut(first, now)))

    # -- positions ------------------------------------------------------------------------------

    @property
    def _end(self) -> int:
        """Of the audio at 16 kHz so far."""
        return self._audio_start + len(self._audio) // SAMPLE_BYTES

    def _cut(self, start: int, stop: int) -> bytes:
        skipped = self._audio_start
        return bytes(
            self._audio[(start - skipped) * SAMPLE_BYTES : (stop - skipped) * SAMPLE_BYTES]
        )

    def _ago_ms(self, position: int) -> float:
        return duration_ms(self._fed, self._rate) - self._opened_ms - position / _MS

    def _onset(self) -> int:
        """Where the voice began of which the second window has just been seen."""
        loud = self._loud()
        if self.strict and not self._in_utterance:
            loud = max(loud, amplitude(self._echo.db + _CREST_DB))
        return max(self._cursor - self._peaks.onset(loud, _VOICE_WINDOWS * WINDOW), self._mine)

    def _loud(self) -> float:
        """The amplitude, 0-1, above which a sample of this utterance is voice."""
        voice = min(_LOUD, self._peak * _LOUD_OF_PEAK)
        return max(voice, amplitude(self._floor.db) * _LOUD_OF_NOISE)

    # -- events ---------------------------------------------------------------------------------

    def _happened(self, event: Event) -> None:
        self._hand_out(self._cursor)
        self._events.append(event)

    def _hand_out(self, until: int) -> None:
        if self._in_utterance and until > self._sent:
            self._events.append(SpeechAudio(self._cut(self._sent, until)))
            self._sent = until

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _forget(self) -> None:
        """Drop audio that no pre-roll will need."""
        surplus = self._cursor - _KEPT - self._audio_start
        if surplus > 0:
            del self._audio[: surplus * SAMPLE_BYTES]
            self._audio_start += surplus

    def _meter(self, db: float, length_ms: float) -> None:
        share = (_METER_ATTACK if db > self._meter_db else _METER_RELEASE) * length_ms / _BLOCK_MS
        self._meter_db += share * (db - self._meter_db)


def _samples(pcm: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(pcm, "<i2").astype(np.float32) * _STEP
