"""The person's region of a call: what they say aloud, from its first sound until it is a turn."""

from __future__ import annotations

from enum import Enum

from . import effects as do
from . import events as ev
from . import messages as msg
from .bot import BotRegion
from .effects import SpokenTurn
from .line import Line
from .moves import move
from .turns import Taking, Turns
from .utterance import (
    DECIDE_S,
    LONGEST_S,
    REAL_VOICE_MS,
    REAL_VOICE_S,
    RECOGNISER_S,
    Utterance,
    is_echo,
)

# Somebody who goes on so soon after their turn was taken had not ended.
CUT_SHORT_S = 1.0
PATIENCE_GROWS, PATIENCE_SHRINKS, PATIENCE_MAX = 1.4, 0.9, 2.5


class Person(Enum):
    SILENT = "silent"
    HEARING = "hearing"
    ENDPOINTING = "endpointing"


PERSON_MOVES = {
    (Person.SILENT, "speech"): Person.HEARING,
    (Person.HEARING, "pause"): Person.ENDPOINTING,
    (Person.ENDPOINTING, "speech"): Person.HEARING,
    (Person.ENDPOINTING, "complete"): Person.SILENT,
    (Person.ENDPOINTING, "drop"): Person.SILENT,
    (Person.HEARING, "drop"): Person.SILENT,
}


class PersonRegion:
    def __init__(self, line: Line, bot: BotRegion, turns: Turns, *, speculates: bool) -> None:
        """``speculates``: answers are begun while it is not sure that the person has ended."""
        self._line = line
        self._bot = bot
        self._turns = turns
        self._speculates = speculates
        self.state = Person.SILENT
        self.utterance: Utterance | None = None
        self._patience = 1.0
        self._taken_at = float("-inf")

    @property
    def deadline(self) -> float | None:
        """When something about the utterance is to be decided (monotonic seconds)."""
        said = self.utterance
        if said is None:
            return None
        moments = []
        if said.real is None and self._over_reply(said):
            moments.append(self._decided_at(said))
        if self.state is Person.HEARING:
            moments.append(said.noticed_at + LONGEST_S)
        elif said.text is None:
            assert said.ended_at is not None
            moments.append(max(said.ended_at, said.noticed_at) + RECOGNISER_S)
        else:
            moments.append(said.is_over_at(self._bot.language, self._patience))
        return min(moments)

    # --- speech -------------------------------------------------------------------------------

    def on_speech_started(self, event: ev.SpeechStarted) -> None:
        if self.utterance is not None or self._line.gone:
            self._line.do(do.EndUtterance(event.utterance, keep=False))
            return
        now = self._line.now
        began_at = now - event.ago_ms / 1000
        if began_at - self._taken_at < CUT_SHORT_S:
            self._patience = min(self._patience * PATIENCE_GROWS, PATIENCE_MAX)
        over = self._bot.reply.id if self._bot.reply is not None else None
        self.utterance = Utterance(event.utterance, began_at, now, over_reply=over)
        self._move("speech")
        self._bot.hush()

    def on_speech_paused(self, event: ev.SpeechPaused) -> None:
        said = self._saying(event.utterance)
        if said is None:
            return
        said.voice_ms = event.voice_ms
        said.released = said.released or event.released
        if self.state is Person.HEARING:
            self._pause(said, event.ago_ms)

    def _pause(self, said: Utterance, ago_ms: float) -> None:
        said.ended_at = max(said.began_at, self._line.now - ago_ms / 1000)
        said.text = None
        said.pause += 1
        self._move("pause")
        self._line.do(do.Transcribe(said.id, said.pause, last=said.released))

    def on_speech_resumed(self, event: ev.SpeechResumed) -> None:
        said = self._saying(event.utterance)
        if said is None or self.state is not Person.ENDPOINTING or said.released:
            return
        self._move("speech")
        self._drop_draft(said)
        if said.real is not False:
            self._bot.hush()

    def _saying(self, utterance: str) -> Utterance | None:
        said = self.utterance
        return said if said is not None and said.id == utterance else None

    # --- words --------------------------------------------------------------------------------

    def on_partial_transcript(self, event: ev.PartialTranscript) -> None:
        said = self._saying(event.utterance)
        if said is None or said.partial == event.text:
            return
        said.partial = event.text
        self._line.send(msg.Transcript(said.id, event.text, final=False))
        if event.text and not self._is_echo(event.text):
            self._take_as_real(said)

    def on_transcribed(self, event: ev.Transcribed) -> None:
        said = self._saying(event.utterance)
        if said is None or event.pause != said.pause or self.state is not Person.ENDPOINTING:
            return
        if said.text is not None:
            return  # told twice
        said.engine = event.engine
        said.error = (event.code, event.message) if event.code else None
        # Of a recogniser that failed, the words that it had told already are better than none.
        self._understand(said, said.partial if event.code else event.text)

    def _understand(self, said: Utterance, text: str) -> None:
        said.text = "" if self._is_echo(text) else text.replace("\0", "").strip()
        said.mark("transcript", self._line.now)
        if said.text:
            said.error = None
            self._take_as_real(said)
            self._begin_draft(said)
        else:
            self._take_as_noise(said)

    def _is_echo(self, text: str) -> bool:
        reply = self._bot.reply
        return reply is not None and reply.spoken and is_echo(text, reply.just_said(self._line.now))

    def _begin_draft(self, said: Utterance) -> None:
        """Answer while it is not sure yet that they have ended."""
        if (
            not self._speculates
            or said.unanswered
            or said.released
            or self._turns.any_on_their_way
            or self._bot.reply is not None
            or self._line.gone
        ):
            return
        reply = self._bot.begin_draft(said.ended_at or self._line.now)
        said.draft = reply.id
        self._bot.think(reply, said.text or "", None)

    def _has_draft(self, said: Utterance) -> bool:
        return said.draft is not None and self._bot.alive(said.draft) is not None

    def _drop_draft(self, said: Utterance) -> None:
        if self._has_draft(said):
            self._bot.drop_draft()
        said.draft = None

    # --- is it meant for the bot? -------------------------------------------------------------

    @property
    def _may_be_real(self) -> bool:
        """A voice is heard, and nothing says that it is an echo."""
        said = self.utterance
        assert said is not None
        return self.state is Person.HEARING and not self._is_echo(said.partial)

    def _take_as_real(self, said: Utterance) -> None:
        """They do speak: what the bot was saying is over."""
        said.real = True
        if self._over_reply(said):
            self._bot.interrupt()

    def _take_as_noise(self, said: Utterance) -> None:
        """A noise, or the bot's own voice: it goes on from what was heard."""
        if said.real is None:
            said.real = False
            self._bot.unhush()

    def _over_reply(self, said: Utterance) -> bool:
        """Whether the reply is alive still that it was spoken over."""
        return said.over_reply is not None and self._bot.alive(said.over_reply) is not None

    def _decided_at(self, said: Utterance) -> float:
        return said.noticed_at + (REAL_VOICE_S if self._may_be_real else DECIDE_S)

    def _decide(self, said: Utterance) -> None:
        if said.real is not None or not self._over_reply(said):
            return
        if self._line.now < self._decided_at(said):
            return
        long_enough = said.voice_ms >= REAL_VOICE_MS and not self._is_echo(said.partial)
        if self._may_be_real or long_enough:
            self._take_as_real(said)
        else:
            self._take_as_noise(said)

    # --- the end of it ------------------------------------------------------------------------

    def advance(self) -> None:
        """Decide what is due to be decided."""
        said = self.utterance
        if said is None:
            return
        now = self._line.now
        self._decide(said)
        if self.state is Person.HEARING:
            if self._line.gone or now >= said.noticed_at + LONGEST_S:
                said.released = True
                self._pause(said, 0.0)
        elif said.text is None:
            assert said.ended_at is not None
            if now >= max(said.ended_at, said.noticed_at) + RECOGNISER_S:
                said.error = ("stt_failed", "What you said could not be understood in time.")
                self._understand(said, said.partial)
                self._end(said)
        elif now >= said.is_over_at(self._bot.language, self._patience) or self._may_not_wait:
            self._end(said)

    @property
    def _may_not_wait(self) -> bool:
        """They went over to typing, or have gone."""
        return self._line.gone or self._turns.any_wait

    def _end(self, said: Utterance) -> None:
        if said.text and not self._turns.is_full:
            self._complete(said, said.text)
            return
        if said.text:
            said.error = ("busy", "Too many messages wait already; say it again in a moment.")
        self._drop_draft(said)
        self._drop(said)

    def _complete(self, said: Utterance, text: str) -> None:
        said.mark("endpoint", self._line.now)
        self._patience = max(1.0, self._patience * PATIENCE_SHRINKS)
        if not said.released:
            self._taken_at = self._line.now
        self._line.send(msg.Transcript(said.id, text, final=True))
        spoken = SpokenTurn(said.began_at, said.engine, dict(said.timings))
        self._turns.take_spoken(
            Taking(
                said.id,
                text,
                spoken=spoken,
                draft=said.draft if self._has_draft(said) else None,
                cut=said.unanswered,
                since=said.ended_at,
            )
        )
        self._leave(said, "complete", keep=True)

    def _drop(self, said: Utterance) -> None:
        # The error first: a client keeps the words that it has seen, to send them as text.
        if said.error is not None:
            code, message = said.error
            self._line.send(msg.Error(code, message, id=said.id))
        self._line.send(msg.Transcript(said.id, "", final=True))
        self._leave(said, "drop", keep=False)

    def _leave(self, said: Utterance, signal: str, *, keep: bool) -> None:
        self.utterance = None
        self._move(signal)
        self._line.do(do.EndUtterance(said.id, keep))
        self._bot.unhush()

    def cut(self) -> bool:
        """What is being said is not to be answered; False: nothing is."""
        if self.utterance is None:
            return False
        self.utterance.unanswered = True
        self._drop_draft(self.utterance)
        return True

    def forget(self) -> None:
        """There will be no conversation that it could belong to."""
        if self.utterance is not None:
            said = self.utterance
            self._drop_draft(said)
            self._leave(said, "drop", keep=False)

    def _move(self, signal: str) -> None:
        self.state = move(PERSON_MOVES, self.state, signal)
