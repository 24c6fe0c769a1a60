"""The ear of one call: who speaks when, and what they say.

All but the recogniser's own work happens on the event loop, as each frame comes: the detector takes
some 50 µs a window, less than handing it to another thread would. Frames do not wait here; what
comes faster than real time for longer than ``BURST_S`` is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable

from speech import detector, g711
from speech.ear_rate import EAR_RATE
from speech.pcm import SAMPLE_BYTES
from speech.stt.engine import Recogniser, Stream, STTError

from . import effects as do
from . import events as ev
from .limits.limiter import Usage
from .messages import VoiceFormat
from .metrics import DROPPED_FRAMES, ENGINE_FAILURES
from .tasks import Tasks
from .where import where

log = logging.getLogger(__name__)

# A stalled network may deliver so much at once; more is not a person speaking.
BURST_S = 2.0
TOO_FAST_TOLD_EVERY_S = 10.0
# What waits while what was said before is still being understood: 20 s of sound in frames of 20 ms, and
# then only what is done with the button.
LATER_FRAMES, LATER_EVENTS = 1_000, 1_100
# Frames that stop coming in the middle of speech end it: a closed lid, a lost network.
MISSED_AFTER_S = 1.5
LOOK_EVERY_S = 0.5
# So late a frame is no jitter of the network.
HOLE_S = 0.5

_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "mulaw": g711.decode_ulaw,
    "alaw": g711.decode_alaw,
    "pcm_s16le": bytes,
}


class Listening:
    """``tell`` takes events to the session at once; ``record`` takes an utterance's sound.

    ``record`` gets the utterance's id, S16LE mono at 16 kHz, and when that sound began.
    """

    def __init__(
        self,
        format: VoiceFormat,
        language: str,
        recogniser: Recogniser,
        *,
        tasks: Tasks,
        tell: Callable[[ev.Event], None],
        record: Callable[[str, bytes, float], None],
        usage: Usage,
    ) -> None:
        self._decode = _DECODERS[format.encoding]
        sample_bytes = SAMPLE_BYTES if format.encoding == "pcm_s16le" else 1
        self._bytes_per_s = format.rate * sample_bytes
        self._detector = detector.SpeechDetector(format.rate)
        self._language = language
        self._recogniser = recogniser
        self._speaker = uuid.uuid4().hex  # one voice at one microphone, to get used to
        self._tasks = tasks
        self._tell = tell
        self._record = record
        self._usage = usage
        self._utterance: str | None = None
        self._stream: Stream | None = None
        self._pressed = False
        self._push_to_talk = False
        self._paused_voice_ms = 0.0
        self._recorded_until = float("-inf")
        # What came, and when, since nothing more belongs to the utterance; None: something may.
        self._later: deque[tuple[ev.VoiceEvent, float]] | None = None
        self._credit_s = BURST_S
        self._credited_at = time.monotonic()
        self.last_at = self._credited_at
        self.dropped_s = 0.0
        self._told_too_fast_at = float("-inf")

    # --- what comes from the client -----------------------------------------------------------

    def take(self, event: ev.VoiceEvent) -> None:
        now = time.monotonic()
        if isinstance(event, ev.VoiceArrived):
            if not self._may_take(len(event.audio) / self._bytes_per_s, now):
                return
            self.last_at = now
        if self._later is None:
            self._apply(event, now)
        elif isinstance(event, ev.VoiceArrived) and len(self._later) >= LATER_FRAMES:
            self.dropped_s += len(event.audio) / self._bytes_per_s
            DROPPED_FRAMES.labels("backlog").inc()
        elif len(self._later) < LATER_EVENTS:
            self._later.append((event, now))

    def _apply(self, event: ev.VoiceEvent, at: float) -> None:
        """``at``: when it came (monotonic seconds)."""
        match event:
            case ev.VoiceArrived(audio):
                if self._push_to_talk and self._utterance is None:
                    return  # not meant for the bot
                self._notice(self._detector.feed(self._decode(audio)), at)
            case ev.TalkPressed():
                self._pressed = True
                if self._utterance is None:
                    self._notice(self._detector.start(), at)
            case ev.TalkReleased():
                self._pressed = False
                self._release()
            case ev.MicrophoneSwitched(on, push_to_talk):
                self._push_to_talk = push_to_talk
                if not on:
                    self._pressed = False
                    self._release()

    def _may_take(self, seconds: float, now: float) -> bool:
        """Whether so much more sound fits into the time since the call began, and a burst."""
        self._credit_s = min(BURST_S, self._credit_s + now - self._credited_at)
        self._credited_at = now
        if seconds <= self._credit_s:
            self._credit_s -= seconds
            self._usage.audio_seconds += seconds
            return True
        self.dropped_s += seconds
        DROPPED_FRAMES.labels("too_fast").inc()
        if now - self._told_too_fast_at >= TOO_FAST_TOLD_EVERY_S:
            self._told_too_fast_at = now
            text = "Sound comes faster than real time; some of it was not heard."
            self._tell(ev.Fault("audio_too_fast", text))
        return False

    # --- what the detector notices ------------------------------------------------------------

    def _notice(self, events: list[detector.Event], at: float) -> None:
        """``at``: when the sound came in which they were noticed."""
        since_ms = (time.monotonic() - at) * 1000
        for event in events:
            match event:
                case detector.SpeechStarted(ago_ms, audio):
                    self._begin(ago_ms + since_ms, audio, at)
                case detector.SpeechAudio(audio):
                    self._hear(audio, at)
                case detector.SpeechPaused(ago_ms, voice_ms):
                    self._paused_voice_ms = voice_ms
                    if not self._pressed and self._utterance is not None:
                        paused = ev.SpeechPaused(self._utterance, ago_ms + since_ms, voice_ms)
                        self._tell(paused)
                case detector.SpeechResumed():
                    if not self._pressed and self._utterance is not None:
                        self._tell(ev.SpeechResumed(self._utterance))

    def _begin(self, ago_ms: float, audio: bytes, at: float) -> None:
        utterance = self._utterance = str(uuid.uuid4())

        def heard(text: str) -> None:
            if self._utterance == utterance:
                self._tell(ev.PartialTranscript(utterance, text))

        self._recorded_until = float("-inf")
        self._paused_voice_ms = 0.0
        self._stream = self._recogniser.listen(self._language, heard, self._speaker)
        self._hear(audio, at)
        self._tell(ev.SpeechStarted(utterance, ago_ms))
        self._tasks.start("missed frames", self._watch(utterance))

    def _hear(self, audio: bytes, at: float) -> None:
        if self._utterance is None or self._stream is None or not audio:
            return
        self._stream.feed(audio)
        length_s = len(audio) / SAMPLE_BYTES / EAR_RATE
        # Frames come early and late; only one that is very late means that some are missing.
        if at - length_s - self._recorded_until > HOLE_S:
            self._recorded_until = at - length_s
        self._record(self._utterance, audio, self._recorded_until)
        self._recorded_until += length_s

    def _release(self) -> None:
        """Nothing more is to be expected of what is being said."""
        if self._utterance is not None:
            ago_ms = (time.monotonic() - self.last_at) * 1000
            paused = ev.SpeechPaused(self._utterance, ago_ms, self._paused_voice_ms, released=True)
            self._tell(paused)
            self._close_utterance()

    def _close_utterance(self) -> None:
        """What comes from now on is kept until this one has been understood: it belongs to the next."""
        if self._later is None:
            self._later = deque()

    async def _watch(self, utterance: str) -> None:
        """End an utterance of which nothing comes any more."""
        while self._utterance == utterance and self._later is None:
            await asyncio.sleep(LOOK_EVERY_S)
            missed = time.monotonic() - self.last_at > MISSED_AFTER_S
            if missed and self._utterance == utterance and self._later is None:
                self._release()

    # --- what the session asks for ------------------------------------------------------------

    def listen_strictly(self, effect: do.ListenStrictly) -> None:
        self._detector.strict = effect.on

    def transcribe(self, effect: do.Transcribe) -> None:
        if self._stream is not None and effect.utterance == self._utterance:
            if effect.last:
                self._close_utterance()
            name = f"transcribe {effect.utterance}"
            self._tasks.stop(name)
            self._tasks.start(name, self._transcribe(effect, self._stream))

    async def _transcribe(self, effect: do.Transcribe, stream: Stream) -> None:
        text = code = message = ""
        try:
            text = await stream.final()
        except STTError as error:
            log.warning("an utterance could not be understood: %s", where(error))
            code, message = "stt_failed", "What you said could not be understood; say it again."
        except Exception as error:
            log.error("the recogniser failed: %s", where(error))
            code, message = "stt_failed", "What you said could not be understood; say it again."
        if code:
            ENGINE_FAILURES.labels("stt", stream.engine).inc()
        self._tell(
            ev.Transcribed(effect.utterance, effect.pause, text, stream.engine, code, message)
        )

    def end_utterance(self, effect: do.EndUtterance) -> None:
        if effect.utterance != self._utterance:
            return
        self._tasks.stop(f"transcribe {effect.utterance}")
        self._tasks.stop("missed frames")
        self._utterance = None
        self._detector.end()
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._go_on()

    def _go_on(self) -> None:
        """With what came meanwhile, up to the end of the next utterance."""
        later, self._later = self._later or deque(), None
        if self._pressed:
            began_at = later[0][1] if later else time.monotonic()
            self._notice(self._detector.start(), began_at)
        while later:
            self._apply(*later.popleft())
            if self._later is not None:
                self._later.extend(later)
                return

    def close(self) -> None:
        """The call is over."""
        if self.dropped_s:
            log.info("%.1f s of a voice came too fast and were not heard", self.dropped_s)
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._utterance = None
