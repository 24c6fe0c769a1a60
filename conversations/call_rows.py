"""How rows of calls begin, are seen to go on, and end; and what that leaves in their conversation."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone

from .live import LiveCall
from .models import Call, Conversation, Turn
from .summaries import MEASURED_REPLIES, lasted_ms, p95_to_answer_ms

# A process tells so often which of its calls go on (one statement for all of them). Calls of which
# it has not told for three times as long are not live, and are ended by whoever sweeps.
SEEN_EVERY_S = 15.0
LOST_AFTER = timedelta(seconds=3 * SEEN_EVERY_S)


def _long_ago() -> Any:
    """By the clock of the database: those of processes may differ, and jump."""
    return ExpressionWrapper(Now() - Value(LOST_AFTER), output_field=DateTimeField())


def open_call(conversation: Conversation, call: LiveCall) -> None:
    """Write the row, and its protocol into the conversation's, which the caller saves."""
    row = Call(
        pk=uuid.UUID(call.id),
        conversation_id=uuid.UUID(call.conversation),
        protocol=call.protocol,
        instance=call.instance,
        client_label=call.client_label[:100],
        started_at=call.started_at,
        seen_at=Now(),
        recorded=call.recorded,
    )
    Call.objects.bulk_create([row], ignore_conflicts=True)
    conversation.protocol = call.protocol


def see_calls(calls: Collection[str]) -> None:
    """These go on now. One that was taken for lost does so again."""
    going_on = Q(ended_at=None) | Q(ended_at=F("seen_at"))
    Call.objects.filter(going_on, pk__in=calls).update(seen_at=Now(), ended_at=None)


def live_calls() -> QuerySet[Call]:
    """Those that go on now."""
    return Call.objects.filter(ended_at=None, seen_at__gte=_long_ago())


def live_conversations() -> QuerySet[Call, uuid.UUID]:
    """The ids of conversations that go on now, to look others up with."""
    return live_calls().order_by().values_list("conversation_id", flat=True)


def end_call(call: LiveCall, close_code: int | None) -> None:
    """Note when and how the socket closed; a call of which nothing was stored leaves nothing."""
    _end(
        uuid.UUID(call.conversation),
        Call.objects.filter(pk=call.id),
        ended_at=timezone.now(),
        close_code=close_code,
    )


def lost_calls() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The ids of calls whose process has died, each with that of its conversation."""
    lost = Call.objects.filter(ended_at=None, seen_at__lt=_long_ago())
    return list(lost.values_list("pk", "conversation_id"))


def end_lost(call_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """It lasted until it was seen last. Nobody knows how it was closed."""
    lost = Call.objects.filter(pk=call_id, ended_at=None, seen_at__lt=_long_ago())
    _end(conversation_id, lost, ended_at=F("seen_at"))


@transaction.atomic
def _end(
    conversation_id: uuid.UUID,
    calls: QuerySet[Call],
    *,
    ended_at: datetime | F,
    close_code: int | None = None,
) -> None:
    # Locked first, so that of two calls that end at once the second counts both.
    locked = Conversation.objects.select_for_update().filter(pk=conversation_id).values_list("pk")
    if not locked or not calls.update(ended_at=ended_at, close_code=close_code):
        return
    Conversation.objects.filter(pk=conversation_id).update(
        duration_ms=_duration_ms(conversation_id), p95_ms=_p95_ms(conversation_id)
    )


def _duration_ms(conversation_id: uuid.UUID) -> int:
    calls = Call.objects.filter(conversation=conversation_id)
    times = calls.values_list("started_at", "ended_at")
    return sum(lasted_ms(began, ended) for began, ended in times if ended is not None)


def _p95_ms(conversation_id: uuid.UUID) -> int | None:
    # What nobody asked for, such as a greeting, nobody waited for.
    replies = Turn.objects.filter(conversation=conversation_id, reply_to__isnull=False)
    latest = replies.order_by("-seq").values_list("timings", flat=True)[:MEASURED_REPLIES]
    return p95_to_answer_ms(latest)
