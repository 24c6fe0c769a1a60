"""Conversations read from the database: as clients see them, and as dialogue engines do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from .live import History
from .models import AudioSegment, Conversation, Turn
from .stored import StoredAudio, StoredConversation, StoredTurn

HISTORY_TURNS = 40


def stored_turn(turn: Turn, sound: Iterable[AudioSegment] | None = None) -> StoredTurn:
    """A turn as clients see it. ``sound``: its segments in their order, where the caller has them.

    Otherwise ``turn.segments`` are read, and should be prefetched where there are many turns.
    """
    spoken = turn.heard_ms is not None
    return StoredTurn(
        id=str(turn.id),
        seq=turn.seq,
        rev=turn.rev,
        role=turn.role,
        kind=turn.kind,
        status=turn.status,
        text=turn.text,
        heard=turn.heard_text if spoken else None,
        heard_ms=turn.heard_ms,
        cards=tuple((turn.data or {}).get("propertyData", {}).get("cards", ())),
        error=turn.error,
        rating=turn.rating,
        client_id=turn.client_id,
        reply_to=str(turn.reply_to_id) if turn.reply_to_id else None,
        audio=tuple(
            StoredAudio(
                url=reverse("conversation-audio", args=[turn.conversation_id, segment.id]),
                start_ms=segment.start_ms,
                duration_ms=segment.duration_ms,
            )
            for segment in (turn.segments.all() if sound is None else sound)
        ),
        at=turn.created_at.isoformat(),
    )


def read_conversation(
    visible: QuerySet[Conversation], id: str, since_rev: int = 0, limit: int = 400
) -> StoredConversation | None:
    """A conversation among the ``visible`` ones and its turns with ``rev`` > ``since_rev``.

    Of more than ``limit`` such turns the newest come, oldest first. To whom has seen nothing yet
    (``since_rev`` 0), turns whose text has been deleted for its age are not shown.
    """
    conversation = visible.filter(pk=id).first()
    if conversation is None:
        return None
    changed = conversation.turns.filter(rev__gt=since_rev).prefetch_related("segments")
    if not since_rev and conversation.text_purged_at is not None:
        changed = changed.filter(created_at__gt=conversation.text_purged_at)
    newest = changed.order_by("-seq")[:limit]
    return StoredConversation(
        id=str(conversation.pk),
        rev=conversation.rev,
        turns=tuple(stored_turn(turn) for turn in reversed(newest)),
    )


def latest_turns(conversation_id: uuid.UUID, before_seq: int | None = None) -> list[Turn]:
    """The last turns, oldest first, with no more than what ``as_history`` reads."""
    turns = Turn.objects.filter(conversation=conversation_id)
    if before_seq is not None:
        turns = turns.filter(seq__lt=before_seq)
    latest = turns.only("role", "text", "heard_text", "heard_ms").order_by("-seq")[:HISTORY_TURNS]
    return list(reversed(latest))


def as_history(turns: list[Turn]) -> History:
    """What was said in ``turns``, as it was heard; of very many the last."""
    said: History = tuple(
        (
            "user" if turn.role == Turn.Role.USER else "assistant",
            turn.heard_text if turn.heard_ms is not None else turn.text,
        )
        for turn in turns[-HISTORY_TURNS:]
    )
    return tuple(one for one in said if one[1])
