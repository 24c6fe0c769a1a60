"""An engine asks the person for input, and gets it: the session's part."""

from __future__ import annotations

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from dialogue.asking import Field

from .driven import TELEPHONE, V1, Call, of, only

FIELDS = (Field("name"), Field("age"))


def asking(call: Call) -> str:
    """A call in which an engine waits; the id of its reply."""
    call.open()
    reply = call.ask("Book me in.")
    call.tell(ev.InputWanted(reply, "q-1", FIELDS))
    return reply


def test_the_person_is_asked_here_and_nobody_elsewhere() -> None:
    call = Call(V1)
    call.open()
    reply = call.ask("Book me in.")
    effects = call.tell(ev.InputWanted(reply, "q-1", FIELDS))
    assert only(effects, msg.Ask) == msg.Ask(reply, "q-1", FIELDS)
    assert not [effect for effect in effects if isinstance(effect, do.Share)]


def test_what_they_fill_in_goes_to_the_engine_once() -> None:
    call = Call(V1)
    reply = asking(call)
    effects = call.tell(ev.Input({"name": "Ann"}, "q-1"))
    assert only(effects, do.GiveInput) == do.GiveInput(reply, {"name": "Ann", "age": ""})
    again = call.tell(ev.Input({"name": "Bob"}, "q-1"))
    assert not of(again, do.GiveInput)
    assert only(again, msg.Error).code == "not_asked"


def test_an_answer_to_another_question_is_refused() -> None:
    call = Call(V1)
    asking(call)
    effects = call.tell(ev.Input({"name": "Ann"}, "q-0"))
    assert only(effects, msg.Error) == msg.Error(
        "not_asked", "Nothing is asked just now.", id="q-0"
    )


def test_whoever_brings_it_from_elsewhere_is_told_whether_it_was_taken() -> None:
    call = Call(TELEPHONE)
    reply = asking(call)
    effects = call.tell(ev.Input(["Ann", 4], None, "hook-1"))
    assert only(effects, do.GiveInput) == do.GiveInput(reply, {"name": "Ann", "age": "4"})
    assert only(effects, do.ShareInput) == do.ShareInput("hook-1", taken=True)


def test_what_is_brought_twice_is_taken_once_and_confirmed_again() -> None:
    call = Call(TELEPHONE)
    asking(call)
    call.tell(ev.Input("Ann", None, "hook-1"))
    effects = call.tell(ev.Input("Ann", None, "hook-1"))
    assert only(effects, do.ShareInput) == do.ShareInput("hook-1", taken=True)
    assert not of(effects, do.GiveInput)


def test_where_nothing_is_asked_they_are_told_so() -> None:
    call = Call(TELEPHONE)
    call.open()
    effects = call.tell(ev.Input("Ann", None, "hook-1"))
    assert only(effects, do.ShareInput) == do.ShareInput("hook-1", taken=False)


def test_a_question_ends_with_its_reply() -> None:
    call = Call(V1)
    reply = asking(call)
    assert do.StopThinking(reply) in call.tell(ev.Interrupt())
    assert only(call.tell(ev.Input("Ann")), msg.Error).code == "not_asked"
    assert not of(call.tell(ev.InputWanted(reply, "q-2", FIELDS)), msg.Ask)
