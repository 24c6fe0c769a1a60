"""Streams by the ids that their clients chose: who holds which, and what was said in it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from .models import Stream, Turn
from .reading import stored_turn

ALIVE_S = 45.0
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """An id that is held. ``began_at`` tells it from one made later, when this had lapsed."""

    id: str
    began_at: datetime


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


def claim(id: str, owner: str, instance: str) -> Claim | None:
    """Take a free id. None: it is in use, by whomever."""
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
    if not Stream.objects.filter(over, pk=id).update(**fields):
        try:
            with transaction.atomic():
                Stream.objects.create(id=id, **fields)
        except IntegrityError:
            return None
    return Claim(id, now)


def note_conversation(claim: Claim, conversation: str) -> None:
    _claimed(claim).update(conversation=conversation)


def renew(instance: str, claims: Collection[Claim]) -> None:
    """They go on, but for those that another instance has claimed since."""
    until = timezone.now() + timedelta(seconds=ALIVE_S)
    ids = [claim.id for claim in claims]
    Stream.objects.filter(pk__in=ids, instance=instance, ended_at__isnull=True).update(
        alive_until=until
    )


def end(claim: Claim) -> None:
    """It is over. Nothing happens to a later stream under its id."""
    _claimed(claim).update(ended_at=timezone.now())


def _claimed(claim: Claim) -> QuerySet[Stream]:
    return Stream.objects.filter(pk=claim.id, began_at=claim.began_at)


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
