from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Person
from conversations.models import Conversation

from ..kept import keep_conversation, keep_turn
from ..test_admin import staff
from .labelling import REVIEWER


@pytest.fixture
def conversation() -> Conversation:
    conversation = keep_conversation(Person.objects.create(), "About houses")
    keep_turn(conversation, "Are their horses?")
    keep_turn(conversation, "There are three houses.")
    return conversation


@pytest.fixture
def reviewer() -> Client:
    return staff(*REVIEWER)
