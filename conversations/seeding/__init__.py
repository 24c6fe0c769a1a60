"""Conversations that nobody had: to try the admin with, and to measure it.

Everything is made a batch at a time, so memory stays flat however many there are.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from accounts.models import Person, User
from conversations.models import Call, Conversation, Tag, Turn
from dialogue.models import Bot

from .rows import conversation_rows
from .texts import a_name
from .writing import write_rows

__all__ = ["seed"]

CONVERSATIONS_OF_A_REGULAR = 20
TAGS = ("refund", "praise", "complaint", "wrong answer", "not understood")


def seed(
    *, conversations: int, turns: int, chance: random.Random, until: datetime
) -> Iterator[int]:
    """Write just so many; yields how many turns are written so far.

    ``turns`` is at least twice ``conversations``. The same ``chance`` and ``until`` give the same
    conversations, with new ids. What is written when it is given up is whole and stays.
    """
    bot = Bot.objects.order_by("-is_default", "pk").first() or Bot.objects.create(
        slug="seeded", name="Seeded"
    )
    regulars = _regulars(chance, conversations // CONVERSATIONS_OF_A_REGULAR + 1)
    tags = [Tag.objects.get_or_create(name=name)[0] for name in TAGS]
    written = 0
    for rows in conversation_rows(
        chance,
        conversations=conversations,
        turns=turns,
        regulars=regulars,
        tags=tags,
        bot=bot,
        until=until,
    ):
        with transaction.atomic():
            write_rows(Person, rows.persons)
            write_rows(Conversation, rows.conversations)
            write_rows(Call, rows.calls)
            write_rows(Turn, rows.turns)
            write_rows(Conversation.tags.through, rows.tagged)
        written += len(rows.turns)
        yield written


def _regulars(chance: random.Random, count: int) -> list[Person]:
    """Users who cannot log in, each with a person."""
    run = uuid.uuid4().hex[:6]
    users = [
        User(username=f"{a_name(chance).lower()}.{run}.{number}", password="!")  # noqa: S106
        for number in range(count)
    ]
    with transaction.atomic():
        users = User.objects.bulk_create(users, batch_size=1000)
        return Person.objects.bulk_create([Person(user=user) for user in users], batch_size=1000)
