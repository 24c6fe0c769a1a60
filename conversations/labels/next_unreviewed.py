"""Which conversation a reviewer reads next: the list's order, and its filters."""

from __future__ import annotations

import uuid
from copy import copy

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict

from .. import access_log
from ..call_rows import live_conversations
from ..list_filters import ReviewedFilter
from ..models import Access, Conversation

# Further than that into what waits, one begins again with the first.
LOOKED_AT = 10_000


def listed(
    request: HttpRequest, model_admin: ModelAdmin[Conversation], filters: str
) -> QuerySet[Conversation]:
    """The conversations of the list with these ``filters`` (its query string), in its order.

    Whether they are reviewed does not count. Filters that there are not count as none.
    """
    chosen = QueryDict(filters, mutable=True)
    for needless in (ReviewedFilter.parameter_name, PAGE_VAR):
        chosen.pop(needless, None)
    if chosen.get(SEARCH_VAR, "").strip():
        access_log.note(request.user, Access.What.SEARCHED)
    for_list = copy(request)
    for_list.GET = chosen  # type: ignore[assignment] # a page's own is not to be changed
    try:
        found: QuerySet[Conversation] = model_admin.get_changelist_instance(for_list).queryset
    except IncorrectLookupParameters:
        for_list.GET = QueryDict()
        found = model_admin.get_changelist_instance(for_list).queryset
    return found


def next_unreviewed(
    conversations: QuerySet[Conversation], after: uuid.UUID | None
) -> uuid.UUID | None:
    """The one behind ``after`` that nobody has reviewed yet; behind the last comes the first.

    What goes on now is left for later.
    """
    waiting = Q(reviewed_at=None) & ~Q(pk__in=live_conversations())
    ids = conversations.filter(waiting | Q(pk=after)).values_list("pk", flat=True)[:LOOKED_AT]
    first = None
    passed = False
    for id in ids.iterator(chunk_size=100):
        if id == after:
            passed = True
        elif passed:
            return id
        elif first is None:
            first = id
            if after is None:
                break
    return first
