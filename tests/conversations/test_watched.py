"""What is shown of a conversation while it goes on."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from accounts.models import Person
from conversations.models import Conversation, Turn
from conversations.turn_link import TURNS_PER_PAGE
from conversations.watched import Look, look, render

from .kept import keep_call, keep_conversation, keep_sound, keep_turn

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> \u202egnp.exe"


@pytest.fixture
def conversation() -> Conversation:
    return keep_conversation(Person.objects.create())


def seen(conversation: Conversation, since: int = 0, **may: bool) -> Look:
    found = look(conversation.pk, since, **{"may_hear": False, "may_label": False, **may})
    assert found is not None
    return found


def turns(look: Look, **texts: str) -> list[str]:
    return render(look, texts)[1]


def test_each_turn_that_changed_is_a_piece_of_the_page(conversation):
    call = keep_call(conversation)
    for number in range(3):
        keep_turn(conversation, f"number {number}", call=call)
    pieces = turns(seen(conversation, 1))
    assert [f"number {number}" in piece for number, piece in enumerate(pieces, 1)] == [True, True]
    assert all(piece.count('<li class="turn ') == 1 and "Call 1" in piece for piece in pieces)


def test_what_is_being_said_is_shown_in_any_case_as_far_as_it_is_known(conversation):
    turn = keep_turn(conversation, "There", status=Turn.Status.STREAMING)
    found = seen(conversation, 9)
    assert found.streaming == {str(turn.pk): "There"}
    assert "There are three" in turns(found, **{str(turn.pk): "There are three"})[0]


def test_rendering_reads_nothing(conversation, django_assert_num_queries):
    call = keep_call(conversation)
    keep_sound(keep_turn(conversation, "Hello", call=call))
    found = seen(conversation, may_hear=True, may_label=True)
    with django_assert_num_queries(0):
        facts, [piece] = render(found, {})
    assert "Turns" in facts
    assert "<audio" in piece


def test_sound_and_corrections_are_for_those_who_may(conversation):
    keep_sound(keep_turn(conversation, "Hello"))
    assert "<audio" not in turns(seen(conversation))[0]
    assert "<form" not in turns(seen(conversation))[0]
    assert "<audio" in turns(seen(conversation, may_hear=True))[0]
    assert "<form" in turns(seen(conversation, may_label=True))[0]


def test_hostile_text_is_shown_safely(conversation):
    keep_turn(conversation, HOSTILE)
    [piece] = turns(seen(conversation))
    assert "<script>" not in piece
    assert "\u202e" not in piece
    assert "⟨U+202E⟩" in piece


def test_it_is_live_while_somebody_is_connected(conversation):
    assert not seen(conversation).is_live
    keep_call(conversation, seen_at=timezone.now())
    assert seen(conversation).is_live


def test_of_very_many_changes_the_newest_are_told_and_that_there_are_more(conversation):
    Turn.objects.bulk_create(
        Turn(conversation=conversation, seq=seq, rev=seq, role="user", status="done", text=str(seq))
        for seq in range(1, TURNS_PER_PAGE + 2)
    )
    assert seen(conversation, 1).has_all
    found = seen(conversation)
    assert not found.has_all
    said = [turn.text for stretch in found.stretches for turn in stretch.turns]
    assert (said[0], said[-1], len(said)) == ("2", str(TURNS_PER_PAGE + 1), TURNS_PER_PAGE)


def test_what_is_not_there_is_not_seen():
    assert look(uuid.uuid4(), 0, may_hear=True, may_label=True) is None
