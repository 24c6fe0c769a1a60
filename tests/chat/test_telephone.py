"""Somebody who has nothing to look at: reminders, keys, and hanging up."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg

from .driven import TELEPHONE, V1, Call, of, only

REMINDER, GOODBYE = "Are you still there?", "Goodbye."


def telephone(greeting: str = "", reminder: str = REMINDER, goodbye: str = GOODBYE) -> Call:
    call = Call(TELEPHONE, hears=True)
    call.open(greeting, reminder=reminder, goodbye=goodbye)
    return call


def prompt(call: Call, text: str) -> None:
    """The bot is about to say this; it takes a second."""
    greet = of(call.effects, do.Greet)[-1]
    out = call.tell(ev.ReplyBegan(greet.reply, "espeak:en"))
    assert only(out, do.Synthesize).text == text
    call.speak(only(out, do.Synthesize), 1_000)
    call.tell(ev.Played(greet.reply, 1_000, done=True))


class TestSilence:
    def test_is_met_by_a_reminder_a_goodbye_and_the_end_of_the_call(self) -> None:
        call = telephone()
        assert not of(call.wait(9.99), do.Greet)
        assert only(call.wait(0.02), do.Greet)
        prompt(call, REMINDER)
        assert not of(call.wait(9.9), do.Greet)
        assert only(call.wait(0.2), do.Greet)
        prompt(call, GOODBYE)
        assert only(call.effects, do.Close).code == 1000
        assert not of(call.wait(60.0), do.Greet)

    def test_counts_from_the_end_of_what_the_bot_says(self) -> None:
        call = telephone(greeting="Welcome.")
        call.wait(30.0)
        assert len(of(call.effects, do.Greet)) == 1
        prompt(call, "Welcome.")
        assert not of(call.wait(9.9), do.Greet)
        assert only(call.wait(0.2), do.Greet)

    @pytest.mark.parametrize("sign", ["speech", "text", "key"])
    def test_is_counted_from_the_start_after_any_sign_of_life(self, sign: str) -> None:
        call = telephone()
        call.wait(10.0)
        prompt(call, REMINDER)
        call.wait(5.0)
        match sign:
            case "speech":
                call.answer(call.ask_aloud(), "Yes.")
            case "text":
                call.answer(call.ask(), "Yes.")
            case "key":
                reply = only(call.tell(ev.Digit("#")), do.StoreTurn)
                call.store(reply)
                call.tell(ev.ReplyBegan(reply.reply, None), ev.ThoughtEnded(reply.reply))
        call.wait(7.0)
        assert len(of(call.effects, do.Greet)) == 1
        call.wait(6.0)
        assert len(of(call.effects, do.Greet)) == 2
        prompt(call, REMINDER)

    def test_is_not_ended_by_noises_so_that_the_goodbye_comes(self) -> None:
        call = telephone()
        call.wait(5.0)
        call.say("")
        call.wait(5.0)
        assert not of(call.effects, do.Greet)
        call.wait(6.0)
        prompt(call, REMINDER)
        call.say("")
        call.wait(11.0)
        prompt(call, GOODBYE)
        assert only(call.effects, do.Close).code == 1000

    def test_lasts_not_while_a_turn_is_being_stored(self) -> None:
        call = telephone()
        call.type("Hello?")
        assert not of(call.wait(60.0), do.Greet)

    def test_lasts_not_while_they_speak(self) -> None:
        call = telephone()
        call.wait(5.0)
        call.start()
        assert not of(call.wait(20.0), do.Greet)

    def test_is_not_prompted_where_there_is_something_to_look_at(self) -> None:
        call = Call(V1)
        call.open(reminder=REMINDER, goodbye=GOODBYE)
        assert not of(call.wait(59.0), do.Greet)

    def test_without_texts_is_endless(self) -> None:
        call = telephone(reminder="", goodbye="")
        assert not call.wait(600.0)
        assert call.session.deadline is None

    def test_with_a_goodbye_alone_ends_after_it(self) -> None:
        call = telephone(reminder="")
        call.wait(10.0)
        prompt(call, GOODBYE)
        assert only(call.effects, do.Close).code == 1000

    def test_before_the_conversation_is_open_does_not_count(self) -> None:
        call = Call(TELEPHONE)
        call.tell(ev.Hello())
        assert not call.wait(60.0)

    def test_is_not_prompted_when_they_have_gone(self) -> None:
        call = telephone()
        call.tell(ev.Gone())
        assert not call.wait(60.0)


class TestKeys:
    def test_that_are_pressed_together_are_one_turn(self) -> None:
        call = telephone()
        for digit in "12":
            call.tell(ev.Digit(digit))
            assert not of(call.wait(1.9), do.StoreTurn)
        request = only(call.wait(0.2), do.StoreTurn)
        assert (request.text, request.client_id, request.spoken) == ("12", None, None)
        assert only(call.store(request), do.Think).text == "12"

    def test_end_at_once_with_the_hash(self) -> None:
        call = telephone()
        call.tell(ev.Digit("1"))
        assert only(call.tell(ev.Digit("#")), do.StoreTurn).text == "1#"

    def test_cut_what_the_bot_says(self) -> None:
        call = telephone()
        call.answer(call.ask(), "A long sentence to listen to.")
        call.wait(0.3)
        out = call.tell(ev.Digit("1"))
        assert only(out, msg.Clear)
        assert only(out, do.Finish).reply.heard_ms == 300

    def test_are_stored_when_they_hang_up_before_the_end(self) -> None:
        call = telephone()
        call.tell(ev.Digit("1"))
        assert only(call.tell(ev.Gone()), do.StoreTurn).text == "1"

    def test_are_no_more_than_anybody_presses(self) -> None:
        call = telephone()
        call.tell(*[ev.Digit("1")] * 100)
        assert len(only(call.wait(2.0), do.StoreTurn).text) == 64

    def test_that_nobody_can_store_are_told(self) -> None:
        call = telephone()
        call.tell(*[ev.Digit("#")] * 17)
        assert only(call.tell(ev.Digit("#")), msg.Error).code == "busy"


class TestHangingUp:
    def test_closes_the_call(self) -> None:
        call = telephone()
        assert only(call.tell(ev.HungUp()), do.Close).code == 1000
        assert not of(call.tell(ev.HungUp()), do.Close)

    def test_ends_what_is_heard_of_the_bot(self) -> None:
        call = telephone()
        reply = call.ask()
        call.answer(reply, "A long sentence to listen to.")
        call.wait(0.3)
        finished = only(call.tell(ev.HungUp()), do.Finish).reply
        assert (finished.status, finished.heard_ms) == ("interrupted", 300)
        assert not of(call.wait(5.0), do.Play)

    def test_leaves_the_text_to_be_written(self) -> None:
        call = telephone()
        request = call.type("Hello?")
        call.tell(ev.HungUp())
        assert not only(call.store(request), do.Think).spoken
        call.tell(ev.ReplyBegan(request.reply, "espeak:en"))
        out = call.write(request.reply, "Good day to you.")
        assert not of(out, do.Synthesize)
        assert only(out, do.Finish).reply.status == "done"


class TestNotice:
    NOTICE = "This call is recorded."

    def begin(self, greeting: str = "") -> tuple[Call, str]:
        """A call in which the notice is being said, of 3 s; and its id."""
        call = Call(TELEPHONE, hears=True)
        call.open(greeting, notice=self.NOTICE)
        notice = only(call.effects, do.Greet).reply
        out = call.tell(ev.ReplyBegan(notice, "espeak:en"))
        call.speak(only(out, do.Synthesize), *[100.0] * 30)
        call.wait(0.5)
        return call, notice

    def test_is_heard_to_its_end_over_a_voice(self) -> None:
        call, notice = self.begin()
        call.say("Hello? Who is there?", seconds=0.8)
        out = call.wait(3.0)
        assert not of(call.effects, msg.Clear)
        assert only(call.effects, do.Finish).reply.status == "done"
        assert only(call.effects, do.Finish).reply.id == notice
        assert not of(out, do.StoreTurn)
        call.tell(ev.ReplyStored(notice, None))
        assert only(call.effects, do.StoreTurn).text == "Hello? Who is there?"

    @pytest.mark.parametrize("event", [ev.Digit("#"), ev.Interrupt(), ev.Interrupted()], ids=repr)
    def test_is_cut_by_nothing(self, event: ev.Event) -> None:
        call, _ = self.begin()
        call.tell(event)
        call.wait(3.0)
        assert not of(call.effects, msg.Clear)
        assert only(call.effects, do.Finish).reply.status == "done"

    def test_is_said_before_the_greeting(self) -> None:
        call, _ = self.begin("Welcome.")
        assert len(of(call.effects, do.Greet)) == 1
        call.wait(3.0)
        assert len(of(call.effects, do.Greet)) == 2
        prompt(call, "Welcome.")

    def test_whoever_spoke_meanwhile_is_answered_and_not_greeted(self) -> None:
        call, notice = self.begin("Welcome.")
        call.tell(ev.Digit("7"), ev.Digit("#"))
        call.wait(3.0)
        call.tell(ev.ReplyStored(notice, None))
        assert only(call.effects, do.StoreTurn).text == "7#"
        assert len(of(call.effects, do.Greet)) == 1

    def test_ends_with_the_call(self) -> None:
        call, _ = self.begin("Welcome.")
        call.tell(ev.Gone())
        call.wait(5.0)
        assert len(of(call.effects, do.Finish)) == 1
        assert len(of(call.effects, do.Greet)) == 1
