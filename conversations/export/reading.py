"""Conversations from the database for an export: few queries, and little of it in memory.

Conversations come fifty at a time. Their turns come with them, a thousand at a time at most; of a
conversation that has more than that the turns are read in pages whenever they are asked for.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Count, F, Max, Model, QuerySet

from ..models import AudioSegment, Call, Conversation, Turn
from .kept import KeptCall, KeptConversation, KeptTurn
from .selection import Selection

M = TypeVar("M", bound=Model)

CONVERSATIONS_AT_ONCE = 50
TURNS_AT_ONCE = 1_000
ANY_CALL = KeptCall(-1, None)

# Where the last sound ends, in ms, of each call that has turns; None: of turns without a call.
SoundEnds = dict[uuid.UUID | None, int]


def kept_conversations(selection: Selection) -> Iterator[KeptConversation]:
    """Those of the selection that are still there."""
    for ids in selection.pages(CONVERSATIONS_AT_ONCE):
        rows = Conversation.objects.filter(pk__in=ids).order_by("pk")
        conversations = list(rows.select_related("person__user", "bot", "reviewed_by"))
        calls = _by(
            "conversation_id",
            Call.objects.filter(conversation__in=ids).order_by("started_at", "pk"),
        )
        tags = _tags(ids)
        turns = Turn.objects.filter(conversation__in=ids).order_by()
        counts = dict(turns.values_list("conversation").annotate(Count("pk")))
        for together in _grouped(conversations, counts):
            yield from _with_turns(together, calls, tags, counts)


def kept_conversation(conversation_id: uuid.UUID) -> KeptConversation | None:
    """One conversation, if it is there."""
    return next(kept_conversations(Selection([conversation_id])), None)


def _grouped(
    conversations: list[Conversation], counts: dict[uuid.UUID, int]
) -> Iterator[list[Conversation]]:
    """As many together as have ``TURNS_AT_ONCE`` turns; one that has more comes alone."""
    together: list[Conversation] = []
    turns = 0
    for conversation in conversations:
        count = counts.get(conversation.pk, 0)
        if together and turns + count > TURNS_AT_ONCE:
            yield together
            together, turns = [], 0
        together.append(conversation)
        turns += count
    if together:
        yield together


def _with_turns(
    conversations: list[Conversation],
    calls: dict[uuid.UUID, list[Call]],
    tags: dict[uuid.UUID, tuple[str, ...]],
    counts: dict[uuid.UUID, int],
) -> Iterator[KeptConversation]:
    first = conversations[0]
    if counts.get(first.pk, 0) > TURNS_AT_ONCE:
        numbered = _numbered(calls.get(first.pk, []), _sound_ends(first))
        turns_in_pages = _TurnsInPages(first.pk)
        yield KeptConversation(first, numbered, turns_in_pages, tags.get(first.pk, ()))
        return
    ids = [conversation.pk for conversation in conversations]
    turns: defaultdict[uuid.UUID, list[KeptTurn]] = defaultdict(list)
    rows = _turns().filter(conversation__in=ids).order_by("conversation", "seq")
    for kept in _with_segments(list(rows)):
        turns[kept.turn.conversation_id].append(kept)
    for conversation in conversations:
        own = turns.pop(conversation.pk, [])
        ends: SoundEnds = {}
        for kept in own:
            call = kept.turn.call_id
            lasts = (segment.start_ms + segment.duration_ms for segment in kept.segments)
            ends[call] = max(ends.get(call, 0), *lasts, 0)
        numbered = _numbered(calls.get(conversation.pk, []), ends)
        at_hand = _TurnsAtHand(own)
        yield KeptConversation(conversation, numbered, at_hand, tags.get(conversation.pk, ()))


def _sound_ends(conversation: Conversation) -> SoundEnds:
    last = Max(F("segments__start_ms") + F("segments__duration_ms"), default=0)
    turns = Turn.objects.filter(conversation=conversation).order_by()
    return dict(turns.values_list("call").annotate(last=last))


def _numbered(calls: list[Call], ends: SoundEnds) -> tuple[KeptCall, ...]:
    known = (KeptCall(number, call, ends.get(call.pk, 0)) for number, call in enumerate(calls, 1))
    return (*([KeptCall(0, None, ends[None])] if None in ends else []), *known)


@dataclass(frozen=True, slots=True)
class _TurnsAtHand:
    turns: list[KeptTurn]

    def __call__(self, call: KeptCall = ANY_CALL) -> Iterator[KeptTurn]:
        return (one for one in self.turns if call is ANY_CALL or one.turn.call_id == call.id)


@dataclass(frozen=True, slots=True)
class _TurnsInPages:
    conversation_id: uuid.UUID

    def __call__(self, call: KeptCall = ANY_CALL) -> Iterator[KeptTurn]:
        turns = _turns().filter(conversation=self.conversation_id).order_by("seq")
        if call is not ANY_CALL:
            turns = turns.filter(call=call.id)
        last = -1
        while page := list(turns.filter(seq__gt=last)[:TURNS_AT_ONCE]):
            yield from _with_segments(page)
            last = page[-1].seq


def _turns() -> QuerySet[Turn]:
    return Turn.objects.select_related("corrected_by")


def _tags(ids: list[uuid.UUID]) -> dict[uuid.UUID, tuple[str, ...]]:
    """The names of tags, sorted, of those conversations that have any."""
    rows = Conversation.tags.through.objects.filter(conversation__in=ids).order_by("tag__name")
    names: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for conversation, name in rows.values_list("conversation", "tag__name"):
        names[conversation].append(name)
    return {conversation: tuple(found) for conversation, found in names.items()}


def _with_segments(turns: list[Turn]) -> Iterator[KeptTurn]:
    # Peaks are drawn from the sound and can be drawn again. No prefetch_related here or above: it
    # makes rows that know each other, which stay in memory until the collector of cycles comes.
    segments = _by(
        "turn_id",
        AudioSegment.objects.filter(turn__in=[turn.pk for turn in turns])
        .defer("peaks")
        .order_by("start_ms", "pk"),
    )
    return (KeptTurn(turn, tuple(segments.get(turn.pk, ()))) for turn in turns)


def _by(name: str, rows: Iterable[M]) -> dict[uuid.UUID, list[M]]:
    found: defaultdict[uuid.UUID, list[M]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found
