"""Search for reviewers: in the list of conversations, and the page of all that was said."""

from __future__ import annotations

import uuid

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Person

from . import access_log
from .access import may_read_all
from .models import Access, Conversation
from .search import conversations_with, search
from .turn_link import turn_links

HITS_PER_PAGE = 50
# The list shows conversations of so many of the newest hits; the page of hits has them all.
HITS_IN_LIST = 1000
SEARCH_CHARS = 500


def search_url(sought: str, after: int | None = None) -> str:
    """The address of the page of hits."""
    asked = {"q": sought} | ({} if after is None else {"after": after})
    return f"{reverse('admin:conversations_conversation_search')}?{urlencode(asked)}"


def found_conversations(
    request: HttpRequest, queryset: QuerySet[Conversation], sought: str
) -> QuerySet[Conversation]:
    """Those of ``queryset`` with ``sought``.

    An id, as it stands in a page's address, finds its conversation; a part of a user's name, theirs;
    and for those who may read, what was said (in the newest hits; the reviewer is told of that).
    Titles are the beginnings of what was said.
    """
    sought = sought.strip()
    try:
        return queryset.filter(pk=uuid.UUID(sought))
    except ValueError:
        pass
    found = Q()
    named = Person.objects.filter(user__username__icontains=sought)
    # Most words are in no name: then there is nothing to look through.
    if named.exists():
        found |= Q(person__in=named)
    if may_read_all(request.user):
        within = queryset if queryset.query.where else None
        said, is_more = conversations_with(sought, conversations=within, turns=HITS_IN_LIST)
        if is_more:
            only = _("Only conversations of the newest %(count)d hits are listed.")
            messages.warning(request, only % {"count": HITS_IN_LIST})
        found |= Q(pk__in=said)
    return queryset.filter(found) if found else queryset.none()


@require_safe
def search_page(
    request: HttpRequest, model_admin: admin.ModelAdmin[Conversation]
) -> TemplateResponse:
    """``?q=`` in every turn, newest first; ``&after=`` goes on where a page ended."""
    if not (model_admin.has_view_permission(request) and may_read_all(request.user)):
        raise PermissionDenied
    sought = request.GET.get("q", "").strip()[:SEARCH_CHARS]
    after = _entry(request.GET.get("after", ""))
    if sought:
        access_log.note(request.user, Access.What.SEARCHED)
    page = search(sought, limit=HITS_PER_PAGE, after=after)
    links = turn_links([hit.turn for hit in page.hits])
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Search in what was said"),
        "opts": model_admin.opts,
        "sought": sought,
        "search_chars": SEARCH_CHARS,
        "hits": [(hit, links[hit.turn.pk]) for hit in page.hits],
        "newest": search_url(sought) if after is not None else None,
        "older": search_url(sought, page.after) if page.after is not None else None,
    }
    return TemplateResponse(request, "admin/conversations/conversation/search.html", context)


def _entry(after: str) -> int | None:
    """What is no entry is none; SQLite takes no integer of more than 64 bits."""
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
