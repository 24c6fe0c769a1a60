"""Where a turn stands in the admin: on which page of its conversation's transcript."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from .models import Turn

TURNS_PER_PAGE = 200


def turn_links(turns: Sequence[Turn]) -> dict[uuid.UUID, str]:
    """The address of each of these in the admin, by its id. One query at most."""
    # As long as none is missing, a turn stands where its position says; never further on.
    further_on = [turn.pk for turn in turns if turn.seq >= TURNS_PER_PAGE]
    places: dict[uuid.UUID, int] = {}
    if further_on:
        earlier = Turn.objects.filter(
            conversation=OuterRef("conversation"), seq__lt=OuterRef("seq")
        ).order_by()
        counted = earlier.values("conversation").annotate(count=Count("pk")).values("count")
        rows = Turn.objects.filter(pk__in=further_on).annotate(place=Coalesce(Subquery(counted), 0))
        places = dict(rows.values_list("pk", "place"))
    return {turn.pk: _link(turn, places.get(turn.pk, 0) // TURNS_PER_PAGE + 1) for turn in turns}


def _link(turn: Turn, page: int) -> str:
    url = reverse("admin:conversations_conversation_change", args=[turn.conversation_id])
    return f"{url}{f'?turns={page}' if page > 1 else ''}#turn-{turn.pk}"
