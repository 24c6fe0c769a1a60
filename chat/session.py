"""One call as a state machine without I/O: an event and the time go in, effects come out.

Theory of operation
===================

Everything that decides whose turn it is lives in this file (with ``typed_turns.py``, what was typed
and is not stored yet, ``reply.py``, what one reply is, and ``playback.py``, when audio leaves and
what was heard). The session never waits and knows no
socket, task or database. ``Session.receive(event, now)`` changes the state and returns a list of
effects, in the order in which they are to be carried out; what comes of an effect returns as an
event. ``Session.deadline`` says when to send a ``Tick`` if nothing else happens before.

There are two regions, each a small table below:

* the **person** is *silent*, or *endpointing*: their turn is complete but not yet taken, because
  the database has not confirmed it. A turn is acknowledged only when it is stored.
* the **bot** is *silent*, *thinking* (the engine writes, nothing has been heard) or *speaking*
  (sound has left; the engine may still be writing).

A region moves only by ``_move_person`` and ``_move_bot``; a move that is not in the table is a fault
of ours and raises ``IllegalMove`` before anything has changed.

Rules:

* At most one reply is alive: ``_reply``. Whatever arrives for another reply id (late text, late
  sound, a late report) is dropped. Cutting a reply raises the generation, so that audio which is
  already on its way can be dropped by the client too.
* A typed turn cuts the reply that is alive; for clients that cannot take that (``text_waits``) it
  waits until the reply is written, and then cuts only its sound. Turns that wait are bounded.
* Sentences are synthesised one at a time and in order, and never far ahead of playback
  (``AHEAD_MS``); each one's sound is complete before the next one's starts.
* A reply ends once: when the engine is through and its sound has been played (*done*), when it is
  cut (*interrupted*), or when the engine fails (*failed*). Ending emits exactly one ``Finish``.
* When the client goes, nothing is sent any more; the engine's text is still finished and stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, ClassVar

import msgspec

from conversations.stored import FinishedReply
from dialogue.engine import Text as TextPiece
from speech.sentences import SentenceSplitter
from speech.speakable import speakable

from . import effects as do
from . import events as ev
from . import messages as msg
from .effects import Effect
from .playback import Playback
from .protocols.base import Manners
from .reply import Reply, kind_of
from .typed_turns import TypedTurns

# Synthesis runs this far ahead of what has left, so that an interruption wastes little.
AHEAD_MS = 4_000.0
# Ten messages that nobody can read within a minute end the call.
BAD_MESSAGES = 10
BAD_MESSAGES_S = 60.0
# More ratings than that in so many seconds are not by hand.
RATINGS, RATINGS_S = 30, 10.0


class Person(Enum):
    SILENT = "silent"
    ENDPOINTING = "endpointing"


class Bot(Enum):
    SILENT = "silent"
    THINKING = "thinking"
    SPEAKING = "speaking"


class IllegalMove(Exception):
    """The tables do not allow it: a fault of ours."""


PERSON_MOVES = {
    (Person.SILENT, "complete"): Person.ENDPOINTING,
    (Person.ENDPOINTING, "taken"): Person.SILENT,
    (Person.ENDPOINTING, "refused"): Person.SILENT,
}

BOT_MOVES = {
    (Bot.SILENT, "think"): Bot.THINKING,
    (Bot.THINKING, "speak"): Bot.SPEAKING,
    (Bot.THINKING, "end"): Bot.SILENT,
    (Bot.SPEAKING, "end"): Bot.SILENT,
}


class Session:
    def __init__(
        self, manners: Manners, *, new_id: Callable[[], str], lead_ms: float = 400.0
    ) -> None:
        """``new_id`` makes the ids of turns and replies, which become those of their rows."""
        self._manners = manners
        self._new_id = new_id
        self._lead_ms = 0.0 if manners.plays_at_once else lead_ms
        self.person = Person.SILENT
        self.bot = Bot.SILENT
        self._now = 0.0
        self._out: list[Effect] = []
        # The call.
        self._hello: ev.Hello | None = None
        self._opened: ev.Opened | None = None
        self._closing = False
        self._gone = False
        self._told_state: msg.State | None = None
        self._heard_from_at = 0.0
        self._bad_at: deque[float] = deque(maxlen=BAD_MESSAGES)
        self._rated_at: deque[float] = deque(maxlen=RATINGS)
        self._rev = 0
        # How replies are spoken.
        self._spoken = False
        self._voice = ""
        self._speed = 1.0
        self._turns = TypedTurns()
        # The reply that is alive, and those whose end is being written.
        self._reply: Reply | None = None
        self._ending: dict[str, FinishedReply] = {}
        self._generation = 0
        self._sequence = 0
        self._sounds_until = 0.0

    # --- the way in ---------------------------------------------------------------------------

    def receive(self, event: ev.Event, now: float) -> list[Effect]:
        """Take an event at ``now`` (monotonic seconds); return what is to be done about it."""
        self._now = now
        self._out = []
        if isinstance(event, ev.ClientEvent):
            if self._gone or (self._closing and not isinstance(event, ev.Gone)):
                return []
            self._heard_from_at = now
        self._HANDLERS[type(event)](self, event)
        self._advance_reply()
        self._take_next_turn()
        self._tell_state()
        return self._out

    @property
    def deadline(self) -> float | None:
        """When a ``Tick`` is due (monotonic seconds), None for never."""
        moments: list[float | None] = []
        if self._reply is not None:
            moments.append(self._reply.playback.leaves_at(self._now))
            moments.append(self._reply.playback.gives_up_at)
            if self._is_written(self._reply):
                moments.append(self._reply.playback.ends_at(self._now))
        if self._manners.idle_s is not None and self._live:
            moments.append(self._heard_from_at + self._manners.idle_s)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def rev(self) -> int:
        """The revision of the conversation up to which the client has been told everything."""
        return self._rev

    @property
    def over(self) -> bool:
        """The client has gone, and all that was promised is done."""
        idle = self.person is Person.SILENT and self.bot is Bot.SILENT
        return self._gone and idle and not self._turns.any_wait and not self._ending

    def text_of(self, reply: str) -> str:
        """The text so far of a reply that is alive, else nothing."""
        alive = self._alive(reply)
        return alive.text if alive is not None else ""

    @property
    def _live(self) -> bool:
        return not (self._gone or self._closing)

    # --- the call -----------------------------------------------------------------------------

    def _on_hello(self, event: ev.Hello) -> None:
        if self._hello is not None:
            self._send(msg.Error("bad_message", "hello was said before"))
            return
        self._hello = event
        self._spoken = event.audio is not None
        self._voice = event.voice
        self._speed = event.speed
        self._do(do.Open(event))

    def _on_opened(self, event: ev.Opened) -> None:
        assert self._hello is not None
        self._opened = event
        self._rev = event.rev
        audio = None if self._hello.audio is None else {"out": self._hello.audio}
        self._send(msg.Ready(event.conversation, event.rev, event.bot, event.turns, audio))
        if event.greeting and not self._turns.any_wait and self._live:
            reply = self._begin_reply(self._new_id(), None)
            reply.kind = "greeting"
            self._do(do.Greet(reply.id, self._voice, self._spoken))

    def _on_refused(self, event: ev.Refused) -> None:
        self._turns.forget_waiting()
        if self._reply is not None:
            self._end_reply("interrupted")
        self._send(msg.Error(event.code, event.message))
        self._close(event.close)

    def _on_configure(self, event: ev.Configure) -> None:
        if event.voice is not None:
            self._voice = event.voice
        if event.speed is not None:
            self._speed = event.speed
        if event.audio is not None:
            self._spoken = event.audio and self._can_hear

    @property
    def _can_hear(self) -> bool:
        return self._hello is not None and self._hello.audio is not None

    def _on_rate(self, event: ev.Rate) -> None:
        if self._opened is None:
            self._send(msg.Error("unknown_turn", "There is no such answer here.", id=event.turn))
            return
        if len(self._rated_at) == RATINGS and self._now - self._rated_at[0] < RATINGS_S:
            self._send(msg.Error("busy", "Too many ratings.", retry=RATINGS_S, id=event.turn))
            return
        self._rated_at.append(self._now)
        self._do(do.StoreRating(event.turn, event.value))

    def _on_ping(self, event: ev.Ping) -> None:
        self._send(msg.Pong(event.id))

    def _on_bad_message(self, event: ev.BadMessage) -> None:
        self._send(msg.Error(event.code, event.message, id=event.id))
        self._bad_at.append(self._now)
        if event.code == "too_big":
            self._close(4413)
        elif len(self._bad_at) == BAD_MESSAGES and self._now - self._bad_at[0] < BAD_MESSAGES_S:
            self._close(4400)

    def _on_fault(self, event: ev.Fault) -> None:
        self._send(msg.Error(event.code, event.message, id=event.id))

    def _on_gone(self, event: ev.Gone) -> None:
        self._gone = True
        if self._opened is None:
            self._turns.forget_waiting()
        if self._reply is not None:
            self._silence(self._reply)

    def _on_tick(self, event: ev.Tick) -> None:
        idle_s = self._manners.idle_s
        if idle_s is not None and self._live and self._now - self._heard_from_at >= idle_s:
            self._send(msg.Error("idle", "Nothing was heard from you for a while."))
            self._close(4408)

    def _on_followed(self, event: ev.Followed) -> None:
        message = event.message
        if not isinstance(message, msg.TurnChanged | msg.ReplyEnd):
            self._send(message)
        elif message.rev in {self._rev, self._rev + 1}:
            self._rev = message.rev
            self._send(message)
        elif message.rev > self._rev:
            self._do(do.CatchUp(self._rev))

    def _on_caught_up(self, event: ev.CaughtUp) -> None:
        self._rev = max(self._rev, event.rev)
        for turn in event.turns:
            self._send(msg.TurnChanged(turn, turn.rev))

    # --- the person ---------------------------------------------------------------------------

    def _on_typed(self, event: ev.Typed) -> None:
        if self._hello is None:
            self._send(msg.Error("bad_message", "Say hello first.", id=event.id))
            return
        error = self._turns.offer(event)
        if error is not None:
            self._send(error)

    def _on_interrupt(self, event: ev.Interrupt) -> None:
        if not self._interrupt_all():
            self._do(do.ShareInterrupt())

    def _interrupt_all(self) -> bool:
        """End the reply, and answer nothing of what was typed before; False: there was nothing."""
        something = self._turns.cut()
        if self._reply is not None:
            self._end_reply("interrupted")
            something = True
        return something

    def _take_next_turn(self) -> None:
        waits = self._opened is not None and self._turns.any_wait
        if not waits or self.person is not Person.SILENT:
            return
        if self._reply is not None and self._reply.thinking and self._manners.text_waits:
            return
        if self._reply is not None:
            self._end_reply("interrupted")
        self._move_person("complete")
        self._do(self._turns.store_next(self._new_id(), self._new_id(), self._now))

    def _on_turn_stored(self, event: ev.TurnStored) -> None:
        taken = self._turns.settle(event.turn)
        if taken is None:
            return
        self._move_person("taken")
        typed = taken.typed
        if typed.id is not None:
            self._send(msg.Ack(typed.id, event.stored_turn, event.reply, event.rev))
        self._see_own(event.rev, changes=0 if event.duplicate else 2)
        if event.duplicate:
            return
        reply = self._begin_reply(event.reply, event.stored_turn, taken.since)
        reply.mark("stored", self._now)
        superseded = self._turns.any_wait and not self._manners.text_waits
        if taken.cut or superseded:
            reply.thinking = False
            self._end_reply("interrupted")
        else:
            spoken = self._spoken if typed.spoken is None else typed.spoken and self._can_hear
            self._do(do.Think(reply.id, typed.text, self._voice, spoken and not self._gone))

    def _on_turn_not_stored(self, event: ev.TurnNotStored) -> None:
        taken = self._turns.settle(event.turn)
        if taken is not None:
            self._move_person("refused")
            self._send(msg.Error("not_stored", event.message, retry=2.0, id=taken.typed.id))

    # --- the bot ------------------------------------------------------------------------------

    def _begin_reply(self, id: str, turn: str | None, since: float | None = None) -> Reply:
        self._move_bot("think")
        language = self._opened.language if self._opened is not None else "en"
        self._reply = Reply(
            id=id,
            turn=turn,
            began_at=self._now if since is None else since,
            generation=self._generation,
            splitter=SentenceSplitter(language),
            playback=Playback(self._lead_ms, starts_at=self._sounds_until),
            speed=self._speed,
        )
        return self._reply

    def _alive(self, id: str) -> Reply | None:
        return self._reply if self._reply is not None and self._reply.id == id else None

    def _on_reply_began(self, event: ev.ReplyBegan) -> None:
        reply = self._alive(event.reply)
        if reply is None:
            return
        if not self._gone:
            reply.voice = event.voice
        if reply.kind == "greeting":
            assert self._opened is not None
            self._start(reply)
            self._tell_all(reply.take(TextPiece(self._opened.greeting), self._now))
            self._tell_all(reply.complete(self._now))

    def _on_piece_arrived(self, event: ev.PieceArrived) -> None:
        reply = self._alive(event.reply)
        if reply is None or not reply.thinking:
            return
        if not reply.kind:
            reply.kind = kind_of(event.piece)
            self._start(reply)
        self._tell_all(reply.take(event.piece, self._now))
        if reply.error == "reply_too_long":
            text = "The answer was too long and ends here."
            self._send(msg.Error(reply.error, text, id=reply.id))
            self._do(do.StopThinking(reply.id))
            self._tell_all(reply.complete(self._now))

    def _start(self, reply: Reply) -> None:
        start = msg.ReplyStart(reply.id, reply.turn, reply.kind, reply.generation, reply.voice)
        self._send(start)
        if reply.turn is not None:
            self._do(do.Share(msgspec.structs.replace(start, voice=None)))

    def _on_thought_ended(self, event: ev.ThoughtEnded) -> None:
        reply = self._alive(event.reply)
        if reply is None or not reply.thinking:
            return
        if not reply.kind:
            reply.kind = "generic"
            self._start(reply)
        if event.code:
            reply.error = event.code
            self._send(msg.Error(event.code, event.message, id=reply.id))
        self._tell_all(reply.complete(self._now))
        if reply.voice is not None:
            self._do(do.NoteText(reply.id, reply.text))

    # --- the bot's voice ----------------------------------------------------------------------

    def _speech_is_due(self, reply: Reply) -> bool:
        return reply.playback.sent_ms > 0 or reply.playback.waiting_ms > 0

    def _silence(self, reply: Reply) -> None:
        """Nobody listens: no further sound; the text goes on."""
        if reply.synthesising is not None:
            self._do(do.StopSpeaking(reply.id))
        reply.silence(self._now)

    def _is_written(self, reply: Reply) -> bool:
        """All its text is there, and all its sound is synthesised."""
        waits = reply.thinking or reply.synthesising is not None
        return not waits and reply.next_piece >= len(reply.pieces)

    def _advance_reply(self) -> None:
        """Ask for the next sentence, let sound leave that is due, end what has ended."""
        reply = self._reply
        if reply is None:
            return
        gives_up_at = reply.playback.gives_up_at
        if gives_up_at is not None and gives_up_at <= self._now:
            self._silence(reply)
        self._synthesise(reply)
        while (due := reply.playback.pop(self._now)) is not None:
            self._play(reply, *due)
        self._synthesise(reply)
        if self._is_written(reply) and reply.playback.ends_at(self._now) <= self._now:
            if reply.error.startswith("dialogue_"):
                self._end_reply("failed")
            else:
                self._end_reply("interrupted" if reply.left_unheard(self._now) else "done")

    def _synthesise(self, reply: Reply) -> None:
        while reply.synthesising is None and reply.next_piece < len(reply.pieces):
            if reply.voice is None:
                reply.next_piece = len(reply.pieces)
                return
            if reply.playback.waiting_ms > AHEAD_MS:
                return
            index = reply.next_piece
            reply.next_piece += 1
            text = speakable(reply.pieces[index].text)
            if text:
                reply.synthesising = index
                self._do(do.Synthesize(reply.id, index, text, reply.speed))

    def _on_sound_arrived(self, event: ev.SoundArrived) -> None:
        reply = self._alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            reply.playback.push(event.sentence, event.sound)

    def _on_sentence_synthesised(self, event: ev.SentenceSynthesised) -> None:
        reply = self._alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            reply.synthesising = None
            reply.playback.push(event.sentence, LAST_SOUND)

    def _on_speech_failed(self, event: ev.SpeechFailed) -> None:
        reply = self._alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            reply.synthesising = None
            reply.voice = None
            reply.error = reply.error or "speech_failed"
            self._send(msg.Error("speech_failed", event.message, id=reply.id))

    def _play(self, reply: Reply, index: int, sound: ev.Sound) -> None:
        piece = reply.pieces[index]
        # What has been popped is counted as sent already.
        start_ms = reply.playback.sent_ms - sound.ms
        if self.bot is Bot.THINKING:
            reply.mark("first_audio", self._now)
            reply.spoken_by = reply.voice or ""
            self._move_bot("speak")
        first = not piece.announced
        if first:
            piece.announced = True
            piece.offset_ms = start_ms
            offset_ms = round(start_ms)
            self._send(msg.Sentence(reply.id, index, piece.text, piece.start, offset_ms))
        piece.duration_ms += sound.ms
        audio = msg.Audio(
            reply=reply.id,
            generation=reply.generation,
            sequence=self._sequence,
            position=reply.playback.sent_samples - sound.samples,
            first=first,
            last=sound is LAST_SOUND,
            audio=sound.payload,
        )
        self._sequence += 1
        self._do(do.Play(audio, sound))

    def _on_played(self, event: ev.Played) -> None:
        reply = self._alive(event.reply)
        if reply is not None:
            reply.playback.report(event.ms, self._now, done=event.done)

    # --- the end of a reply -------------------------------------------------------------------

    def _end_reply(self, status: str) -> None:
        reply = self._reply
        assert reply is not None
        self._reply = None
        if reply.thinking:
            self._do(do.StopThinking(reply.id))
        if reply.synthesising is not None:
            self._do(do.StopSpeaking(reply.id))
        if status == "interrupted" and self._speech_is_due(reply):
            self._generation = (self._generation + 1) % 65_536
            self._send(msg.Clear(self._generation))
        # A client that plays at once cannot be told to stop the clip it has.
        self._sounds_until = reply.playback.plays_until if self._manners.plays_at_once else 0.0
        self._move_bot("end")
        finished = reply.finished(status, self._now)
        self._ending[reply.id] = finished
        self._do(do.Finish(finished))

    def _on_reply_stored(self, event: ev.ReplyStored) -> None:
        finished = self._ending.pop(event.reply, None)
        if finished is None:
            return
        rev = 0 if event.turn is None else event.turn.rev
        if rev:
            self._see_own(rev, changes=1)
        heard = None if finished.heard_ms is None else finished.heard_text
        end = msg.ReplyEnd(
            finished.id, finished.status, finished.text, finished.heard_ms, heard, rev
        )
        self._send(end)
        if event.turn is not None:
            # With the sound it was kept with.
            changed = msg.TurnChanged(event.turn, rev)
            self._send(changed)
            self._do(do.Share(end))
            self._do(do.Share(changed))

    def _on_taken_over(self, event: ev.TakenOver) -> None:
        if self._alive(event.reply) is not None:
            self._end_reply("interrupted")

    def _on_interrupted(self, event: ev.Interrupted) -> None:
        self._interrupt_all()

    # --- the way out --------------------------------------------------------------------------

    def _do(self, effect: Effect) -> None:
        self._out.append(effect)

    def _send(self, message: msg.Message) -> None:
        if self._live:
            self._do(do.Send(message))

    def _tell_all(self, messages: Sequence[msg.Message]) -> None:
        """To the person here, and to the other followers of the conversation."""
        for message in messages:
            self._send(message)
            shared = self._reply is not None and self._reply.turn is not None
            if shared and not isinstance(message, msg.SentenceKnown):
                self._do(do.Share(message))

    def _close(self, code: int) -> None:
        if self._live:
            self._do(do.Close(code))
            self._closing = True

    def _see_own(self, rev: int, changes: int) -> None:
        """A change of ours made it ``rev``; with more than ``changes`` new, others changed too."""
        if rev - changes > self._rev:
            self._do(do.CatchUp(self._rev))
        self._rev = max(self._rev, rev)

    def _tell_state(self) -> None:
        state = msg.State(self.person.value, self.bot.value)
        if self._opened is not None and state != self._told_state:
            self._told_state = state
            self._send(state)

    def _move_person(self, signal: str) -> None:
        try:
            self.person = PERSON_MOVES[self.person, signal]
        except KeyError:
            raise IllegalMove(f"person {self.person.value}: {signal}") from None

    def _move_bot(self, signal: str) -> None:
        try:
            self.bot = BOT_MOVES[self.bot, signal]
        except KeyError:
            raise IllegalMove(f"bot {self.bot.value}: {signal}") from None

    _HANDLERS: ClassVar[dict[type, Callable[[Session, Any], None]]] = {
        ev.Hello: _on_hello,
        ev.Typed: _on_typed,
        ev.Interrupt: _on_interrupt,
        ev.Played: _on_played,
        ev.Configure: _on_configure,
        ev.Rate: _on_rate,
        ev.Ping: _on_ping,
        ev.BadMessage: _on_bad_message,
        ev.Gone: _on_gone,
        ev.Opened: _on_opened,
        ev.Refused: _on_refused,
        ev.TurnStored: _on_turn_stored,
        ev.TurnNotStored: _on_turn_not_stored,
        ev.ReplyBegan: _on_reply_began,
        ev.PieceArrived: _on_piece_arrived,
        ev.ThoughtEnded: _on_thought_ended,
        ev.SoundArrived: _on_sound_arrived,
        ev.SentenceSynthesised: _on_sentence_synthesised,
        ev.SpeechFailed: _on_speech_failed,
        ev.ReplyStored: _on_reply_stored,
        ev.TakenOver: _on_taken_over,
        ev.Interrupted: _on_interrupted,
        ev.Followed: _on_followed,
        ev.CaughtUp: _on_caught_up,
        ev.Fault: _on_fault,
        ev.Tick: _on_tick,
    }


LAST_SOUND = ev.Sound(payload=b"", ms=0.0, samples=0)
