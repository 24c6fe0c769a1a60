"""Deletes many conversations, as when somebody wants all of their own gone.

What is on legal hold stays, and is marked as what the person asked to have deleted: it goes when the
hold ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from ..deletion import delete_conversations
from ..models import Conversation

BATCH = 20


@dataclass(frozen=True, slots=True)
class Erased:
    """How many conversations are gone, and how many stay because they are on legal hold."""

    gone: int
    held: int


def erase(
    conversations: QuerySet[Conversation],
    on_step: Callable[[int], bool] = lambda _count: True,
    *,
    is_wish: bool = True,
) -> Erased:
    """Delete all of these, also what is added meanwhile, some in each transaction.

    ``on_step`` is told how many more are gone, and says whether to go on; what is left can be deleted
    by another call. ``is_wish``: the person wants it, also of what is on legal hold.
    """
    gone = 0
    while True:
        some = conversations.filter(legal_hold=False).order_by("pk")
        ids = list(some.values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        count = delete_conversations(Conversation.objects.filter(pk__in=ids))
        gone += count
        if not on_step(count):
            break
    held = conversations.filter(legal_hold=True)
    if is_wish:
        held.filter(erasure_asked_at__isnull=True).update(erasure_asked_at=timezone.now())
    return Erased(gone, held.count())
