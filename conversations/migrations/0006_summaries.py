"""Fills in what the list shows of conversations that were kept before it showed that."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from conversations.summaries import MEASURED_REPLIES, lasted_ms, p95_to_answer_ms

BATCH = 500


def summarise(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    def all_of(model: str) -> Any:
        rows = apps.get_model("conversations", model).objects
        return rows.using(schema_editor.connection.alias).order_by()

    last_turn = all_of("Turn").filter(call=OuterRef("pk")).values("call")
    last_at = Subquery(last_turn.annotate(at=Max("created_at")).values("at"))
    # What is left open is nobody's: whoever sweeps ends it.
    open_calls = all_of("Call").filter(ended_at=None, seen_at=None)
    open_calls.update(seen_at=Coalesce(last_at, F("started_at")))

    batch: list[uuid.UUID] = []
    while True:
        ids = all_of("Conversation").order_by("pk").values_list("pk", flat=True)
        batch = list((ids.filter(pk__gt=batch[-1]) if batch else ids)[:BATCH])
        if not batch:
            return
        for conversation_id, summary in _summaries(batch, all_of("Call"), all_of("Turn")).items():
            all_of("Conversation").filter(pk=conversation_id).update(**summary)


def _summaries(ids: list[uuid.UUID], calls: Any, turns: Any) -> dict[uuid.UUID, dict[str, Any]]:
    protocols: dict[uuid.UUID, str] = {}
    lasted: dict[uuid.UUID, int] = defaultdict(int)
    asked_calls = calls.filter(conversation__in=ids).order_by("started_at")
    for call in asked_calls.only("conversation_id", "protocol", "started_at", "ended_at"):
        protocols[call.conversation_id] = call.protocol
        if call.ended_at is not None:
            lasted[call.conversation_id] += lasted_ms(call.started_at, call.ended_at)
    timings: dict[uuid.UUID, list[Any]] = defaultdict(list)
    ratings: dict[uuid.UUID, list[int]] = defaultdict(list)
    said = turns.filter(conversation__in=ids, role="assistant").order_by("-seq")
    for turn in said.only("conversation_id", "reply_to_id", "timings", "rating").iterator():
        if turn.reply_to_id is not None:
            timings[turn.conversation_id].append(turn.timings)
        if turn.rating is not None:
            ratings[turn.conversation_id].append(turn.rating)
    return {
        id: {
            "protocol": protocols.get(id, ""),
            "duration_ms": lasted[id],
            "p95_ms": p95_to_answer_ms(timings[id][:MEASURED_REPLIES]),
            "liked_count": sum(rating > 0 for rating in ratings[id]),
            "disliked_count": sum(rating < 0 for rating in ratings[id]),
        }
        for id in ids
    }


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0005_review'),
    ]

    operations = [
        migrations.RunPython(summarise, migrations.RunPython.noop, elidable=True),
    ]
