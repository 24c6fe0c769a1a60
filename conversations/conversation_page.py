"""A conversation as reviewers read it: a page of its turns, under the calls in which they were said.

The number of queries does not depend on how much was said.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.db.models import F, Max, Prefetch, Q, QuerySet

from .export import as_wav
from .models import AudioSegment, Call, Conversation, Turn
from .turn_link import TURNS_PER_PAGE


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns that follow each other in one call.

    ``number`` is the call's in the conversation, from 1. ``sound_ms``: how long its timeline is, if
    there is sound in it that can be played; the first of its stretches on the page has the player.
    """

    call: Call | None
    number: int
    turns: tuple[Turn, ...]
    sound_ms: int = 0
    has_player: bool = False


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """``page`` counts turns; ``stretches`` hold those on it."""

    page: Page[Turn]
    stretches: tuple[Stretch, ...]


def conversation_page(
    conversation: Conversation, number: str | None, *, may_hear: bool
) -> ConversationPage:
    """Page ``number`` of the turns; the nearest that there is, if there is no such page."""
    turns = _shown_turns(conversation, may_hear=may_hear)
    page = Paginator(turns, TURNS_PER_PAGE).get_page(number)
    return ConversationPage(page, tuple(_stretches(conversation, page, may_hear=may_hear)))


def changed_since(conversation: Conversation, rev: int, *, may_hear: bool) -> tuple[Stretch, ...]:
    """Each turn that changed after ``rev``, and one that is being written, in a stretch of its own.

    Of more than a page of turns the newest, and one more than fits.
    """
    changed = Q(rev__gt=rev) | Q(status=Turn.Status.STREAMING)
    turns = _shown_turns(conversation, may_hear=may_hear).filter(changed).reverse()
    newest = reversed(turns[: TURNS_PER_PAGE + 1])
    return tuple(
        replace(stretch, turns=(turn,), has_player=False)
        for stretch in _stretches(conversation, newest, may_hear=may_hear)
        for turn in stretch.turns
    )


def _shown_turns(conversation: Conversation, *, may_hear: bool) -> QuerySet[Turn]:
    turns = conversation.turns.order_by("seq").select_related("call", "corrected_by")
    if not may_hear:
        return turns
    segments = AudioSegment.objects.defer("peaks").order_by("start_ms", "pk")
    return turns.prefetch_related(Prefetch("segments", queryset=segments))


def _stretches(
    conversation: Conversation, turns: Iterable[Turn], *, may_hear: bool
) -> Iterator[Stretch]:
    calls = conversation.calls.order_by("started_at", "pk").values_list("pk", flat=True)
    numbers = {call: number for number, call in enumerate(calls, 1)}
    together = [(call, tuple(said)) for call, said in groupby(turns, key=lambda turn: turn.call)]
    on_page = {call.pk for call, _said in together if call is not None}
    lengths = _lengths(on_page) if may_hear else {}
    for call, said in together:
        if call is None:
            yield Stretch(None, 0, said)
            continue
        sound_ms = lengths.get(call.pk, 0)
        has_player = sound_ms > 0 and call.pk in on_page
        on_page.discard(call.pk)
        yield Stretch(call, numbers[call.pk], said, sound_ms, has_player)


def _lengths(calls: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Where the last sound of each call ends, in ms, of those that can be played as a whole."""
    segments = AudioSegment.objects.filter(turn__call__in=calls).order_by()
    end = Max(F("start_ms") + F("duration_ms"))
    ends = segments.values_list("turn__call").annotate(end=end)
    return {call: end for call, end in ends if as_wav.fits(end)}
