"""Members of the staff read along, and the person is told."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.protocols.base import Protocol
from chat.protocols.voice_chat_original import VoiceChatOriginal
from chat.protocols.voice_chat_v1 import VoiceChatV1
from chat.watchers import GONE_AFTER_S, SAY_EVERY_S, Watchers

from .driven import TELEPHONE, Call, of, only

TOLD = "Staff are reading along."


def watched(effects: Sequence[do.Effect]) -> list[msg.Watched]:
    sent = [effect.message for effect in of(effects, do.Send)]
    return [message for message in sent if isinstance(message, msg.Watched)]


def call(**options: object) -> Call:
    call = Call(**options)  # type: ignore[arg-type]
    call.open(watched=TOLD)
    return call


def test_one_who_says_so_no_more_is_gone():
    watchers = Watchers()
    assert watchers.next_at is None
    watchers.follows("ann", 1.0)
    watchers.follows("bea", 2.0)
    assert watchers.next_at == 2.0 + GONE_AFTER_S
    assert watchers.any_at(1.0 + GONE_AFTER_S)
    assert not watchers.any_at(2.0 + GONE_AFTER_S)
    assert watchers.next_at is None


def test_one_lost_announcement_is_no_end():
    assert GONE_AFTER_S > 2 * SAY_EVERY_S


def test_the_person_is_told_once_and_when_it_is_over():
    here = call()
    assert watched(here.tell(ev.StaffFollows("ann"))) == [msg.Watched(True, TOLD)]
    here.wait(SAY_EVERY_S)
    assert watched(here.tell(ev.StaffFollows("ann"), ev.StaffFollows("bea"))) == []
    assert watched(here.wait(GONE_AFTER_S - 0.1)) == []
    assert watched(here.wait(0.2)) == [msg.Watched(False, "")]


def test_who_is_not_there_yet_is_told_when_they_come():
    here = Call()
    assert watched(here.tell(ev.StaffFollows("ann"))) == []
    assert watched(here.open(watched=TOLD)) == [msg.Watched(True, TOLD)]


def test_who_has_gone_is_told_nothing():
    here = call()
    here.tell(ev.Gone())
    assert here.tell(ev.StaffFollows("ann")) == []


class TestOnTheTelephone:
    def test_they_hear_it_and_nothing_cuts_it(self) -> None:
        here = call(manners=TELEPHONE, hears=True)
        greet = only(here.tell(ev.StaffFollows("ann")), do.Greet)
        [synthesise] = of(here.tell(ev.ReplyBegan(greet.reply, "espeak:en")), do.Synthesize)
        assert synthesise.text == TOLD
        assert not of(here.tell(ev.Interrupt()), do.Finish)

    def test_it_waits_for_the_end_of_an_answer(self) -> None:
        here = call(manners=TELEPHONE, hears=True)
        reply = here.ask()
        assert not of(here.tell(ev.StaffFollows("ann")), do.Greet)
        out = here.answer(reply, "Yes.")
        assert only([*out, *here.wait(10.0)], do.Greet)

    def test_it_is_said_once_while_somebody_is_there(self) -> None:
        here = call(manners=TELEPHONE, hears=True)
        greet = only(here.tell(ev.StaffFollows("ann")), do.Greet)
        here.tell(ev.ReplyBegan(greet.reply, None), ev.ThoughtEnded(greet.reply))
        here.wait(SAY_EVERY_S)
        assert not of(here.tell(ev.StaffFollows("ann")), do.Greet)

    def test_it_is_not_said_when_they_have_left_meanwhile(self) -> None:
        here = call(manners=TELEPHONE, hears=True)
        reply = here.ask()
        here.tell(ev.StaffFollows("ann"))
        here.wait(GONE_AFTER_S + 0.1)
        assert not of([*here.answer(reply, "Yes."), *here.wait(5.0)], do.Greet)


@pytest.mark.parametrize(
    ("protocol", "frames"),
    [
        (VoiceChatV1(), [{"type": "watched", "watched": True, "text": TOLD}]),
        (VoiceChatOriginal(), [{"type": "notice", "text": TOLD}]),
    ],
)
def test_each_page_is_told_in_its_own_words(protocol: Protocol, frames: list[object]):
    told = protocol.encode(msg.Watched(True, TOLD))
    assert [json.loads(frame) for frame in told] == frames


def test_the_original_client_is_not_told_that_it_is_over():
    assert VoiceChatOriginal().encode(msg.Watched(False, "")) == []
