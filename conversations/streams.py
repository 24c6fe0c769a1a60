"""Streams by the ids that their clients chose: who holds which, and what was said in it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from .models import Stream, Turn
from .reading import stored_turn

ALIVE_S = 45.0
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    owner: str
    conversation: uuid.UUID | None
    is_live: bool


@dataclass(frozen=True, slots=True)
class Output:
    """What one side said: ``cards`` are empty unless some were shown."""

    seq: int
    role: str
    content: str
    cards: tuple[dict[str, Any], ...]


def claim(id: str, owner: str, instance: str) -> bool:
    """Take a free id. False: it is in use, by whomever."""
    now = timezone.now()
    Stream.objects.filter(alive_until__lt=now - FORGOTTEN_AFTER).delete()
    fields = {
        "owner": owner,
        "conversation": None,
        "instance": instance,
        "began_at": now,
        "alive_until": now + timedelta(seconds=ALIVE_S),
        "ended_at": None,
    }
    over = Q(ended_at__isnull=False) | Q(alive_until__lt=now)
    if Stream.objects.filter(over, pk=id).update(**fields):
        return True
    try:
        with transaction.atomic():
            Stream.objects.create(id=id, **fields)
    except IntegrityError:
        return False
    return True


def note_conversation(id: str, conversation: str) -> None:
    Stream.objects.filter(pk=id).update(conversation=conversation)


def renew(ids: Collection[str]) -> None:
    """They go on."""
    until = timezone.now() + timedelta(seconds=ALIVE_S)
    Stream.objects.filter(pk__in=ids, ended_at__isnull=True).update(alive_until=until)


def end(id: str) -> None:
    Stream.objects.filter(pk=id).update(ended_at=timezone.now())


def find(id: str) -> Found | None:
    stream = Stream.objects.filter(pk=id).first()
    if stream is None:
        return None
    return Found(stream.owner, stream.conversation, _is_live(stream, timezone.now()))


def _is_live(stream: Stream, now: datetime) -> bool:
    return stream.ended_at is None and stream.alive_until >= now


def outputs_after(conversation: uuid.UUID, seq: int) -> list[Output]:
    """What was said after the turn at ``seq``, in order, up to a reply that is still being said."""
    outputs = []
    for turn in Turn.objects.filter(conversation=conversation, seq__gt=seq).order_by("seq"):
        if turn.status == Turn.Status.STREAMING:
            break
        stored = stored_turn(turn, sound=())
        outputs.append(Output(stored.seq, stored.role, stored.text, stored.cards))
    return outputs
