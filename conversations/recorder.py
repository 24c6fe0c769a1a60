"""The one door to the database while a call is live.

All functions are synchronous and short, run inside ``database.in_database``, and keep these laws:

* A conversation's row is locked while any of its turns changes, and its ``rev`` rises by one with
  each change; the changed turn carries that ``rev``.
* A user turn and the row of its reply (*streaming*) are written in one transaction, before anything
  is acknowledged. A turn with a client id that is known already is not written again.
* A streaming row is the lease of its reply. Only its holder (the process that wrote it) finishes
  it, once; a new turn in the conversation, from whichever socket, ends it as interrupted.
* Until a reply is finished, no sound of it nor of the turn it answers is stored.
* Of a call that is not recorded no sound is stored, whatever is handed in.
* Nothing exists before the first turn: a visitor who says nothing leaves no rows.

A spoken turn is one ``begin_turn`` and one ``write_conversation_data_into_database``, of few
statements each: what is known under the lock (the next position, the reply that streams) stands in
the conversation's row and is not asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.utils import timezone

from accounts.models import Person

from . import by_key, reading, segments
from .call_rows import SEEN_EVERY_S, end_call, open_call, see_calls
from .lease import lease_end
from .leftovers import end_expired, is_sound_wanted
from .live import BegunTurn, History, LiveCall, NotYours, Recording, SaidBefore, UnknownTurn
from .models import AudioSegment, Call, Conversation, Turn
from .stored import FinishedReply, StoredTurn
from .turn_rows import ENDED_FIELDS, append, fill, interrupt, next_rev, save_conversation

__all__ = [
    "SEEN_EVERY_S",
    "BegunTurn",
    "History",
    "LiveCall",
    "NotYours",
    "Recording",
    "SaidBefore",
    "UnknownTurn",
    "begin_turn",
    "change_recording",
    "end_call",
    "end_expired",
    "history",
    "is_sound_wanted",
    "keep_unasked",
    "rate",
    "renew_lease",
    "renew_leases",
    "see_calls",
    "write_conversation_data_into_database",
]

TITLE_CHARS = 60


def begin_turn(
    call: LiveCall,
    *,
    turn_id: str,
    reply_id: str,
    client_id: str | None,
    text: str,
    said_before: tuple[SaidBefore, ...] = (),
    start_ms: int | None = None,
    timings: dict[str, float] | None = None,
    engines: dict[str, str] | None = None,
    data: dict[str, Any] | None = None,
    want_history: bool = True,
) -> BegunTurn:
    """Store a user turn and the streaming row of its reply. Raises ``NotYours``.

    ``start_ms`` is where the turn starts in the call (None: now); ``timings`` (ms since the true end
    of speech), ``engines`` and ``data`` go into its row. ``said_before`` is stored before it.

    May be called again with the same ids where it failed: a connection that broke may have
    committed all the same. A turn of the same ``client_id`` that is there already is found, and
    nothing is stored.
    """
    user_turn = Turn(
        id=uuid.UUID(turn_id),
        role=Turn.Role.USER,
        status=Turn.Status.DONE,
        text=text,
        client_id=client_id,
        timings=timings or {},
        engines=engines or {},
        data=data,
        start_ms=start_ms,
    )
    try:
        return _begin(call, user_turn, reply_id, said_before, want_history)
    except IntegrityError:
        # Twice is seldom, so that it is the database that notices.
        begun = _begun_before(call, user_turn, want_history)
        if begun is None:
            raise
        return begun


@transaction.atomic
def _begin(
    call: LiveCall,
    user_turn: Turn,
    reply_id: str,
    said_before: tuple[SaidBefore, ...],
    want_history: bool,
) -> BegunTurn:
    conversation = _locked(call) or _created(call)
    if not call.is_open:
        open_call(conversation, call)
    taken_over = _end_streaming(conversation)
    told = reading.latest_turns(conversation.pk) if want_history and conversation.next_seq else []
    unasked, recordings = _unasked(conversation, call, said_before)
    append(conversation, call, user_turn)
    reply = Turn(
        id=uuid.UUID(reply_id),
        role=Turn.Role.ASSISTANT,
        status=Turn.Status.STREAMING,
        reply_to_id=user_turn.pk,
        lease_instance=call.instance,
    )
    append(conversation, call, reply)
    now = user_turn.finished_at = timezone.now()
    reply.lease_until = lease_end()
    written = [*unasked, user_turn, reply]
    Turn.objects.bulk_create(written)
    sound = _add_sound(conversation, call, recordings)
    conversation.answering = reply.pk
    if not conversation.title:
        conversation.title = " ".join(user_turn.text.split())[:TITLE_CHARS]
    save_conversation(conversation, last_at=now)
    changed = [_as_stored(turn, sound) for turn in written]
    if taken_over is not None:
        changed.insert(0, reading.stored_turn(taken_over))
    return BegunTurn(
        turn=str(user_turn.pk),
        reply=reply_id,
        rev=reply.rev,
        duplicate=False,
        changed=tuple(changed),
        history=reading.as_history([*told, *unasked]) if want_history else (),
        taken_over=str(taken_over.pk) if taken_over is not None else None,
    )


def _begun_before(call: LiveCall, user_turn: Turn, want_history: bool) -> BegunTurn | None:
    same = Q(pk=user_turn.pk)
    if user_turn.client_id is not None:
        same |= Q(client_id=user_turn.client_id)
    stored = Turn.objects.filter(same, conversation=uuid.UUID(call.conversation))
    known = stored.select_related("reply", "conversation").first()
    if known is None:
        return None
    if known.pk != user_turn.pk or known.reply.status != Turn.Status.STREAMING:
        rev = known.conversation.rev
        return BegunTurn(str(known.pk), str(known.reply.pk), rev, duplicate=True)
    told = reading.latest_turns(known.conversation_id, before_seq=known.seq) if want_history else []
    return BegunTurn(
        turn=str(known.pk),
        reply=str(known.reply.pk),
        rev=known.reply.rev,
        duplicate=False,
        changed=(reading.stored_turn(known), reading.stored_turn(known.reply)),
        history=reading.as_history(told),
    )


@transaction.atomic
def write_conversation_data_into_database(
    call: LiveCall, reply: FinishedReply, recordings: tuple[Recording, ...] = ()
) -> tuple[StoredTurn, ...]:
    """Finish the streaming row of ``reply`` and store sound of it and of the turn it answers.

    Returns the turns that changed, as they stand then; the reply's comes last, changed or not.
    Raises ``NotYours`` if there is no such reply, or sound is of neither turn.

    Idempotent: only the holder of the lease writes, and once; sound that is stored already is not
    stored again. Where a turn from elsewhere has ended the reply meanwhile, its holder still adds
    what was said and heard until then.
    """
    conversation = _locked(call)
    if conversation is None:
        raise NotYours(call.conversation)
    turn, asked = _reply_and_question(conversation, reply.id, recordings)
    fresh = turn.lease_instance == call.instance
    is_first = fresh and turn.status == Turn.Status.STREAMING
    if fresh:
        _finish(conversation, turn, reply)
    turns = [turn] if asked is None else [asked, turn]
    known: list[AudioSegment] = []
    if not is_first:  # else, by law, there is no sound yet
        known = list(AudioSegment.objects.filter(turn__in=turns))
    added = _add_sound(conversation, call, recordings, known)
    sounding = {segment.turn_id for segment in added}
    changed = [asked] if asked is not None and asked.pk in sounding else []
    if changed:
        changed[0].rev = next_rev(conversation)
        changed[0].save(update_fields=["rev"])
    if fresh or turn.pk in sounding:
        turn.rev = next_rev(conversation)
        turn.save(update_fields=ENDED_FIELDS)
    if fresh or added:
        save_conversation(conversation, last_at=timezone.now())
    return tuple(_as_stored(one, [*known, *added]) for one in (*changed, turn))


@transaction.atomic
def keep_unasked(call: LiveCall, said: tuple[SaidBefore, ...]) -> tuple[StoredTurn, ...]:
    """Store what the bot said after the last turn without being asked; returns its turns.

    Where nothing was ever stored, or all was deleted, nothing is: its sound stays in the spool. What
    is stored already is left as it is.
    """
    conversation = _locked(call)
    if conversation is None:
        return ()
    turns, recordings = _unasked(conversation, call, said)
    if not turns:
        return ()
    if not call.is_open:
        open_call(conversation, call)
    Turn.objects.bulk_create(turns)
    sound = _add_sound(conversation, call, recordings)
    save_conversation(conversation, last_at=timezone.now())
    return tuple(_as_stored(turn, sound) for turn in turns)


def history(call: LiveCall) -> History:
    """What has been said in the conversation so far; empty for a new one."""
    return (
        ()
        if call.is_new
        else reading.as_history(reading.latest_turns(uuid.UUID(call.conversation)))
    )


def renew_lease(call: LiveCall, reply_id: str, text: str) -> bool:
    """Keep the lease of a reply and note its text so far; False: somebody else has ended it.

    Leaves ``rev`` alone: who follows the reply gets its text by deltas, and its end by ``rev``.
    """
    held = Turn.objects.filter(
        pk=reply_id, status=Turn.Status.STREAMING, lease_instance=call.instance
    )
    return bool(held.update(lease_until=lease_end(), text=text))


@transaction.atomic
def renew_leases(instance: str, texts: Mapping[str, str]) -> set[str]:
    """Keep the leases of replies and note their texts so far, both by their ids.

    Returns those that ``instance`` still holds; the others somebody else has ended.
    """
    streaming = Turn.objects.filter(status=Turn.Status.STREAMING, lease_instance=instance)
    held = {str(pk) for pk in streaming.filter(pk__in=list(texts)).values_list("pk", flat=True)}
    # Whoever is kept waiting with one of them must not let all the others lapse.
    free = streaming.filter(pk__in=held).select_for_update(skip_locked=True)
    renewed = {str(pk) for pk in free.values_list("pk", flat=True)}
    if renewed:
        noted = [When(pk=reply, then=Value(texts[reply])) for reply in sorted(renewed)]
        Turn.objects.filter(pk__in=renewed).update(
            lease_until=lease_end(),
            text=Case(*noted, default=F("text"), output_field=TextField()),
        )
    return held


@transaction.atomic
def rate(call: LiveCall, turn_id: str, value: int) -> StoredTurn:
    """Rate an assistant turn with 1 or -1, or take that back with 0. Raises ``UnknownTurn``."""
    conversation = _locked(call)
    turn = (
        conversation.turns.filter(pk=turn_id, role=Turn.Role.ASSISTANT).first()
        if conversation is not None and _is_uuid(turn_id)
        else None
    )
    if conversation is None or turn is None:
        raise UnknownTurn(turn_id)
    conversation.liked_count += (value > 0) - ((turn.rating or 0) > 0)
    conversation.disliked_count += (value < 0) - ((turn.rating or 0) < 0)
    turn.rating = value or None
    turn.rev = next_rev(conversation)
    turn.save(update_fields=["rating", "rev"])
    save_conversation(conversation)
    return reading.stored_turn(turn)


def change_recording(call: LiveCall) -> None:
    """Note that the person allowed or forbade in the middle of the call that its sound is kept."""
    Call.objects.filter(pk=call.id).update(recorded=call.recorded)


def _locked(call: LiveCall) -> Conversation | None:
    return next(iter(by_key.rows(Conversation, [call.conversation], lock=True)), None)


def _created(call: LiveCall) -> Conversation:
    if not call.is_new:
        raise NotYours(call.conversation)  # deleted meanwhile
    Person.objects.bulk_create([Person(pk=uuid.UUID(call.person))], ignore_conflicts=True)
    return Conversation.objects.create(
        pk=uuid.UUID(call.conversation),
        person_id=uuid.UUID(call.person),
        bot_id=call.bot_id,
        language=call.language,
    )


def _end_streaming(conversation: Conversation) -> Turn | None:
    if conversation.answering is None:
        return None
    turn = conversation.turns.get(pk=conversation.answering)
    interrupt(conversation, turn)
    turn.save(update_fields=ENDED_FIELDS)
    return turn


def _unasked(
    conversation: Conversation, call: LiveCall, said: tuple[SaidBefore, ...]
) -> tuple[list[Turn], list[Recording]]:
    """Rows, not saved yet, for what the bot said and is not stored yet; and their sound."""
    if not said:
        return [], []
    stored = {str(turn.pk) for turn in by_key.rows(Turn, [one.reply.id for one in said])}
    turns: list[Turn] = []
    recordings: list[Recording] = []
    for one in said:
        if one.reply.id in stored:
            continue
        start_ms = min((recording.start_ms for recording in one.recordings), default=None)
        turn = Turn(id=uuid.UUID(one.reply.id), role=Turn.Role.ASSISTANT, start_ms=start_ms)
        fill(turn, one.reply)
        append(conversation, call, turn)
        turns.append(turn)
        recordings += one.recordings
    return turns, recordings


def _reply_and_question(
    conversation: Conversation, reply_id: str, recordings: Iterable[Recording]
) -> tuple[Turn, Turn | None]:
    """The reply's row; and the row of what it answers, if there is sound of that."""
    sounding = {recording.file.turn_id for recording in recordings} - {reply_id}
    turns = by_key.rows(Turn, [reply_id, *sounding])
    found = {str(turn.pk): turn for turn in turns if turn.conversation_id == conversation.pk}
    if reply_id not in found:
        raise NotYours(reply_id)
    turn = found[reply_id]
    asked = found.get(str(turn.reply_to_id))
    if strange := sounding - {str(turn.reply_to_id)} or sounding - found.keys():
        raise NotYours(next(iter(strange)))
    return turn, asked


def _finish(conversation: Conversation, turn: Turn, reply: FinishedReply) -> None:
    ended_elsewhere = turn.status != Turn.Status.STREAMING
    fill(turn, reply)
    turn.lease_instance = ""
    if ended_elsewhere:
        turn.status = Turn.Status.INTERRUPTED
        return
    conversation.answering = None
    conversation.interruption_count += turn.status == Turn.Status.INTERRUPTED
    conversation.error_count += bool(turn.error)


def _add_sound(
    conversation: Conversation,
    call: LiveCall,
    recordings: Iterable[Recording],
    known: Iterable[AudioSegment] = (),
) -> list[AudioSegment]:
    if not call.recorded:
        segments.forget(recordings)
        return []
    return segments.add(conversation, recordings, [segment.pk for segment in known])


def _as_stored(turn: Turn, sound: Iterable[AudioSegment]) -> StoredTurn:
    own = [segment for segment in sound if segment.turn_id == turn.pk]
    return reading.stored_turn(turn, sorted(own, key=lambda segment: segment.start_ms))


def _is_uuid(id: str) -> bool:
    try:
        uuid.UUID(id)
    except ValueError:
        return False
    return True
