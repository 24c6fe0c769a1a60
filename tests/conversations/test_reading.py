"""Conversations as clients read them."""

from __future__ import annotations

import pytest

from accounts.models import Person
from conversations.models import Conversation
from conversations.reading import read_conversation
from dialogue.engine import Card
from dialogue.stored import stored_shape

from .kept import keep_conversation, keep_turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    conversation = keep_conversation(Person.objects.create(), rev=5)
    for number in range(5):
        keep_turn(conversation, f"turn {number}")
    return conversation


def texts(conversation: Conversation, **how: int) -> list[str]:
    found = read_conversation(Conversation.objects.all(), str(conversation.pk), **how)
    assert found is not None
    assert (found.id, found.rev) == (str(conversation.pk), 5)
    return [turn.text for turn in found.turns]


def test_turns_come_in_their_order(conversation):
    assert texts(conversation) == [f"turn {number}" for number in range(5)]


def test_only_what_changed_since_is_read(conversation):
    assert texts(conversation, since_rev=3) == ["turn 3", "turn 4"]


def test_of_a_long_conversation_the_newest_turns_come_in_their_order(conversation):
    assert texts(conversation, limit=2) == ["turn 3", "turn 4"]
    assert texts(conversation, limit=2, since_rev=4) == ["turn 4"]


def test_a_conversation_of_thousands_of_turns_opens_with_few_queries(
    conversation, django_assert_num_queries
):
    model = type(conversation.turns.get(seq=0))
    model.objects.bulk_create(
        model(
            conversation=conversation, seq=seq, rev=seq, role="user", status="done", text=str(seq)
        )
        for seq in range(5, 2000)
    )
    with django_assert_num_queries(3):
        found = texts(conversation)
    assert (len(found), found[0], found[-1]) == (400, "1600", "1999")


def test_what_is_not_visible_is_not_read(conversation):
    assert read_conversation(Conversation.objects.none(), str(conversation.pk)) is None


def test_cards_are_read_as_they_were_stored(conversation):
    data = stored_shape("property", "One.", [Card(title="Mill Lane")])
    keep_turn(conversation, "One.", kind="property", data=data)
    found = read_conversation(Conversation.objects.all(), str(conversation.pk))
    assert found is not None
    assert found.turns[-1].cards == ({"title": "Mill Lane"},)
