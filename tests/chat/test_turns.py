"""The person's turns: typed, stored, acknowledged, and in which order."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.bot import Bot

from .driven import ORIGINAL, Call, of, only, stored


class TestTypedTurn:
    def test_is_acknowledged_only_when_it_is_stored(self) -> None:
        call = Call()
        call.open()
        out = call.tell(ev.Typed("t-1", "Hello?"))
        assert not of(out, msg.Ack)
        request = only(out, do.StoreTurn)
        out = call.store(request)
        assert only(out, msg.Ack) == msg.Ack("t-1", request.turn, request.reply, 2)
        assert only(out, do.Think).text == "Hello?"
        assert call.session.bot is Bot.THINKING

    def test_that_could_not_be_stored_is_refused_and_may_come_again(self) -> None:
        call = Call()
        call.open()
        request = call.type("Hello?")
        out = call.tell(ev.TurnNotStored(request.turn, "no room"))
        error = only(out, msg.Error)
        assert (error.code, error.id, error.retry) == ("not_stored", "t-1", 2.0)
        assert call.type("Hello?").client_id == "t-1"

    def test_over_a_limit_it_is_refused_with_the_time_to_wait(self) -> None:
        call = Call()
        call.open()
        request = call.type("Hello?")
        out = call.tell(ev.TurnNotStored(request.turn, "too fast", "busy", 12.5))
        error = only(out, msg.Error)
        assert (error.code, error.id, error.retry) == ("busy", "t-1", 12.5)
        assert not of(out, do.Close)
        assert call.session.bot is Bot.SILENT

    def test_and_whoever_had_too_much_is_told_when_to_come_back(self) -> None:
        call = Call()
        call.open()
        out = call.tell(ev.Refused("busy", "too much", 4429, 60.0))
        assert only(out, msg.Error).retry == 60.0
        assert only(out, do.Close).code == 4429

    def test_sent_again_is_acknowledged_again_but_not_answered_again(self) -> None:
        call = Call()
        call.open()
        request = call.type("Hello?")
        out = call.tell(ev.TurnStored(request.turn, "old-turn", "old-reply", 9, duplicate=True))
        assert only(out, msg.Ack).turn == "old-turn"
        assert not of(out, do.Think)
        assert call.session.bot is Bot.SILENT

    def test_sent_again_soon_cuts_not_the_answer_that_it_has_got(self) -> None:
        call = Call()
        call.open()
        reply = call.ask("Hello?")
        out = call.tell(ev.Typed("t-1", "Hello?"))
        assert out == [do.Send(only(out, msg.Ack))]
        assert only(out, msg.Ack).reply == reply
        assert call.session.bot is Bot.THINKING
        assert only(call.answer(reply, "Hi."), msg.TextEnd).text == "Hi."

    def test_twice_while_it_is_being_stored_is_stored_once(self) -> None:
        call = Call()
        call.open()
        call.type("Hello?")
        assert not call.tell(ev.Typed("t-1", "Hello?"))

    @pytest.mark.parametrize("text", ["", "   \n\t", "\0", " \0 "])
    def test_without_text_is_an_error(self, text: str) -> None:
        call = Call()
        call.open()
        error = only(call.tell(ev.Typed("t-1", text)), msg.Error)
        assert (error.code, error.id) == ("empty_text", "t-1")

    def test_that_is_too_long_is_an_error(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Typed("t-1", "x" * 8_001)), msg.Error).code == "too_long"
        assert call.type("x" * 8_000)

    def test_loses_the_nul_that_postgresql_cannot_keep(self) -> None:
        call = Call()
        call.open()
        assert call.type("a\0b").text == "ab"

    def test_beyond_what_may_wait_is_busy(self) -> None:
        call = Call()
        call.open()
        call.type("first", "t-0")
        for n in range(16):
            assert not of(call.tell(ev.Typed(f"w-{n}", "more")), msg.Error)
        error = only(call.tell(ev.Typed("one-too-many", "more")), msg.Error)
        assert (error.code, error.id) == ("busy", "one-too-many")
        assert error.retry

    def test_cuts_the_reply_that_is_alive(self) -> None:
        call = Call()
        call.open()
        first = call.ask("One?", "t-1")
        call.write(first, "A long answer. ", end=False)
        out = call.tell(ev.Typed("t-2", "Two?"))
        assert only(out, do.StopThinking).reply == first
        finished = only(out, do.Finish).reply
        assert (finished.id, finished.status, finished.text) == (
            first,
            "interrupted",
            "A long answer. ",
        )
        assert only(out, do.StoreTurn).text == "Two?"

    def test_many_at_once_are_all_stored_and_the_last_one_is_answered(self) -> None:
        call = Call()
        call.open()
        request = call.type("n 0", "t-0")
        call.tell(*(ev.Typed(f"t-{n}", f"n {n}") for n in range(1, 10)))
        texts, thoughts, rev = [request.text], [], 0
        while True:
            rev += 2
            out = call.store(request, rev)
            thoughts += of(out, do.Think)
            for finish in of(out, do.Finish):
                rev += 1
                out += call.tell(ev.ReplyStored(finish.reply.id, stored(finish.reply.id, rev)))
            stores = of(out, do.StoreTurn)
            if not stores:
                break
            [request] = stores
            texts.append(request.text)
        assert texts == [f"n {n}" for n in range(10)]
        assert [thought.text for thought in thoughts] == ["n 9"]


class TestInterrupt:
    def test_while_the_turn_is_being_stored_ends_the_reply_before_it_begins(self) -> None:
        call = Call()
        call.open()
        request = call.type("One?")
        call.tell(ev.Interrupt())
        out = call.store(request)
        assert only(out, msg.Ack)
        assert not of(out, do.Think)
        assert only(out, do.Finish).reply.status == "interrupted"

    def test_goes_for_all_that_was_typed_before_it(self) -> None:
        call = Call()
        call.open()
        first = call.type("One?", "t-1")
        call.tell(ev.Typed("t-2", "Two?"), ev.Interrupt(), ev.Typed("t-3", "Three?"))
        second = only(call.store(first, 2), do.StoreTurn)
        third = only(call.store(second, 5), do.StoreTurn)
        assert not of(call.effects, do.Think)
        assert only(call.store(third, 8), do.Think).text == "Three?"

    def test_with_nothing_to_stop_here_is_passed_on_to_other_tabs(self) -> None:
        call = Call()
        call.open()
        assert only(call.tell(ev.Interrupt()), do.ShareInterrupt)

    def test_from_another_tab_ends_the_reply_here(self) -> None:
        call = Call()
        call.open()
        call.ask()
        out = call.tell(ev.Interrupted())
        assert only(out, do.Finish).reply.status == "interrupted"
        assert not of(out, do.ShareInterrupt)
        assert not call.tell(ev.Interrupted())


class TestOriginalClient:
    def test_each_question_says_for_itself_whether_it_is_spoken(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        first = call.ask("One?", None)
        call.tell(ev.Typed(None, "Two?", spoken=False), ev.Typed(None, "Three?", spoken=True))
        for spoken in (False, True):
            request = only(call.write(first, "An answer."), do.StoreTurn)
            think = only(call.store(request), do.Think)
            assert think.spoken is spoken
            call.tell(ev.ReplyBegan(request.reply, None))
            first = request.reply

    def test_a_question_waits_while_the_answer_is_written(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        first = call.ask("One?", None)
        assert not of(call.tell(ev.Typed(None, "Two?")), do.StoreTurn)
        out = call.write(first, "An answer.")
        assert only(out, do.StoreTurn).text == "Two?"

    def test_each_clip_leaves_when_the_one_before_has_ended(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        reply = call.ask("One?", None)
        first = only(call.write(reply, "One here. Two here."), do.Synthesize)
        second = only(call.speak(first, 1_000), do.Synthesize)
        out = call.speak(second, 800)
        assert not of(out, do.Play)
        assert not of(call.wait(0.99), do.Play)
        assert [p.sound.ms for p in of(call.wait(0.02), do.Play)] == [800, 0]

    def test_a_clip_that_plays_is_not_spoken_over(self) -> None:
        call = Call(ORIGINAL)
        call.open()
        reply = call.ask("One?", None)
        request = only(call.write(reply, "One here."), do.Synthesize)
        call.speak(request, 1_000)
        call.wait(0.4)
        second = call.ask("Two?", None, rev=5)
        request = only(call.write(second, "Two here."), do.Synthesize)
        assert not of(call.speak(request, 500), do.Play)
        assert not of(call.wait(0.59), do.Play)
        assert of(call.wait(0.02), do.Play)
