"""One call as a state machine without I/O: an event and the time go in, effects come out.

Theory of operation
===================

The session never waits and knows no socket, task or database. ``Session.receive(event, now)``
changes the state and returns a list of effects, in the order in which they are to be carried out;
what comes of an effect returns as an event. ``Session.deadline`` says when to send a ``Tick`` if
nothing else happens before.

There are two regions, each with a small table of its own; a move that is not in its table is a fault
of ours and raises ``IllegalMove`` before anything has changed.

* The **person** (``person.py``) is *silent*, *hearing* (we hear them speak) or *endpointing* (their
  voice has paused, and it is not sure yet whether they have ended).
* The **bot** (``bot.py``) is *silent*, *thinking* (the engine writes, nothing has been heard),
  *speaking* (sound has left; the engine may still be writing) or *held* (it was speaking, and has
  paused because the person seems to speak).

What both regions do together:

===============  ===========================================================================
thinking while   *Speculation.* When the voice pauses, what was said is transcribed, thought
endpointing      about and synthesised at once, as a *draft* of which nobody is told. If the
                 silence lasts, the turn is stored and the draft delivered; if the person
                 goes on, it is dropped without a trace.
hearing while    *Barge-in.* The first 60-100 ms of a voice silence the bot (``Clear``) and
speaking         take back what was not heard (*held*). Words, or 0.6 s of voice, make it an
                 interruption; a noise, or an echo of the bot, decided within 1 s, does not:
                 the bot goes on from what was heard.
typing while     A typed turn is taken at once (while endpointing, when what was said has been
hearing          understood). Its answer is written and not spoken until the person is
                 silent; what they were saying becomes the next turn.
===============  ===========================================================================

Rules:

* At most one reply is alive. Whatever arrives for another reply id (late text, late sound, a late
  report) is dropped, and so is what arrives for another utterance, or for an earlier pause of it.
  Silencing a reply raises the generation, so that audio already on its way can be dropped by the
  client too.
* The end of a turn is waited for as long as its words ask for (``utterance.py``): about 200 ms when
  they look finished, longer when they do not, and longer still for somebody who was cut short. There
  is a ceiling for everything: a pause, an utterance, the recogniser, the decision about a voice.
* A turn is acknowledged only when it is stored (``turn_taking.py``), typed or spoken. A turn cuts the reply
  that is alive; for clients that cannot take that (``text_waits``) a typed one waits until the reply is
  written, and then cuts only its sound. Turns that wait are bounded.
* Sentences are synthesised one at a time and in order, and never far ahead of playback
  (``playback.py``); each one's sound is complete before the next one's starts.
* A reply that was told of ends once: when the engine is through and its sound has been played
  (*done*), when it is cut (*interrupted*), or when the engine fails (*failed*). Ending emits exactly
  one ``Finish``. A draft ends so too, once its turn is being stored together with its row.
* A notice, as that a call is recorded, is heard to its end: nothing cuts it, and turns wait for it.
* A server that ends takes no typed turns any more, lets what goes on come to its end,
  and then closes.
* When the client goes, nothing is sent any more. What the person had said is still understood and
  stored, and the engine's text finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from . import effects as do
from . import events as ev
from . import messages as msg
from .bot import Bot, BotRegion
from .effects import Effect
from .etiquette import RATINGS_S, Etiquette
from .line import RESTARTS, Line
from .person import Person, PersonRegion
from .prompting import Prompting
from .protocols.base import Manners
from .revisions import Revisions
from .telephone_keys import END_KEY, TelephoneKeys
from .turn_taking import TurnTaking
from .turns import Turns
from .voice_place import VoicePlace
from .watched import Watched


class Session:
    def __init__(
        self,
        manners: Manners,
        *,
        new_id: Callable[[], str],
        lead_ms: float = 400.0,
        speculates: bool = True,
    ) -> None:
        """``new_id`` makes the ids of turns and replies, which become those of their rows."""
        self._manners = manners
        self._line = Line()
        self._etiquette = Etiquette(manners.idle_s)
        self._revisions = Revisions(self._line)
        self._turns = Turns(new_id)
        self._bot = BotRegion(self._line, self._revisions, manners, new_id, lead_ms)
        self._person = PersonRegion(self._line, self._bot, self._turns, speculates=speculates)
        self._taking = TurnTaking(
            self._line,
            self._bot,
            self._person,
            turns=self._turns,
            revisions=self._revisions,
            manners=manners,
        )
        self._voice = VoicePlace(self._line, self._bot, resumes=manners.resumes)
        self._prompting = Prompting()
        self._watched = Watched(self._line, self._bot, aloud=manners.telephone)
        self._hello: ev.Hello | None = None
        self._opened: ev.Opened | None = None
        self._greeting = ""
        self._wants_recording: bool | None = None
        self._told_state: msg.State | None = None
        self._keys = TelephoneKeys()
        # The server ends, and what a client is told about when to come back.
        self._retry_after_s: float | None = None

    def receive(self, event: ev.Event, now: float) -> list[Effect]:
        """Take an event at ``now`` (monotonic seconds); return what is to be done about it."""
        line = self._line
        effects = line.begin(now)
        if isinstance(event, ev.ClientEvent):
            if line.gone or (line.closing and not isinstance(event, ev.Gone)):
                return []
            self._etiquette.heard_from(now)
        self._HANDLERS[type(event)](self, event)
        self._person.advance()
        self._taking.advance(self._opened)
        self._bot.advance()
        self._voice.advance()
        self._greet()
        if self._opened is not None:
            free = self._is_quiet and not self._turns.any_on_their_way
            self._watched.advance(self._opened.watched, free=free)
        self._prompt()
        self._tell_state()
        self._leave()
        return effects

    @property
    def deadline(self) -> float | None:
        """When a ``Tick`` is due (monotonic seconds), None for never."""
        moments = [self._person.deadline, self._bot.deadline]
        if self._line.live:
            moments += [
                self._etiquette.idle_at,
                self._prompting.due_at,
                self._watched.next_at,
                self._keys.due_at,
            ]
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def person(self) -> Person:
        return self._person.state

    @property
    def bot(self) -> Bot:
        return self._bot.state

    @property
    def rev(self) -> int:
        """The revision of the conversation up to which the client has been told everything."""
        return self._revisions.rev

    @property
    def over(self) -> bool:
        """The client has gone, and all that was promised is done."""
        return self._line.gone and self._is_through

    def text_of(self, reply: str) -> str:
        """The text so far of a reply that is alive, else nothing."""
        alive = self._bot.alive(reply)
        return alive.text if alive is not None else ""

    # --- the call -----------------------------------------------------------------------------

    def _on_hello(self, event: ev.Hello) -> None:
        if self._hello is not None:
            self._line.send(msg.Error("bad_message", "hello was said before"))
            return
        self._hello = event
        self._bot.can_hear = self._bot.spoken = event.audio is not None
        self._bot.voice = event.voice
        self._bot.speed = event.speed
        self._line.do(do.Open(event))

    def _on_opened(self, event: ev.Opened) -> None:
        assert self._hello is not None
        self._opened = event
        self._revisions.rev = event.rev
        self._bot.language = event.language
        self._bot.is_listening = event.hears
        audio = msg.AgreedAudio(self._hello.audio, self._hello.voice_in if event.hears else None)
        self._line.send(
            msg.Ready(event.conversation, event.rev, event.bot, event.turns, audio, event.recording)
        )
        if self._manners.telephone:
            self._prompting.begin((event.reminder, event.goodbye))
        if self._wants_recording is not None:
            self._line.do(do.ChangeRecording(self._wants_recording))
        self._greeting = event.greeting
        if event.notice and self._line.live:
            self._bot.announce("greeting", event.notice, insists=True)

    def _on_refused(self, event: ev.Refused) -> None:
        self._turns.forget_waiting()
        self._person.forget()
        self._bot.interrupt()
        self._line.send(msg.Error(event.code, event.message, retry=event.retry_s))
        self._close(event.close)

    def _on_configure(self, event: ev.Configure) -> None:
        self._bot.configure(event)
        if event.record is None:
            return
        if self._opened is None:
            self._wants_recording = event.record
        else:
            self._line.do(do.ChangeRecording(event.record))

    def _greet(self) -> None:
        """Once the notice, if there is one, has been heard; whoever has spoken needs no greeting."""
        if not self._greeting or self._bot.reply is not None:
            return
        greeting, self._greeting = self._greeting, ""
        if self._line.live and not self._turns.any_on_their_way:
            self._bot.announce("greeting", greeting)

    def _on_rate(self, event: ev.Rate) -> None:
        if self._opened is None:
            unknown = msg.Error("unknown_turn", "There is no such answer here.", id=event.turn)
            self._line.send(unknown)
        elif not self._etiquette.may_rate(self._line.now):
            busy = msg.Error("busy", "Too many ratings.", retry=RATINGS_S, id=event.turn)
            self._line.send(busy)
        else:
            self._line.do(do.StoreRating(event.turn, event.value))

    def _on_input(self, event: ev.Input) -> None:
        taken = self._bot.give_input(event)
        if event.by:
            self._line.do(do.ShareInput(event.by, taken))
        elif not taken:
            self._line.send(msg.Error("not_asked", "Nothing is asked just now.", id=event.ask))

    def _on_ping(self, event: ev.Ping) -> None:
        self._line.send(msg.Pong(event.id))

    def _on_bad_message(self, event: ev.BadMessage) -> None:
        self._line.send(msg.Error(event.code, event.message, id=event.id))
        too_many = self._etiquette.too_many_bad(self._line.now)
        if event.code == "too_big":
            self._close(4413)
        elif too_many:
            self._close(4400)

    def _on_fault(self, event: ev.Fault) -> None:
        self._line.send(msg.Error(event.code, event.message, id=event.id))

    def _on_hung_up(self, event: ev.HungUp) -> None:
        self._close(1000)

    def _on_going_away(self, event: ev.GoingAway) -> None:
        if self._retry_after_s is None:
            self._retry_after_s = event.retry_after_s
            self._line.send(msg.GoingAway(event.retry_after_s))
        self._greeting = ""
        if event.now:
            self._interrupt_all()
            if self._bot.reply is not None:  # a notice, which insists
                self._close(RESTARTS)

    def _leave(self) -> None:
        """Once the server ends, and nothing goes on here."""
        if self._retry_after_s is not None and self._is_through:
            self._close(RESTARTS)

    @property
    def _is_through(self) -> bool:
        """Nothing goes on, and nothing waits to be kept."""
        silent = self.person is Person.SILENT and self._bot.is_done
        return silent and not self._turns.any_on_their_way and not self._keys.pressed

    def _close(self, code: int) -> None:
        self._line.close(code)
        self._bot.silence()

    def _on_gone(self, event: ev.Gone) -> None:
        self._line.gone = True
        self._take_keys()
        if self._opened is None:
            self._turns.forget_waiting()
            self._person.forget()
        self._bot.silence()

    def _on_tick(self, event: ev.Tick) -> None:
        if event.heard_at is not None:
            self._etiquette.heard_from(event.heard_at)
        idle_at = self._etiquette.idle_at
        if idle_at is not None and self._line.live and idle_at <= self._line.now:
            self._line.send(msg.Error("idle", "Nothing was heard from you for a while."))
            self._close(4408)
        if self._keys.is_due(self._line.now):
            self._take_keys()

    def _on_followed(self, event: ev.Followed) -> None:
        self._revisions.followed(event.message)
        self._voice.on_followed(event.message)

    def _on_caught_up(self, event: ev.CaughtUp) -> None:
        self._revisions.caught_up(event)
        for turn in event.turns:
            self._voice.on_followed(msg.TurnChanged(turn, turn.rev))

    def _on_staff_follows(self, event: ev.StaffFollows) -> None:
        self._watched.follows(event.watcher)

    @property
    def _is_quiet(self) -> bool:
        return self.bot is Bot.SILENT and self.person is Person.SILENT

    def _prompt(self) -> None:
        """Whoever says nothing on the telephone is reminded, then parted from."""
        now = self._line.now
        # A noise is not the person: only what becomes a turn is.
        if self._turns.any_on_their_way or self._keys.pressed:
            self._prompting.heard_from()
        self._prompting.watch(quiet=self._is_quiet and self._opened is not None, now=now)
        due_at = self._prompting.due_at
        if due_at is None or due_at > now or not self._line.live:
            return
        if self._prompting.is_through:
            self._close(1000)
        else:
            self._bot.announce("generic", self._prompting.next_text())
            self._prompting.watch(quiet=False, now=now)

    # --- the person's turns -------------------------------------------------------------------

    def _on_typed(self, event: ev.Typed) -> None:
        if self._hello is None:
            self._line.send(msg.Error("bad_message", "Say hello first.", id=event.id))
            return
        if self._retry_after_s is not None:
            # It would have cut the answer; so nobody waits for that to end.
            self._bot.interrupt()
            text = "The server restarts. Send this again when you are connected again."
            # By then the socket is closed, mostly.
            retry_s = self._retry_after_s + 1.0
            self._line.send(msg.Error("going_away", text, retry_s, event.id))
            return
        self._taking.offer(event)

    def _on_digit(self, event: ev.Digit) -> None:
        self._keys.press(event.digit, self._line.now)
        self._bot.interrupt()
        if event.digit == END_KEY:
            self._take_keys()

    def _take_keys(self) -> None:
        digits = self._keys.take()
        if digits:
            self._taking.offer(ev.Typed(None, digits))

    def _on_interrupt(self, event: ev.Interrupt) -> None:
        if not self._interrupt_all():
            self._line.do(do.ShareInterrupt())

    def _on_interrupted(self, event: ev.Interrupted) -> None:
        self._interrupt_all()

    def _interrupt_all(self) -> bool:
        """End the reply, and answer nothing of what was said before; False: there was nothing."""
        return any([self._turns.cut(), self._person.cut(), self._bot.interrupt()])

    def _on_voice_given(self, event: ev.VoiceGiven) -> None:
        free = self.person is Person.SILENT and not self._turns.any_on_their_way
        self._voice.on_given(event, free=free)

    def _on_taken_over(self, event: ev.TakenOver) -> None:
        reply = self._bot.alive(event.reply)
        if reply is not None and not reply.draft:
            self._bot.end("interrupted")

    # --- what is told of the state ------------------------------------------------------------

    def _tell_state(self) -> None:
        state = msg.State(self.person.value, self._bot.told_state.value)
        if self._opened is not None and state != self._told_state:
            self._told_state = state
            self._line.send(state)

    _HANDLERS: ClassVar[dict[type, Callable[[Session, Any], None]]] = {
        ev.Hello: _on_hello,
        ev.Typed: _on_typed,
        ev.Digit: _on_digit,
        ev.Interrupt: _on_interrupt,
        ev.Configure: _on_configure,
        ev.Rate: _on_rate,
        ev.Input: _on_input,
        ev.Ping: _on_ping,
        ev.BadMessage: _on_bad_message,
        ev.HungUp: _on_hung_up,
        ev.Gone: _on_gone,
        ev.Opened: _on_opened,
        ev.Refused: _on_refused,
        ev.GoingAway: _on_going_away,
        ev.TurnStored: lambda self, event: self._taking.on_turn_stored(event),
        ev.TurnNotStored: lambda self, event: self._taking.on_turn_not_stored(event),
        ev.TakenOver: _on_taken_over,
        ev.Interrupted: _on_interrupted,
        ev.Followed: _on_followed,
        ev.StaffFollows: _on_staff_follows,
        ev.CaughtUp: _on_caught_up,
        ev.Fault: _on_fault,
        ev.Tick: _on_tick,
        ev.TakeAudio: lambda self, event: self._voice.on_take_audio(),
        ev.Following: lambda self, event: self._voice.on_following(),
        ev.VoiceWanted: lambda self, event: self._voice.on_wanted(event),
        ev.VoiceHeld: lambda self, event: self._voice.on_held(),
        ev.VoiceGiven: _on_voice_given,
        ev.VoiceHeard: lambda self, event: self._voice.on_heard(event),
        ev.SpeechStarted: lambda self, event: self._person.on_speech_started(event),
        ev.SpeechPaused: lambda self, event: self._person.on_speech_paused(event),
        ev.SpeechResumed: lambda self, event: self._person.on_speech_resumed(event),
        ev.PartialTranscript: lambda self, event: self._person.on_partial_transcript(event),
        ev.Transcribed: lambda self, event: self._person.on_transcribed(event),
        ev.Played: lambda self, event: self._bot.on_played(event),
        ev.ReplyBegan: lambda self, event: self._bot.on_reply_began(event),
        ev.PieceArrived: lambda self, event: self._bot.on_piece_arrived(event),
        ev.InputWanted: lambda self, event: self._bot.on_input_wanted(event),
        ev.ThoughtEnded: lambda self, event: self._bot.on_thought_ended(event),
        ev.SoundArrived: lambda self, event: self._bot.on_sound_arrived(event),
        ev.SentenceSynthesised: lambda self, event: self._bot.on_sentence_synthesised(event),
        ev.SpeechFailed: lambda self, event: self._bot.on_speech_failed(event),
        ev.ReplyStored: lambda self, event: self._bot.on_reply_stored(event),
    }
