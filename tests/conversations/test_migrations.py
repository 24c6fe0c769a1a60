"""What was kept before a migration is right after it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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


@pytest.fixture(autouse=True)
def forward_again() -> Iterator[None]:
    """Whatever a test goes back to, the next one finds all as it is now."""
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_a_conversation_goes_on_where_it_was() -> None:
    before = migrated_to("0001_initial")
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


def test_the_list_tells_of_what_was_kept_before_as_of_what_is_kept_now() -> None:
    before = migrated_to("0005_review")
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    person = before.get_model("accounts", "Person").objects.create()
    bot = before.get_model("dialogue", "Bot").objects.create(slug="b", name="B")
    conversations = before.get_model("conversations", "Conversation").objects
    talk, silent = (conversations.create(person=person, bot=bot) for _ in range(2))
    calls = before.get_model("conversations", "Call").objects
    hour = timedelta(hours=1)
    for protocol, began, ended in (
        ("twilio", noon, noon + timedelta(seconds=90)),
        ("native", noon + hour, noon + hour + timedelta(seconds=10)),
    ):
        calls.create(
            conversation=talk, protocol=protocol, instance="x", started_at=began, ended_at=ended
        )
    left = calls.create(conversation=silent, protocol="voicebot", instance="x", started_at=noon)
    turns = before.get_model("conversations", "Turn").objects
    greeting = {"first_text": 9_000}
    turns.create(conversation=talk, seq=0, rev=0, role="assistant", status="done", timings=greeting)
    for seq, (rating, first_audio) in enumerate([(1, 300), (-1, 800), (1, 500)]):
        asked = turns.create(conversation=talk, seq=2 * seq + 1, rev=0, role="user", status="done")
        turns.create(
            conversation=talk,
            seq=2 * seq + 2,
            rev=0,
            role="assistant",
            status="done",
            reply_to=asked,
            rating=rating,
            timings={"first_text": 5, "first_audio": first_audio},
        )

    after = migrated_to("0006_summaries")
    row = after.get_model("conversations", "Conversation").objects.get(pk=talk.pk)
    assert (row.protocol, row.duration_ms, row.p95_ms) == ("native", 100_000, 800)
    assert (row.liked_count, row.disliked_count) == (2, 1)
    row = after.get_model("conversations", "Conversation").objects.get(pk=silent.pk)
    assert (row.protocol, row.duration_ms, row.p95_ms) == ("voicebot", 0, None)
    # Whoever sweeps ends it.
    assert after.get_model("conversations", "Call").objects.get(pk=left.pk).seen_at == noon
