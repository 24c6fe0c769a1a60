"""The bot's region of a call: one reply from its first thought until it has been heard, or cut."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from conversations.stored import FinishedReply
from speech.sentences import SentenceSplitter

from . import effects as do
from . import events as ev
from . import messages as msg
from .line import Line
from .mouth import LAST_SOUND, Mouth
from .moves import move
from .pen import Pen
from .playback import Playback
from .protocols.base import Manners
from .reply import REPORT_S, RESUME_S, Elsewhere, Reply
from .revisions import Revisions


class Bot(Enum):
    SILENT = "silent"
    THINKING = "thinking"
    SPEAKING = "speaking"
    HELD = "held"


BOT_MOVES = {
    (Bot.SILENT, "think"): Bot.THINKING,
    (Bot.THINKING, "speak"): Bot.SPEAKING,
    (Bot.SPEAKING, "hold"): Bot.HELD,
    (Bot.HELD, "release"): Bot.SPEAKING,
    (Bot.THINKING, "end"): Bot.SILENT,
    (Bot.SPEAKING, "end"): Bot.SILENT,
    (Bot.HELD, "end"): Bot.SILENT,
}


class BotRegion:
    def __init__(
        self,
        line: Line,
        revisions: Revisions,
        manners: Manners,
        new_id: Callable[[], str],
        lead_ms: float,
    ) -> None:
        self._line = line
        self._revisions = revisions
        self._manners = manners
        self._new_id = new_id
        self._lead_ms = lead_ms if manners.lead_ms is None else min(lead_ms, manners.lead_ms)
        if manners.plays_at_once:
            self._lead_ms = 0.0
        self.state = Bot.SILENT
        # How replies are spoken; ``can_hear``: the client asked for sound at all.
        self.language = "en"
        self.can_hear = False
        self.spoken = False
        self.voice = ""
        self.speed = 1.0
        # Whether a voice could be taken for an echo of the bot's.
        self.is_listening = False
        # The reply that is alive, and those whose end is being written.
        self.reply: Reply | None = None
        self._ending: dict[str, FinishedReply] = {}
        self._pen = Pen(line)
        self._mouth = Mouth(line)
        self._sounds_until = 0.0
        # No sound may leave: the person seems to be speaking.
        self._hushed = False

    @property
    def told_state(self) -> Bot:
        """What the client is told: nothing of a draft."""
        return Bot.SILENT if self.reply is not None and self.reply.draft else self.state

    @property
    def is_done(self) -> bool:
        return self.state is Bot.SILENT and not self._ending

    @property
    def deadline(self) -> float | None:
        """When something of the reply is due (monotonic seconds)."""
        reply = self.reply
        if reply is None or reply.draft:
            return None
        moments = [reply.playback.gives_up_at]
        if reply.borrowed:
            moments.append(reply.report_at)
        elif reply.elsewhere is not None and reply.waits_elsewhere(self._line.now):
            moments.append(reply.elsewhere.until)
            return min((moment for moment in moments if moment is not None), default=None)
        if not self._hushed:
            moments.append(reply.playback.leaves_at(self._line.now))
        if self._is_written(reply):
            moments.append(reply.playback.ends_at(self._line.now))
        return min((moment for moment in moments if moment is not None), default=None)

    def alive(self, id: str) -> Reply | None:
        return self.reply if self.reply is not None and self.reply.id == id else None

    def configure(self, event: ev.Configure) -> None:
        if event.voice is not None:
            self.voice = event.voice
        if event.speed is not None:
            self.speed = event.speed
        if event.audio is not None:
            self.spoken = event.audio and self.can_hear

    # --- a reply begins -----------------------------------------------------------------------

    def begin(self, id: str, turn: str | None, since: float | None = None) -> Reply:
        """``since``: the moment from which its timings count."""
        self._move("think")
        self.reply = Reply(
            id=id,
            turn=turn,
            began_at=self._line.now if since is None else since,
            generation=self._mouth.generation,
            splitter=SentenceSplitter(self.language),
            playback=Playback(
                self._lead_ms,
                starts_at=self._sounds_until,
                marks=self._manners.marks,
                clears=self._manners.clears,
            ),
            speed=self.speed,
        )
        return self.reply

    def begin_draft(self, since: float) -> Reply:
        """A reply to a turn that may not be over yet: nobody is told until it is delivered."""
        reply = self.begin(self._new_id(), None, since)
        reply.draft = True
        return reply

    def announce(self, kind: str, text: str, *, insists: bool = False) -> None:
        """Say something that nobody asked for. ``insists``: the person cannot cut it."""
        reply = self.begin(self._new_id(), None)
        reply.kind = kind
        reply.announcement = text
        reply.insists = insists
        self._line.do(do.Greet(reply.id, self.voice, self.spoken))

    def think(self, reply: Reply, text: str, spoken: bool | None) -> None:
        """Ask for the answer to ``text``. ``spoken`` None: as configured."""
        wanted = self.spoken if spoken is None else spoken and self.can_hear
        heard = wanted and self._line.live
        self._line.do(do.Think(reply.id, text, self.voice, heard, reply.draft))

    def deliver(self, reply: Reply, turn: str) -> None:
        """The turn that a draft answers is over and stored: tell what there is of it."""
        reply.draft = reply.promised = False
        reply.turn = turn
        self._line.do(do.ReplyDelivered(reply.id))
        self._pen.tell_untold(reply)

    def borrow(self, given: ev.VoiceGiven) -> None:
        """Speak a reply that another socket writes."""
        reply = self.begin(given.reply, None)
        reply.borrowed = reply.waits_for_voice = True
        reply.kind = given.kind
        reply.hand = given.hand
        reply.text = given.text[: given.start]
        reply.known_chars = given.start
        reply.report_at = self._line.now + REPORT_S
        self._line.do(do.Borrow(reply.id, given.hand))
        self._line.do(do.Greet(reply.id, self.voice, self.spoken))
        self.follow_text(reply, 0, given.text, is_written=given.is_written)

    def follow_text(
        self, reply: Reply, offset: int, text: str, *, is_written: bool = False
    ) -> None:
        """More of the text of a borrowed reply; its followers are told of it by who writes it."""
        reply.follow(offset, text, self._line.now)
        if is_written and reply.thinking:
            reply.complete(self._line.now)

    def drop_draft(self) -> None:
        """The person went on speaking: nobody will ever know of it."""
        reply = self.reply
        assert reply is not None
        assert reply.draft
        self.reply = None
        self._stop_engines(reply)
        self._line.do(do.ForgetDraft(reply.id))
        self._move("end")

    # --- it is written ------------------------------------------------------------------------

    def on_reply_began(self, event: ev.ReplyBegan) -> None:
        reply = self.alive(event.reply)
        if reply is not None:
            self._pen.begin(reply, event.voice)

    def on_piece_arrived(self, event: ev.PieceArrived) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.thinking:
            self._pen.write(reply, event.piece)

    def on_input_wanted(self, event: ev.InputWanted) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.thinking:
            self._pen.ask(reply, event)

    def give_input(self, event: ev.Input) -> bool:
        """Hand the engine what the person has filled in; False: nothing (or something else) is asked."""
        return self._pen.give_input(self.reply, event)

    def on_thought_ended(self, event: ev.ThoughtEnded) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.thinking:
            self._pen.end(reply, event.code, event.message)

    # --- it is heard --------------------------------------------------------------------------

    def hush(self) -> None:
        """The person seems to speak: silence at once; what was not heard may come again."""
        if self.reply is not None and self.reply.insists:
            return
        self._hushed = True
        if self.state is Bot.SPEAKING and self.reply is not None:
            self._mouth.clear()
            self.reply.playback.hold(self._line.now)
            self._mouth.cut_recording(self.reply)
            self._move("hold")

    def unhush(self) -> None:
        """They did not, or they have ended: go on from what was heard."""
        self._hushed = False
        if self.state is Bot.HELD and self.reply is not None:
            self.reply.release(self._line.now)
            self.reply.generation = self._mouth.generation
            self._move("release")

    def silence(self) -> None:
        """Nobody listens any more: no further sound; the text goes on."""
        self._hushed = False
        reply = self.reply
        if reply is None:
            return
        if reply.borrowed:
            self.end("interrupted")
            return
        is_resumed = self._manners.resumes and reply.turn is not None and reply.voice is not None
        self._silence(reply)
        if is_resumed and reply.elsewhere is None:
            reply.elsewhere = Elsewhere(until=self._line.now + RESUME_S)

    def fall_silent(self, reply: Reply) -> None:
        """Its voice is spoken elsewhere; the text goes on here."""
        if self.state is not Bot.HELD and reply.playback.is_due:
            self._mouth.clear()
        if reply.spoken and not reply.silenced:
            self._mouth.cut_recording(reply)
        self._silence(reply)

    def _silence(self, reply: Reply) -> None:
        if reply.synthesising is not None:
            self._line.do(do.StopSpeaking(reply.id))
        reply.silence(self._line.now)

    def _is_written(self, reply: Reply) -> bool:
        """All its text is there, and all its sound is synthesised."""
        waits = reply.thinking or reply.waits_for_voice or reply.synthesising is not None
        return not waits and reply.next_piece >= len(reply.pieces)

    def advance(self) -> None:
        """Ask for the next sentence, let sound leave that is due, end what has ended."""
        reply = self.reply
        if reply is None:
            return
        now = self._line.now
        gives_up_at = reply.playback.gives_up_at
        if gives_up_at is not None and gives_up_at <= now:
            self._silence(reply)
        self._mouth.synthesise(reply)
        if reply.draft:
            return
        while not self._hushed and (due := reply.playback.pop(now)) is not None:
            self._play(reply, *due)
        self._mouth.synthesise(reply)
        if reply.borrowed and reply.report_at <= now:
            reply.report_at = now + REPORT_S
            self._report(reply, is_over=False)
        if reply.waits_elsewhere(now):
            return
        if self._is_written(reply) and reply.playback.ends_at(now) <= now:
            if reply.error.startswith("dialogue_"):
                self.end("failed")
            else:
                self.end("interrupted" if reply.left_unheard(now) else "done")

    def on_sound_arrived(self, event: ev.SoundArrived) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            self._mouth.take(reply, event)

    def on_sentence_synthesised(self, event: ev.SentenceSynthesised) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            reply.synthesising = None
            reply.playback.push(event.sentence, LAST_SOUND)

    def on_speech_failed(self, event: ev.SpeechFailed) -> None:
        reply = self.alive(event.reply)
        if reply is not None and reply.synthesising == event.sentence:
            reply.synthesising = None
            reply.voice = None
            reply.error = reply.error or "speech_failed"
            self._pen.complain(reply, "speech_failed", event.message)

    def on_played(self, event: ev.Played) -> None:
        reply = self.alive(event.reply)
        if reply is not None and not reply.draft:
            reply.playback.report(event.ms, self._line.now, done=event.done)

    def _play(self, reply: Reply, index: int, sound: ev.Sound) -> None:
        if self.state is Bot.THINKING:
            reply.mark("first_audio", self._line.now)
            reply.spoken_by = reply.voice or ""
            self._move("speak")
        self._mouth.play(reply, index, sound)

    # --- it ends ------------------------------------------------------------------------------

    def interrupt(self) -> bool:
        """Cut the reply that is alive; False: there is none that can be."""
        if self.reply is None or self.reply.insists:
            return False
        if self.reply.promised:
            self.reply.cut = True
        elif self.reply.draft:
            self.drop_draft()
        else:
            borrowed = self.reply.borrowed
            self.end("interrupted")
            if borrowed:
                self._line.do(do.ShareInterrupt())
        return True

    def _report(self, reply: Reply, *, is_over: bool) -> None:
        """Tell whoever writes a borrowed reply how much of it was heard here."""
        now = self._line.now
        heard = ev.VoiceHeard(
            reply.id, reply.hand, reply.heard_chars(now), reply.playback.heard_ms(now), is_over
        )
        self._line.do(do.ShareVoice(heard))

    def end(self, status: str) -> None:
        reply = self.reply
        assert reply is not None
        assert not reply.draft
        self.reply = None
        self._stop_engines(reply)
        if status == "interrupted":
            if self.state is not Bot.HELD and reply.playback.is_due:
                self._mouth.clear()
            if reply.spoken and self.state is not Bot.HELD:
                self._mouth.cut_recording(reply)
        # A client that cannot be told to stop plays what it has.
        plays_on = self._manners.plays_at_once or not self._manners.clears
        self._sounds_until = reply.playback.plays_until if plays_on else 0.0
        self._move("end")
        if reply.borrowed:
            self._report(reply, is_over=True)
            self._line.do(do.GiveBack(reply.id))
            return
        finished = reply.finished(status, self._line.now)
        self._ending[reply.id] = finished
        self._line.do(do.Finish(finished, unasked=reply.turn is None))

    def _stop_engines(self, reply: Reply) -> None:
        if reply.thinking and not reply.borrowed:
            self._line.do(do.StopThinking(reply.id))
        if reply.synthesising is not None:
            self._line.do(do.StopSpeaking(reply.id))

    def on_reply_stored(self, event: ev.ReplyStored) -> None:
        finished = self._ending.pop(event.reply, None)
        if finished is None:
            return
        rev = 0 if event.turn is None else event.turn.rev
        if rev:
            self._revisions.own(rev, changes=1 + len(event.also))
        heard = None if finished.heard_ms is None else finished.heard_text
        end = msg.ReplyEnd(
            finished.id, finished.status, finished.text, finished.heard_ms, heard, rev
        )
        self._line.send(end)
        if event.turn is not None:
            self._line.do(do.Share(end))
            # With the sound it was kept with.
            for turn in (*event.also, event.turn):
                changed = msg.TurnChanged(turn, turn.rev)
                self._line.send(changed)
                self._line.do(do.Share(changed))

    # --- the table ----------------------------------------------------------------------------

    def _move(self, signal: str) -> None:
        before = self.state
        self.state = move(BOT_MOVES, before, signal)
        heard, is_heard = before is Bot.SPEAKING, self.state is Bot.SPEAKING
        if heard != is_heard and self.is_listening:
            self._line.do(do.ListenStrictly(is_heard))
