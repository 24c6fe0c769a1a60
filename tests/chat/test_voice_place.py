"""The voice of a conversation is in one place, and can move: to who comes back, to who takes it."""

from __future__ import annotations

from dataclasses import replace

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot

from .driven import RESUMING, Call, of, only, stored

ONE, TWO, THREE = "One is here. ", "Two is here. ", "Three is here."


class Sockets:
    """Sockets of one conversation, each of which is told what the others tell."""

    def __init__(self, *calls: Call) -> None:
        self.calls = list(calls)
        self._told = [0] * len(calls)

    def add(self, call: Call) -> None:
        self.calls.append(call)
        self._told.append(0)

    def pump(self) -> None:
        """Until nobody has anything to tell."""
        while any(
            told < len(call.effects) for told, call in zip(self._told, self.calls, strict=True)
        ):
            for n, call in enumerate(self.calls):
                fresh, self._told[n] = call.effects[self._told[n] :], len(call.effects)
                for effect in fresh:
                    self._carry(n, effect)

    def _carry(self, teller: int, effect: do.Effect) -> None:
        for n, call in enumerate(self.calls):
            if n == teller:
                continue
            match effect:
                case do.Share(message):
                    call.tell(ev.Followed(message))
                case do.ShareInterrupt():
                    call.tell(ev.Interrupted())
                case do.ShareVoice(what, to) if to in {"", str(n)}:
                    if isinstance(what, ev.VoiceWanted):
                        what = replace(what, by=str(teller))
                    call.tell(what)

    def wait(self, seconds: float) -> None:
        """All clocks go on, in steps of 100 ms."""
        for _ in range(round(seconds * 10)):
            for call in self.calls:
                call.wait(0.1)
            self.pump()


def a_call() -> Call:
    call = Call(RESUMING)
    call.open()
    return call


def speak_all(call: Call, ms: float = 1_000.0) -> None:
    """Every sentence that the session has asked for and nobody has synthesised."""
    asked = of(call.effects, do.Synthesize)
    done = getattr(call, "spoken_so_far", 0)
    while done < len(asked):
        call.speak(asked[done], *[100.0] * round(ms / 100))
        done += 1
        asked = of(call.effects, do.Synthesize)
    call.spoken_so_far = done  # type: ignore[attr-defined]


def come(sockets: Sockets) -> Call:
    """Another socket comes to the conversation, and follows it."""
    call = a_call()
    call.now = sockets.calls[0].now
    sockets.add(call)
    call.tell(ev.Following())
    sockets.pump()
    for reply in {effect.reply for effect in of(call.effects, do.Greet)}:
        call.tell(ev.ReplyBegan(reply, "espeak:en"))
    sockets.pump()
    return call


def begun() -> tuple[Sockets, Call, str]:
    """A call in the middle of the first of three sentences."""
    call = a_call()
    sockets = Sockets(call)
    reply = call.ask()
    call.write(reply, ONE, TWO, THREE)
    speak_all(call)
    sockets.wait(1.5)
    return sockets, call, reply


def sentences(call: Call) -> list[str]:
    return [sentence.text for sentence in of(call.effects, msg.Sentence)]


class TestWhoComesBack:
    def test_hears_the_rest_from_the_sentence_that_was_reached(self) -> None:
        sockets, holder, reply = begun()
        holder.tell(ev.Gone())
        assert not of(holder.effects, do.Finish)
        speaker = come(sockets)
        start = only(speaker.effects, msg.ReplyStart)
        assert (start.reply, start.voice) == (reply, "espeak:en")
        speak_all(speaker)
        assert sentences(speaker)[0] == TWO
        assert of(speaker.effects, msg.Sentence)[0].start == len(ONE)
        sockets.wait(3.0)
        finished = only(holder.effects, do.Finish).reply
        assert (finished.status, finished.heard_text) == ("done", ONE + TWO + THREE)
        assert finished.heard_ms is not None
        assert 3_000 <= finished.heard_ms <= 3_600
        assert speaker.session.bot is Bot.SILENT
        assert not of(speaker.effects, do.Finish)
        assert only(speaker.effects, do.GiveBack).reply == reply

    def test_hears_also_what_is_written_afterwards(self) -> None:
        call = a_call()
        sockets = Sockets(call)
        reply = call.ask()
        call.write(reply, ONE, end=False)
        call.tell(ev.Gone())
        speaker = come(sockets)
        call.write(reply, TWO, THREE)
        sockets.pump()
        speak_all(speaker)
        sockets.wait(3.5)
        assert sentences(speaker) == [ONE, TWO, THREE]
        assert only(call.effects, do.Finish).reply.heard_text == ONE + TWO + THREE

    def test_is_told_its_text_once(self) -> None:
        sockets, holder, _reply = begun()
        holder.tell(ev.Gone())
        speaker = come(sockets)
        speak_all(speaker)
        sockets.wait(4.0)
        assert not of(speaker.effects, msg.Delta)
        assert not of(speaker.effects, do.Share)

    def test_may_cut_it_there_and_what_was_heard_is_known(self) -> None:
        sockets, holder, _ = begun()
        holder.tell(ev.Gone())
        speaker = come(sockets)
        speak_all(speaker)
        sockets.wait(1.2)
        speaker.tell(ev.Interrupt())
        sockets.pump()
        finished = only(holder.effects, do.Finish).reply
        assert finished.status == "interrupted"
        assert finished.heard_text.startswith(ONE + TWO[:-1])
        assert finished.heard_text != ONE + TWO + THREE

    def test_twice_hears_it_go_on_twice(self) -> None:
        sockets, holder, _ = begun()
        holder.tell(ev.Gone())
        second = come(sockets)
        speak_all(second)
        sockets.wait(1.2)
        second.tell(ev.Gone())
        sockets.pump()
        third = come(sockets)
        speak_all(third)
        assert sentences(third)[0] == THREE
        sockets.wait(2.0)
        assert only(holder.effects, do.Finish).reply.heard_text == ONE + TWO + THREE

    def test_and_asks_something_else_meanwhile_hears_the_answer_to_that(self) -> None:
        call = Call(RESUMING)
        call.open()
        request = call.type("And now?")
        given = ev.VoiceGiven("r-1", "generic", ONE + TWO, 0, is_written=True, hand=1)
        out = call.tell(given)
        assert not of(out, do.Greet)
        [refused] = [effect.what for effect in of(out, do.ShareVoice)]
        assert refused == ev.VoiceHeard("r-1", 1, 0, 0.0, is_over=True)
        assert only(call.store(request), do.Think).text == "And now?"

    def test_too_late_finds_it_interrupted(self) -> None:
        sockets, holder, _ = begun()
        holder.tell(ev.Gone())
        sockets.wait(11.0)
        finished = only(holder.effects, do.Finish).reply
        assert finished.status == "interrupted"
        assert finished.heard_text.startswith(ONE)
        assert (
            holder.session.over
            or holder.tell(ev.ReplyStored(finished.id, stored(finished.id, 3))) is not None
        )

    def test_and_dies_leaves_it_to_be_ended(self) -> None:
        sockets, holder, _ = begun()
        holder.tell(ev.Gone())
        speaker = come(sockets)
        speak_all(speaker)
        sockets.calls.remove(speaker)
        sockets._told.pop()
        sockets.wait(5.0)
        assert only(holder.effects, do.Finish).reply.status == "interrupted"


class TestTakingAudio:
    def test_moves_the_voice_and_silences_who_had_it(self) -> None:
        sockets, holder, _ = begun()
        other = come(sockets)
        assert only(other.effects, msg.AudioOwner) == msg.AudioOwner(here=False)
        assert not of(other.effects, do.Greet)
        other.tell(ev.TakeAudio())
        sockets.pump()
        assert of(holder.effects, msg.Clear)
        assert of(holder.effects, msg.AudioOwner)[-1] == msg.AudioOwner(here=False)
        assert of(other.effects, msg.AudioOwner)[-1] == msg.AudioOwner(here=True)
        [greet] = of(other.effects, do.Greet)
        other.tell(ev.ReplyBegan(greet.reply, "espeak:en"))
        sounds = len(of(holder.effects, msg.Audio))
        speak_all(other)
        sockets.wait(3.0)
        assert sentences(other) == [TWO, THREE]
        assert len(of(holder.effects, msg.Audio)) == sounds
        assert only(holder.effects, do.Finish).reply.status == "done"

    def test_can_be_taken_back(self) -> None:
        sockets, _, reply = begun()
        other = come(sockets)
        other.tell(ev.TakeAudio())
        sockets.pump()
        other.tell(ev.ReplyBegan(reply, "espeak:en"))
        third = come(sockets)
        third.tell(ev.TakeAudio())
        sockets.pump()
        assert only(other.effects, do.GiveBack)
        assert of(third.effects, do.Greet)

    def test_while_nothing_is_said_only_says_where_it_will_be(self) -> None:
        one, two = a_call(), a_call()
        sockets = Sockets(one, two)
        two.tell(ev.TakeAudio())
        sockets.pump()
        assert only(one.effects, msg.AudioOwner) == msg.AudioOwner(here=False)
        assert one.session.bot is two.session.bot is Bot.SILENT

    def test_an_answer_asked_for_elsewhere_is_heard_there(self) -> None:
        one, two = a_call(), a_call()
        sockets = Sockets(one, two)
        reply = one.ask()
        one.write(reply, ONE)
        sockets.pump()
        assert only(two.effects, msg.ReplyStart).voice is None
        assert only(two.effects, msg.AudioOwner) == msg.AudioOwner(here=False)
        assert not of(one.effects, msg.AudioOwner)
