"""Sound that gets its rows after its turn has ended, because its store is far away."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from . import media, reading, segments
from .leftovers import is_live, is_too_old
from .live import Recording
from .models import AudioSegment, Conversation, Turn
from .stored import StoredTurn
from .turn_rows import next_rev, save_conversation
from .uploads import Upload


def add(conversation_id: uuid.UUID, recordings: Sequence[Recording]) -> list[StoredTurn]:
    """Give uploaded sound its rows; returns the turns that changed.

    What may not be kept any more (its turn was deleted, is too old, or its call is not recorded) goes
    from the store and the spool. Raises OSError, as the store does.
    """
    changed, unwanted = _add(conversation_id, recordings)
    for recording in unwanted:
        segment_id = segments.id_of(recording.file)
        media.delete(media.key_for(conversation_id, segment_id, "wav"))
        recording.file.path.unlink(missing_ok=True)
    return changed


@transaction.atomic
def _add(
    conversation_id: uuid.UUID, recordings: Sequence[Recording]
) -> tuple[list[StoredTurn], list[Recording]]:
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
    if conversation is None:
        return [], list(recordings)
    ids = {recording.file.turn_id for recording in recordings}
    turns = {
        str(turn.pk): turn
        for turn in conversation.turns.select_related("call", "conversation").filter(pk__in=ids)
        if segments.is_recorded(turn) and not is_too_old(turn)
    }
    wanted = [one for one in recordings if one.file.turn_id in turns]
    stored = list(AudioSegment.objects.filter(turn__in=turns.values()))
    added = segments.add(conversation, wanted, [one.pk for one in stored], is_uploaded=True)
    changed = []
    for turn in sorted(turns.values(), key=lambda turn: turn.seq):
        if any(segment.turn_id == turn.pk for segment in added):
            turn.rev = next_rev(conversation)
            turn.save(update_fields=["rev"])
            sound = [one for one in (*stored, *added) if one.turn_id == turn.pk]
            sound.sort(key=lambda segment: segment.start_ms)
            changed.append(reading.stored_turn(turn, sound))
    if added:
        save_conversation(conversation)
    return changed, [one for one in recordings if one.file.turn_id not in turns]


def left_of(turn_id: str, spool_directory: Path) -> Upload | None:
    """What lies in the spool of a turn that has ended; None if there is none that may be kept."""
    turn = Turn.objects.select_related("call", "conversation").filter(pk=turn_id).first()
    if turn is None or is_live(turn) or not segments.is_recorded(turn) or is_too_old(turn):
        return None
    left = segments.left_in_spool(turn, turn.segments.all(), spool_directory)
    return Upload(turn.conversation_id, left) if left else None
