"""Text that is typed in the middle of speech, and a client that leaves in the middle of it."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot
from chat.person import Person

from .driven import Call, of, only

ANSWER = "It is nine hundred euros."


def listening() -> Call:
    call = Call(hears=True)
    call.open()
    return call


class TestTypedWhileHearing:
    def test_is_stored_and_answered_in_text_at_once(self) -> None:
        call = listening()
        call.start()
        reply = call.ask("Hello?")
        out = call.answer(reply, ANSWER)
        assert only(out, msg.TextEnd).text == ANSWER
        assert only(out, do.Synthesize)
        assert not of(out, do.Play)
        assert not of(call.wait(20.0), do.Play)
        assert call.session.person is Person.HEARING

    def test_is_spoken_when_what_was_heard_was_only_a_noise(self) -> None:
        call = listening()
        utterance = call.start()
        call.answer(call.ask("Hello?"), ANSWER)
        out = call.understand(call.pause(utterance, 100), "")
        assert of(out, msg.Audio)[0].position == 0
        assert only(call.wait(2.0), do.Finish).reply.status == "done"

    def test_comes_before_what_is_being_said_which_cuts_its_answer(self) -> None:
        call = listening()
        utterance = call.start()
        reply = call.ask("Hello?")
        call.answer(reply, ANSWER)
        call.understand(call.pause(utterance), "two bedroom flat")
        out = call.wait(0.2)
        finished = only(out, do.Finish).reply
        assert (finished.id, finished.status, finished.heard_ms) == (reply, "interrupted", None)
        assert only(out, do.StoreTurn).text == "two bedroom flat"

    def test_does_not_end_what_is_being_said(self) -> None:
        call = listening()
        utterance = call.start()
        call.type("Hello?")
        assert call.session.person is Person.HEARING
        assert not of(call.effects, do.Transcribe)
        assert call.pause(utterance).pause == 1


class TestTypedInThePause:
    def test_ends_the_spoken_turn_which_goes_first(self) -> None:
        call = listening()
        call.say("i want to")
        request = only(call.tell(ev.Typed("t-1", "Never mind.")), do.StoreTurn)
        assert request.text == "i want to"
        assert only(call.store(request), do.StoreTurn).text == "Never mind."

    def test_waits_for_the_words_of_the_spoken_turn(self) -> None:
        call = listening()
        request = call.pause(call.start())
        assert not of(call.tell(ev.Typed("t-1", "Never mind.")), do.StoreTurn)
        out = call.understand(request, "i want to")
        assert only(out, do.StoreTurn).text == "i want to"

    def test_is_stored_alone_when_there_were_no_words(self) -> None:
        call = listening()
        request = call.pause(call.start())
        call.tell(ev.Typed("t-1", "Never mind."))
        out = call.understand(request, "")
        assert only(out, do.StoreTurn).text == "Never mind."
        assert only(out, do.EndUtterance) == do.EndUtterance(request.utterance, keep=False)


class TestStopWhileSpeaking:
    def test_what_is_being_said_is_stored_and_not_answered(self) -> None:
        call = listening()
        utterance = call.start()
        assert not of(call.tell(ev.Interrupt()), do.ShareInterrupt)
        call.understand(call.pause(utterance), "never mind that")
        request = only(call.wait(0.2), do.StoreTurn)
        assert only(call.store(request), do.Finish).reply.status == "interrupted"
        assert not of(call.effects, do.Think)

    def test_the_next_words_are_answered_again(self) -> None:
        call = listening()
        utterance = call.start()
        call.tell(ev.Interrupt())
        call.understand(call.pause(utterance), "never mind that")
        call.store(only(call.wait(0.2), do.StoreTurn))
        call.say("two bedroom flat")
        assert only(call.effects, do.Think).draft


class TestLeavingWhileSpeaking:
    def test_what_was_said_is_understood_and_stored(self) -> None:
        call = listening()
        utterance = call.start()
        request = only(call.tell(ev.Gone()), do.Transcribe)
        assert not call.session.over
        out = call.understand(request, "two bedroom flat in")
        assert only(out, do.StoreTurn).text == "two bedroom flat in"
        assert only(out, do.EndUtterance) == do.EndUtterance(utterance, keep=True)
        assert not of(out, do.Send)
        out = call.store(only(out, do.StoreTurn))
        assert not only(out, do.Think).spoken

    def test_nothing_is_waited_for_that_is_understood_already(self) -> None:
        call = listening()
        call.say("i want to")
        assert only(call.tell(ev.Gone()), do.StoreTurn).text == "i want to"

    def test_an_ear_that_still_hears_them_changes_nothing(self) -> None:
        call = listening()
        utterance = call.start()
        call.pause(utterance)
        call.tell(ev.Gone())
        again = only(call.tell(ev.SpeechResumed(utterance)), do.Transcribe)
        assert again.pause == 2
        assert not call.tell(ev.SpeechResumed(utterance))
        assert call.tell(ev.SpeechStarted("late", 0)) == [do.EndUtterance("late", keep=False)]

    def test_a_recogniser_that_does_not_answer_ends_the_call_in_the_end(self) -> None:
        call = listening()
        call.start()
        call.tell(ev.Gone())
        out = call.wait(10.0)
        assert not only(out, do.EndUtterance).keep
        assert not of(out, do.Send)
        assert call.session.over

    def test_before_the_conversation_was_opened_leaves_nothing(self) -> None:
        call = Call(hears=True)
        call.tell(ev.Hello(), ev.SpeechStarted("u", 96))
        out = call.tell(ev.Gone())
        assert only(out, do.EndUtterance) == do.EndUtterance("u", keep=False)
        assert call.session.over

    def test_a_noise_over_a_bot_that_nobody_hears_leaves_its_text(self) -> None:
        call = listening()
        reply = call.ask()
        call.write(reply, ANSWER, end=False)
        call.start()
        call.tell(ev.Gone())
        assert call.session.bot is Bot.THINKING
        assert only(call.write(reply, " More."), do.Finish).reply.text == ANSWER + " More."
