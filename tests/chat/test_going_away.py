"""A server that ends: nobody is cut off in the middle, and nothing new is begun."""

from __future__ import annotations

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg

from .driven import TELEPHONE, Call, of, only, stored

SOON = ev.GoingAway(0.5)


def test_who_has_nothing_going_on_is_told_when_to_come_back_and_sent_away() -> None:
    call = Call()
    call.open()
    out = call.tell(SOON)
    assert only(out, msg.GoingAway).retry_after == 0.5
    assert only(out, do.Close).code == 1012


def test_an_answer_is_finished_heard_and_stored_before() -> None:
    call = Call()
    call.open()
    reply = call.ask()
    assert not of(call.tell(SOON), do.Close)
    call.answer(reply, "Hi.", ms=500)
    out = call.wait(1.0)
    assert only(out, do.Finish).reply.status == "done"
    assert not of(out, do.Close)
    assert only(call.tell(ev.ReplyStored(reply, stored(reply, 3))), do.Close).code == 1012


def test_a_typed_turn_is_to_be_sent_again_elsewhere_and_nobody_waits_for_the_answer_before() -> (
    None
):
    call = Call()
    call.open()
    call.ask()
    call.tell(SOON)
    out = call.tell(ev.Typed("t-2", "And now?"))
    error = only(out, msg.Error)
    assert (error.code, error.id) == ("going_away", "t-2")
    assert error.retry
    assert not of(out, do.StoreTurn)
    assert only(out, do.Finish).reply.status == "interrupted"


def test_a_turn_that_is_being_stored_is_acknowledged_and_answered() -> None:
    call = Call()
    call.open()
    request = call.type("Hello?")
    assert not of(call.tell(SOON), do.Close)
    assert only(call.store(request), do.Think)


def test_what_somebody_is_saying_becomes_a_turn_and_is_answered() -> None:
    call = Call(hears=True)
    call.open()
    utterance = call.start()
    assert not of(call.tell(SOON), do.Close)
    call.wait(1.0)
    call.understand(call.pause(utterance), "How are you?")
    assert of(call.wait(1.0), do.StoreTurn)


def test_at_the_limit_the_answer_is_cut() -> None:
    call = Call()
    call.open()
    reply = call.ask()
    call.tell(SOON)
    out = call.tell(ev.GoingAway(0.5, now=True))
    assert only(out, do.Finish).reply.status == "interrupted"
    assert not of(out, msg.GoingAway)
    out = call.tell(ev.ReplyStored(reply, stored(reply, 3)))
    assert only(out, msg.ReplyEnd).status == "interrupted"
    assert only(out, do.Close).code == 1012


def test_at_the_limit_a_notice_is_cut_too() -> None:
    call = Call(TELEPHONE)
    call.open(notice="This call is recorded.")
    call.tell(SOON)
    assert only(call.tell(ev.GoingAway(0.5, now=True)), do.Close).code == 1012


@pytest.mark.parametrize("spoken", [True, False])
def test_who_speaks_is_told_aloud_that_their_words_cannot_be_kept(spoken: bool) -> None:
    call = Call(hears=True)
    call.tell(
        ev.Hello(audio=call.format, voice_in=call.voice_in),
        ev.Opened("c-1", 0, {"slug": "x"}, "en", hears=True, apology="Say it again."),
    )
    if spoken:
        call.say("How are you?")
        request = only(call.wait(1.0), do.StoreTurn)
    else:
        request = call.type("How are you?")
    out = call.tell(ev.TurnNotStored(request.turn, "no"))
    assert only(out, msg.Error).code == "not_stored"
    if not spoken:
        assert not of(out, do.Greet)
        return
    greet = only(out, do.Greet)
    out = call.tell(ev.ReplyBegan(greet.reply, "espeak:en"))
    assert only(out, do.Synthesize).text == "Say it again."
