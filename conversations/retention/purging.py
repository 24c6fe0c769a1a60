"""Deletes what is too old: the sound of conversations, and what was said in them.

Sound goes as rows and files. Text goes out of the rows, which stay: how many turns there were, how
long they took and how they ended is what an operator's statistics are made of, and says nothing of
what was said (docs/retention.md lists what goes). A conversation is marked with when that was done;
if somebody goes on with it, what is said then ages anew.

Some conversations at a time, each batch in one short transaction with their rows locked. So a purge
can be stopped and given again at any moment. ``rev`` rises by one for all turns that changed, as for
any change; nobody is told, because a conversation that is live is left alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from ..call_rows import live_conversations
from ..deletion import leave_spool, lock_segments
from ..models import AudioSegment, Call, Conversation, Turn
from ..turn_rows import next_rev
from . import scrubbing
from .ages import Kind

BATCH = 50
_MARKS = {Kind.SOUND: "sound_purged_at", Kind.TEXT: "text_purged_at"}


@dataclass(frozen=True, slots=True)
class Purged:
    """How much went. ``bytes`` are those of the files of ``segments``."""

    conversations: int = 0
    turns: int = 0
    segments: int = 0
    bytes: int = 0

    def __add__(self, other: Purged) -> Purged:
        return Purged(
            self.conversations + other.conversations,
            self.turns + other.turns,
            self.segments + other.segments,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of ``seen`` conversations; ``place`` is that of the last, to go on behind it."""

    purged: Purged
    seen: int
    place: tuple[datetime, uuid.UUID]


def due(kind: Kind, before: datetime) -> QuerySet[Conversation]:
    """What has seen its last turn ``before``, still has such a thing, and may be touched."""
    mark = _MARKS[kind]
    ripe = (
        _older(kind, before)
        .filter(Q(**{f"{mark}__isnull": True}) | Q(**{f"{mark}__lt": F("last_at")}))
        .filter(legal_hold=False, answering__isnull=True)
    )
    return ripe.exclude(pk__in=live_conversations())


def held(kind: Kind, before: datetime) -> QuerySet[Conversation]:
    """What is only kept because it is on legal hold."""
    return _older(kind, before).filter(legal_hold=True)


def _older(kind: Kind, before: datetime) -> QuerySet[Conversation]:
    older = Conversation.objects.filter(last_at__lt=before)
    return older.filter(audio_ms__gt=0) if kind is Kind.SOUND else older


def purge(
    kind: Kind, before: datetime, *, size: int = BATCH, is_rehearsal: bool = False
) -> Iterator[Batch]:
    """All that is due, ``size`` conversations at a time. A rehearsal only counts."""
    batch = purge_some(kind, before, size=size, is_rehearsal=is_rehearsal)
    while batch is not None:
        yield batch
        batch = purge_some(kind, before, size=size, after=batch.place, is_rehearsal=is_rehearsal)


def purge_some(
    kind: Kind,
    before: datetime,
    *,
    size: int = BATCH,
    after: tuple[datetime, uuid.UUID] | None = None,
    is_rehearsal: bool = False,
) -> Batch | None:
    """One batch, in one transaction; None: there is no more ``after`` that place."""
    ripe = due(kind, before)
    if after is not None:
        last_at, pk = after
        ripe = ripe.filter(Q(last_at__gt=last_at) | Q(last_at=last_at, pk__gt=pk))
    found = list(ripe.order_by("last_at", "pk").values_list("last_at", "pk")[:size])
    if not found:
        return None
    ids = [pk for _last_at, pk in found]
    if is_rehearsal:
        return Batch(_counted(kind, ids), len(found), found[-1])
    with transaction.atomic():
        # Asked again under the lock, for somebody may have gone on; in an order of its own, for others
        # lock several too.
        locked = due(kind, before).filter(pk__in=ids).order_by("pk")
        conversations = list(locked.select_for_update(of=("self",)))
        purge_these = _purge_sound if kind is Kind.SOUND else _purge_text
        purged = purge_these(conversations)
        transaction.on_commit(scrubbing.ask, robust=True)
    return Batch(purged, len(found), found[-1])


def _counted(kind: Kind, ids: list[uuid.UUID]) -> Purged:
    if kind is Kind.TEXT:
        return Purged(len(ids), Turn.objects.filter(conversation__in=ids).count())
    segments = AudioSegment.objects.filter(turn__conversation__in=ids).order_by()
    rows = list(segments.values_list("turn", "size"))
    return Purged(len(ids), len({turn for turn, _ in rows}), len(rows), sum(s for _, s in rows))


def _purge_sound(conversations: Sequence[Conversation]) -> Purged:
    ids = [conversation.pk for conversation in conversations]
    locked = lock_segments(ids)
    leave_spool(ids)
    sounding = Exists(AudioSegment.objects.filter(turn=OuterRef("pk")))
    turns = 0
    for conversation in conversations:
        own = Turn.objects.filter(sounding, conversation=conversation)
        turns += own.update(rev=next_rev(conversation))
        conversation.sound_purged_at = timezone.now()
        conversation.save(update_fields=["rev", "sound_purged_at"])
    # Their files go with the commit: deletion.py.
    AudioSegment.objects.filter(pk__in=[pk for pk, _size in locked]).delete()
    return Purged(len(ids), turns, len(locked), sum(size for _pk, size in locked))


def _purge_text(conversations: Sequence[Conversation]) -> Purged:
    turns = 0
    for conversation in conversations:
        # What a client calls its turns and its user is its own affair: it may be anything.
        turns += Turn.objects.filter(conversation=conversation).update(
            text="",
            heard_text="",
            corrected_text="",
            data=None,
            client_id=None,
            rev=next_rev(conversation),
        )
        Call.objects.filter(conversation=conversation).update(client_label="")
        conversation.title = conversation.note = ""
        conversation.text_purged_at = timezone.now()
        conversation.save(update_fields=["rev", "title", "note", "text_purged_at"])
    return Purged(len(conversations), turns)
