"""What was kept before a migration is right after it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


def migrated_to(name: str) -> Any:
    """The models as they are after this migration."""
    executor = MigrationExecutor(connection)
    target = [("conversations", name)]
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.fixture
def before() -> Iterator[Any]:
    yield migrated_to("0001_initial")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_a_conversation_goes_on_where_it_was(before):
    person = before.get_model("accounts", "Person").objects.create()
    bot = before.get_model("dialogue", "Bot").objects.create(slug="b", name="B")
    conversations = before.get_model("conversations", "Conversation").objects
    answered, silent = (conversations.create(person=person, bot=bot) for _ in range(2))
    turns = [
        before.get_model("conversations", "Turn").objects.create(
            conversation=answered, seq=seq, rev=seq, role="assistant", status=status
        )
        for seq, status in enumerate(["done", "streaming"])
    ]

    after = migrated_to("0002_both_voices").get_model("conversations", "Conversation")

    def found(pk: uuid.UUID) -> tuple[int, uuid.UUID | None]:
        row = after.objects.get(pk=pk)
        return row.next_seq, row.answering

    assert found(answered.pk) == (2, turns[1].pk)
    assert found(silent.pk) == (0, None)
