"""The ear of a call, from its first frame on, and whatever goes wrong with it.

What is said before the conversation is open waits here, bounded. Whatever fails in listening, or in a
recogniser, is no end of the call: one can still type.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from . import effects as do
from . import events as ev
from .limits.limiter import Usage
from .listening import Listening
from .metrics import DROPPED_FRAMES
from .process import Process
from .tasks import Tasks
from .where import where

log = logging.getLogger(__name__)

# Frames of a voice that are kept while the conversation is being opened; the oldest go first.
EARLY_FRAMES = 100
# And of all that the person does with the microphone meanwhile.
EARLY_EVENTS = 200


class Ear:
    """``tell`` takes events to the session at once."""

    def __init__(
        self,
        process: Process,
        *,
        tasks: Tasks,
        tell: Callable[[ev.Event], None],
        usage: Usage,
    ) -> None:
        self._process = process
        self._tasks = tasks
        self._tell = tell
        self._usage = usage
        # None: nobody listens yet, or the client has no voice, or nobody could understand it.
        self._listening: Listening | None = None
        # What was said before the conversation was open; None: it is.
        self._early: list[ev.VoiceEvent] | None = []

    @property
    def last_at(self) -> float | None:
        """When a frame was heard last (monotonic seconds)."""
        return None if self._listening is None else self._listening.last_at

    def take(self, event: ev.VoiceEvent) -> None:
        """Raises ``asyncio.QueueFull``: more than anybody says before there is a conversation."""
        if self._early is None:
            self._guarded(lambda listening: listening.take(event))
        elif len(self._early) >= EARLY_EVENTS:
            raise asyncio.QueueFull
        else:
            self._early.append(event)
            frames = [early for early in self._early if isinstance(early, ev.VoiceArrived)]
            if len(frames) > EARLY_FRAMES:
                self._early.remove(frames[0])
                DROPPED_FRAMES.labels("early").inc()

    def open(
        self, hello: ev.Hello, language: str, record: Callable[[str, bytes, float], None]
    ) -> None:
        """The conversation is open; ``record`` as that of ``Listening``."""
        early, self._early = self._early or [], None
        recogniser = self._process.recogniser
        if hello.voice_in is None or recogniser is None or not recogniser.understands(language):
            return
        self._listening = Listening(
            hello.voice_in,
            language,
            recogniser,
            tasks=self._tasks,
            tell=self._tell,
            record=record,
            usage=self._usage,
        )
        for event in early:
            self.take(event)

    def transcribe(self, effect: do.Transcribe) -> None:
        self._guarded(lambda listening: listening.transcribe(effect))

    def end_utterance(self, effect: do.EndUtterance) -> None:
        self._guarded(lambda listening: listening.end_utterance(effect))

    def listen_strictly(self, effect: do.ListenStrictly) -> None:
        self._guarded(lambda listening: listening.listen_strictly(effect))

    def _guarded(self, work: Callable[[Listening], None]) -> None:
        if self._listening is None:
            return
        try:
            work(self._listening)
        except Exception as error:
            log.error("the ear failed: %s", where(error))
            self.close()
            text = "You cannot be heard any more. Type, or connect again."
            self._tell(ev.Fault("stt_failed", text))

    def close(self) -> None:
        """Nobody listens any more."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
