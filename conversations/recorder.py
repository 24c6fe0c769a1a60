"""The one door to the database while a call is live.

All functions are synchronous and short, run inside ``database.in_database``, and keep these laws:

* A conversation's row is locked while any of its turns changes, and its ``rev`` rises by one with
  each change; the changed turn carries that ``rev``.
* A user turn and the row of its reply (*streaming*) are written in one transaction, before anything
  is acknowledged. A turn with a client id that is known already is not written again.
* A streaming row is the lease of its reply. Only its holder (the process that wrote it) finishes
  it, once; a new turn in the conversation, from whichever socket, ends it as interrupted.
* Nothing exists before the first turn: a visitor who says nothing leaves no rows.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Person
from dialogue.models import Bot
from dialogue.stored import stored_shape

from . import media, reading, spool
from .models import AudioSegment, Call, Conversation, Turn
from .spool import SpoolFile
from .stored import FinishedReply, StoredTurn

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=6)
RENEW_S = 2.0
HISTORY_TURNS = 40
TITLE_CHARS = 60


class NotYours(Exception):
    """The conversation belongs to somebody else, or is gone."""


class UnknownTurn(Exception):
    """There is no such assistant turn in this conversation."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """What is known of a call before anything of it is stored.

    ``started_at`` is zero of its timeline; ``is_new``: the conversation is not in the database yet.
    """

    id: str
    conversation: str
    person: str
    bot_id: int
    language: str
    protocol: str
    instance: str
    started_at: datetime
    client_label: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """A spooled stretch of sound and where it starts on the call's timeline."""

    file: SpoolFile
    start_ms: int


@dataclass(frozen=True, slots=True)
class Greeting:
    """A greeting that was said before there was anything to store."""

    reply: FinishedReply
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """What ``begin_turn`` wrote or found. ``history`` is (role, text as heard), oldest first."""

    turn: str
    reply: str
    rev: int
    duplicate: bool
    changed: tuple[StoredTurn, ...] = ()
    history: tuple[tuple[Literal["user", "assistant"], str], ...] = ()
    taken_over: str | None = None


@transaction.atomic
def begin_turn(
    call: LiveCall,
    *,
    turn_id: str,
    reply_id: str,
    client_id: str | None,
    text: str,
    greeting: Greeting | None = None,
) -> BegunTurn:
    """Store a user turn and the streaming row of its reply. Raises ``NotYours``."""
    conversation = _lock_or_create(call)
    if client_id is not None:
        known = conversation.turns.filter(client_id=client_id).select_related("reply").first()
        if known is not None:
            return BegunTurn(str(known.id), str(known.reply.id), conversation.rev, duplicate=True)
    _open_call(call)
    changed = []
    taken_over = _end_streaming(conversation)
    if greeting is not None:
        turn = _add(conversation, call, greeting.reply.id, Turn.Role.ASSISTANT, Turn.Status.DONE)
        _fill(turn, greeting.reply)
        turn.save()
        _add_segment(conversation, turn, greeting.recording)
        changed.append(turn)
    history = _history(conversation)
    if not conversation.title:
        conversation.title = " ".join(text.split())[:TITLE_CHARS]
    user_turn = _add(conversation, call, turn_id, Turn.Role.USER, Turn.Status.DONE)
    user_turn.text = text
    user_turn.client_id = client_id
    user_turn.finished_at = user_turn.created_at
    user_turn.save(force_insert=True)
    reply = _add(conversation, call, reply_id, Turn.Role.ASSISTANT, Turn.Status.STREAMING)
    reply.reply_to = user_turn
    reply.lease_instance = call.instance
    reply.lease_until = timezone.now() + LEASE
    reply.save(force_insert=True)
    changed += [user_turn, reply]
    conversation.turn_count = F("turn_count") + len(changed)
    conversation.last_at = timezone.now()
    conversation.save()
    if taken_over is not None:
        changed.insert(0, taken_over)
    return BegunTurn(
        turn=turn_id,
        reply=reply_id,
        rev=reply.rev,
        duplicate=False,
        changed=tuple(reading.stored_turn(turn) for turn in changed),
        history=history,
        taken_over=str(taken_over.id) if taken_over is not None else None,
    )


@transaction.atomic
def write_conversation_data_into_database(
    call: LiveCall, reply: FinishedReply, recording: Recording | None = None
) -> StoredTurn:
    """Finish the streaming row of ``reply``; return it as it stands then. Raises ``NotYours``.

    Idempotent: only the holder of the lease writes, and once. Where a turn from elsewhere has ended
    the reply meanwhile, its holder still adds what was said and heard until then.
    """
    conversation = Conversation.objects.select_for_update().filter(pk=call.conversation).first()
    if conversation is None:
        raise NotYours(call.conversation)
    turn = conversation.turns.filter(pk=reply.id).first()
    if turn is None:
        raise NotYours(reply.id)
    fresh = turn.lease_instance == call.instance
    if fresh:
        ended_elsewhere = turn.status != Turn.Status.STREAMING
        _fill(turn, reply)
        if ended_elsewhere:
            turn.status = Turn.Status.INTERRUPTED
        else:
            conversation.interruption_count += turn.status == Turn.Status.INTERRUPTED
            conversation.error_count += bool(turn.error)
        turn.lease_instance = ""
    added = _add_segment(conversation, turn, recording)
    if fresh or added:
        turn.rev = _next_rev(conversation)
        turn.save()
        conversation.last_at = timezone.now()
        conversation.save()
    return reading.stored_turn(turn)


def renew_lease(call: LiveCall, reply_id: str, text: str) -> bool:
    """Keep the lease of a reply and note its text so far; False: somebody else has ended it.

    Leaves ``rev`` alone: who follows the reply gets its text by deltas, and its end by ``rev``.
    """
    held = Turn.objects.filter(
        pk=reply_id, status=Turn.Status.STREAMING, lease_instance=call.instance
    )
    return bool(held.update(lease_until=timezone.now() + LEASE, text=text))


@transaction.atomic
def rate(call: LiveCall, turn_id: str, value: int) -> StoredTurn:
    """Rate an assistant turn with 1 or -1, or take that back with 0. Raises ``UnknownTurn``."""
    conversation = Conversation.objects.select_for_update().filter(pk=call.conversation).first()
    turn = (
        conversation.turns.filter(pk=turn_id, role=Turn.Role.ASSISTANT).first()
        if conversation is not None and _is_uuid(turn_id)
        else None
    )
    if conversation is None or turn is None:
        raise UnknownTurn(turn_id)
    turn.rating = value or None
    turn.rev = _next_rev(conversation)
    turn.save()
    conversation.save()
    return reading.stored_turn(turn)


def end_call(call: LiveCall, close_code: int | None) -> None:
    """Note when and how the socket closed; a call of which nothing was stored leaves nothing."""
    Call.objects.filter(pk=call.id).update(ended_at=timezone.now(), close_code=close_code)


def end_expired(spool_directory: Path) -> list[tuple[str, StoredTurn]]:
    """End replies whose holder has died, as interrupted, with what sound is in the spool.

    Returns each with the id of its conversation.
    """
    ended = []
    expired = Turn.objects.filter(status=Turn.Status.STREAMING, lease_until__lt=timezone.now())
    for conversation_id, turn_id in expired.values_list("conversation_id", "id"):
        try:
            turn = _end_expired(conversation_id, turn_id, spool_directory)
        except Exception as error:  # one bad row must not keep the others waiting
            log.error("turn %s could not be ended: %s", turn_id, type(error).__name__)
        else:
            if turn is not None:
                ended.append((str(conversation_id), turn))
    return ended


@transaction.atomic
def _end_expired(
    conversation_id: uuid.UUID, turn_id: uuid.UUID, spool_directory: Path
) -> StoredTurn | None:
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    turn = conversation.turns.select_related("call").get(pk=turn_id)
    lapsed = turn.lease_until is not None and turn.lease_until < timezone.now()
    if turn.status != Turn.Status.STREAMING or not lapsed:
        return None
    _interrupt(conversation, turn, error="instance_lost")
    turn.save()
    for file in spool.recover(spool_directory, str(turn_id)):
        _add_segment(conversation, turn, Recording(file, turn.start_ms or 0))
    conversation.save()
    return reading.stored_turn(turn)


def is_sound_wanted(spool_directory: Path, turn_id: str) -> bool:
    """Whether sound that still lies in the spool belongs to a turn; if it can be stored, it is.

    So a disk that was full when a reply ended loses nothing once there is room again.
    """
    turn = Turn.objects.filter(pk=turn_id).first() if _is_uuid(turn_id) else None
    if turn is None or turn.segments.exists():
        return False
    if turn.status != Turn.Status.STREAMING:
        with transaction.atomic():
            conversation = Conversation.objects.select_for_update().get(pk=turn.conversation_id)
            for file in spool.recover(spool_directory, turn_id):
                _add_segment(conversation, turn, Recording(file, turn.start_ms or 0))
            conversation.save()
    return True


def _lock_or_create(call: LiveCall) -> Conversation:
    conversation = Conversation.objects.select_for_update().filter(pk=call.conversation).first()
    if conversation is None:
        if not call.is_new:
            raise NotYours(call.conversation)  # deleted meanwhile
        Person.objects.get_or_create(pk=call.person)
        conversation = Conversation.objects.create(
            pk=uuid.UUID(call.conversation),
            person_id=call.person,
            bot=Bot.objects.get(pk=call.bot_id),
            language=call.language,
        )
    return conversation


def _open_call(call: LiveCall) -> None:
    Call.objects.get_or_create(
        pk=call.id,
        defaults={
            "conversation_id": call.conversation,
            "protocol": call.protocol,
            "instance": call.instance,
            "client_label": call.client_label[:100],
            "started_at": call.started_at,
        },
    )


def _is_uuid(id: str) -> bool:
    try:
        uuid.UUID(id)
    except ValueError:
        return False
    return True


def _next_rev(conversation: Conversation) -> int:
    conversation.rev += 1
    return conversation.rev


def _add(
    conversation: Conversation, call: LiveCall, id: str, role: Turn.Role, status: Turn.Status
) -> Turn:
    last = conversation.turns.order_by("-seq").values_list("seq", flat=True).first()
    now = timezone.now()
    return Turn(
        id=id,
        conversation=conversation,
        call_id=call.id,
        seq=0 if last is None else last + 1,
        rev=_next_rev(conversation),
        role=role,
        status=status,
        start_ms=max(0, round((now - call.started_at).total_seconds() * 1000)),
        created_at=now,
    )


def _fill(turn: Turn, reply: FinishedReply) -> None:
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


def _end_streaming(conversation: Conversation) -> Turn | None:
    turn = conversation.turns.filter(status=Turn.Status.STREAMING).first()
    if turn is not None:
        _interrupt(conversation, turn)
        turn.save()
    return turn


def _interrupt(conversation: Conversation, turn: Turn, error: str = "") -> None:
    turn.kind = turn.kind or Turn.Kind.GENERIC
    turn.data = turn.data or stored_shape(turn.kind, turn.text, (), ())
    turn.status = Turn.Status.INTERRUPTED
    turn.error = error
    turn.finished_at = timezone.now()
    turn.lease_until = None
    turn.rev = _next_rev(conversation)
    conversation.interruption_count += 1
    conversation.error_count += bool(error)


def _add_segment(conversation: Conversation, turn: Turn, recording: Recording | None) -> bool:
    if recording is None or turn.segments.filter(track=recording.file.track).exists():
        return False
    # Told by turn and track, so that a second try finds the same place.
    segment_id = uuid.uuid5(uuid.UUID(str(turn.pk)), recording.file.track)
    try:
        key = media.adopt(recording.file, conversation.pk, segment_id)
    except OSError as error:
        # The turn counts more than its sound, which stays in the spool.
        log.warning("turn %s: its sound cannot be stored: %s", turn.pk, error)
        return False
    AudioSegment.objects.create(
        id=segment_id,
        turn=turn,
        track=recording.file.track,
        start_ms=recording.start_ms,
        duration_ms=recording.file.duration_ms,
        key=key,
        codec="wav",
        size=recording.file.size,
    )
    conversation.audio_ms += recording.file.duration_ms
    return True


def _history(
    conversation: Conversation,
) -> tuple[tuple[Literal["user", "assistant"], str], ...]:
    turns = conversation.turns.order_by("-seq")[:HISTORY_TURNS]
    history: list[tuple[Literal["user", "assistant"], str]] = [
        (
            "user" if turn.role == Turn.Role.USER else "assistant",
            turn.heard_text if turn.heard_ms is not None else turn.text,
        )
        for turn in turns
    ]
    return tuple(said for said in reversed(history) if said[1])
