"""The sound of turns: from the spool into the store and the database.

Call these in a transaction, with the conversation's row locked. A segment's id is told by its turn,
track and part, so that a second try finds the same place. What is stored leaves the spool with the
commit; what the store refuses stays there and is tried again by the sweeper (``leftovers.py``).

A store that is asked over the network is not asked here, with the row locked: the sound is handed to
the uploader (``uploader.py``) with the commit, and gets its rows when it is there.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path

from . import media, spool, uploads
from .live import Recording
from .models import AudioSegment, Conversation, Turn
from .spool import SpoolFile

log = logging.getLogger(__name__)


def add(
    conversation: Conversation,
    recordings: Iterable[Recording],
    known: Collection[uuid.UUID] = (),
    *,
    is_uploaded: bool = False,
) -> list[AudioSegment]:
    """Store sound of turns of ``conversation``; ``known`` are ids of segments that are there.

    Returns what is new. ``conversation.audio_ms`` grows; its row is the caller's to save.
    ``is_uploaded``: its files are in the store already.
    """
    if media.is_elsewhere() and not is_uploaded:
        uploads.hand_over(
            conversation.pk, [one for one in recordings if id_of(one.file) not in known]
        )
        return []
    added = []
    for recording in recordings:
        segment_id = id_of(recording.file)
        if segment_id in known:
            media.leave_spool(recording.file)
            continue
        try:
            if is_uploaded:
                key = media.key_for(conversation.pk, segment_id, "wav")
                media.leave_spool(recording.file)
            else:
                key = media.adopt(recording.file, conversation.pk, segment_id)
        except OSError as error:
            # The turn counts more than its sound, which stays in the spool.
            log.warning("turn %s: sound cannot be stored: %s", recording.file.turn_id, error)
            continue
        added.append(_segment(segment_id, recording, key))
        conversation.audio_ms += recording.file.duration_ms
    if added:
        AudioSegment.objects.bulk_create(added)
    return added


def recover(conversation: Conversation, turn: Turn, spool_directory: Path) -> list[AudioSegment]:
    """Store what lies in the spool of a turn that nobody writes to any more; returns what is new.

    Where it belongs on the timeline went with its process: a first part is put where the turn
    starts, a later one behind the one before.
    """
    if not is_recorded(turn):
        return []
    stored = list(turn.segments.all())
    recordings = left_in_spool(turn, stored, spool_directory)
    return add(conversation, recordings, [segment.pk for segment in stored])


def left_in_spool(
    turn: Turn, stored: Iterable[AudioSegment], spool_directory: Path
) -> list[Recording]:
    """What lies in the spool of a turn that nobody writes to any more; ``stored`` is kept already."""
    ends: dict[str, int] = {}
    for segment in stored:
        ends[segment.track] = max(
            ends.get(segment.track, 0), segment.start_ms + segment.duration_ms
        )
    recordings = []
    for file in spool.recover(spool_directory, str(turn.pk)):
        start_ms = ends.get(file.track, turn.start_ms or 0)
        ends[file.track] = start_ms + file.duration_ms
        recordings.append(Recording(file, start_ms))
    return recordings


def is_recorded(turn: Turn) -> bool:
    """Whether the sound of the turn's call may be kept."""
    return turn.call is None or turn.call.recorded


def id_of(file: SpoolFile) -> uuid.UUID:
    """The id of the segment that this sound is stored as."""
    return uuid.uuid5(uuid.UUID(file.turn_id), f"{file.track}-{file.part}")


def _segment(segment_id: uuid.UUID, recording: Recording, key: str) -> AudioSegment:
    file = recording.file
    return AudioSegment(
        id=segment_id,
        turn_id=uuid.UUID(file.turn_id),
        track=file.track,
        start_ms=max(0, recording.start_ms),
        duration_ms=file.duration_ms,
        key=key,
        codec="wav",
        size=file.size,
    )


def forget(recordings: Iterable[Recording]) -> None:
    """Remove sound that may not be kept, with the commit."""
    for recording in recordings:
        media.leave_spool(recording.file)
