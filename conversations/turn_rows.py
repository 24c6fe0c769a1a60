"""How rows of turns begin and end, and what that does to the row of their conversation.

Call these with the conversation's row locked; ``save_conversation`` then writes it, once.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils import timezone

from dialogue.stored import stored_shape

from .live import LiveCall
from .models import Conversation, Turn
from .stored import FinishedReply

# What ``fill`` and ``interrupt`` change in a row that is in the database.
ENDED_FIELDS = (
    "kind", "status", "text", "heard_text", "heard_ms", "data", "error", "timings", "engines",
    "finished_at", "lease_instance", "lease_until", "rev",
)  # fmt: skip
_LIVE_FIELDS = (
    "title", "rev", "next_seq", "answering", "turn_count", "interruption_count", "error_count",
    "audio_ms", "protocol", "liked_count", "disliked_count", "last_at",
)  # fmt: skip


def next_rev(conversation: Conversation) -> int:
    """The revision that the change of a turn gets."""
    conversation.rev += 1
    return conversation.rev


def append(conversation: Conversation, call: LiveCall, turn: Turn) -> None:
    """Give a new row its place at the end of the conversation; without a start it starts now."""
    turn.conversation = conversation
    turn.call_id = uuid.UUID(call.id)
    turn.seq = conversation.next_seq
    turn.rev = next_rev(conversation)
    turn.start_ms = max(0, _now_ms(call) if turn.start_ms is None else turn.start_ms)
    conversation.next_seq += 1
    conversation.turn_count += 1


def fill(turn: Turn, reply: FinishedReply) -> None:
    """Write down how a reply ended."""
    turn.kind = reply.kind
    turn.status = reply.status
    turn.text = reply.text
    turn.heard_text = reply.heard_text
    turn.heard_ms = reply.heard_ms
    turn.data = stored_shape(reply.kind, reply.text, reply.cards, reply.items)
    turn.error = reply.error
    turn.timings = reply.timings
    turn.engines = reply.engines
    turn.finished_at = timezone.now()
    turn.lease_until = None


def interrupt(conversation: Conversation, turn: Turn, error: str = "") -> None:
    """End a reply that its holder has not ended, with what is known of it."""
    turn.kind = turn.kind or Turn.Kind.GENERIC
    turn.data = turn.data or stored_shape(turn.kind, turn.text, (), ())
    turn.status = Turn.Status.INTERRUPTED
    turn.error = error
    turn.finished_at = timezone.now()
    turn.lease_until = None
    turn.rev = next_rev(conversation)
    conversation.answering = None
    conversation.interruption_count += 1
    conversation.error_count += bool(error)


def save_conversation(conversation: Conversation, last_at: datetime | None = None) -> None:
    """Write what changes while a conversation is live. ``last_at``: something was said then."""
    if last_at is not None:
        conversation.last_at = last_at
    conversation.save(update_fields=_LIVE_FIELDS)


def _now_ms(call: LiveCall) -> int:
    return round((timezone.now() - call.started_at).total_seconds() * 1000)
