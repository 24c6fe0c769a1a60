"""What a process leaves behind that died, or whose disk was full: its replies and their sound."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from . import call_rows, reading, segments
from .lease import lapsed
from .models import Conversation, Turn
from .stored import StoredTurn
from .turn_rows import ENDED_FIELDS, interrupt, next_rev, save_conversation

log = logging.getLogger(__name__)


def end_expired(spool_directory: Path, but: Collection[str] = ()) -> list[tuple[str, StoredTurn]]:
    """End replies whose holder has died, as interrupted, with what sound is in the spool; then its calls.

    ``but`` are the ids of replies that are surely held. Returns every turn that changed with the id of its conversation: the replies, and before each
    the person's turn if sound of it was found too.
    """
    ended = []
    expired = Turn.objects.filter(lapsed(), status=Turn.Status.STREAMING)
    for conversation_id, turn_id in expired.exclude(pk__in=but).values_list(
        "conversation_id", "id"
    ):
        try:
            turns = _end_expired(conversation_id, turn_id, spool_directory)
        except Exception as error:  # one bad row must not keep the others waiting
            log.error("turn %s could not be ended: %s", turn_id, type(error).__name__)
        else:
            ended += [(str(conversation_id), turn) for turn in turns]
    for call_id, conversation_id in call_rows.lost_calls():
        try:
            call_rows.end_lost(call_id, conversation_id)
        except Exception as error:
            log.error("call %s could not be ended: %s", call_id, type(error).__name__)
    return ended


@transaction.atomic
def _end_expired(
    conversation_id: uuid.UUID, turn_id: uuid.UUID, spool_directory: Path
) -> list[StoredTurn]:
    # One that is locked is left to the next sweep: it must not keep the others waiting.
    own = Conversation.objects.select_for_update(skip_locked=True).filter(pk=conversation_id)
    conversation = own.first()
    if conversation is None:
        return []
    # Looked at again under the lock: its holder may have renewed it, or ended it.
    still = conversation.turns.filter(lapsed(), pk=turn_id, status=Turn.Status.STREAMING)
    free = still.select_for_update(skip_locked=True, of=("self",))
    turn = free.select_related("call", "reply_to__call").first()
    if turn is None:
        return []
    changed = [turn]
    segments.recover(conversation, turn, spool_directory)
    asked = turn.reply_to
    if asked is not None and segments.recover(conversation, asked, spool_directory):
        asked.rev = next_rev(conversation)
        asked.save(update_fields=["rev"])
        changed.insert(0, asked)
    interrupt(conversation, turn, error="instance_lost")
    turn.save(update_fields=ENDED_FIELDS)
    save_conversation(conversation)
    return [reading.stored_turn(one) for one in changed]


def is_sound_wanted(spool_directory: Path, turn_id: str) -> bool:
    """Whether sound that still lies in the spool belongs to a turn; if it can be stored, it is.

    So a disk that was full when a reply ended loses nothing once there is room again.
    """
    turn = (
        Turn.objects.select_related("call", "conversation").filter(pk=turn_id).first()
        if _is_uuid(turn_id)
        else None
    )
    if turn is None or not segments.is_recorded(turn) or is_too_old(turn):
        return False
    if not is_live(turn):
        _store_late(turn, spool_directory)
    return True


def is_live(turn: Turn) -> bool:
    """Whether the holder of a reply that streams is going to store what belongs to the turn."""
    held = Turn.objects.filter(Q(pk=turn.pk) | Q(reply_to=turn.pk), status=Turn.Status.STREAMING)
    return held.exists()


@transaction.atomic
def _store_late(turn: Turn, spool_directory: Path) -> None:
    conversation = Conversation.objects.select_for_update().get(pk=turn.conversation_id)
    if segments.recover(conversation, turn, spool_directory):
        turn.rev = next_rev(conversation)
        turn.save(update_fields=["rev"])
        save_conversation(conversation)


def is_too_old(turn: Turn) -> bool:
    """Whether all sound of its time has been deleted for its age."""
    purged_at = turn.conversation.sound_purged_at
    return purged_at is not None and turn.created_at <= purged_at


def _is_uuid(id: str) -> bool:
    try:
        uuid.UUID(id)
    except ValueError:
        return False
    return True
