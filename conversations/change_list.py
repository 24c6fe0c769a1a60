"""The list of conversations in the admin: without joins, and in the orders that one looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from .call_rows import live_calls
from .careful_list import CarefulList
from .list_columns import cut_off, errors, last_turn, p95, rating
from .models import Conversation


class ConversationList(CarefulList):
    """Person and bot are fetched for the page that is shown.

    Joined, they would be joined to every row that is sorted or skipped: with a hundred thousand
    conversations that is four fifths of the time.
    """

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        # Shows the field to search in (``admin_search.py`` says what is sought). The admin's own
        # ``search_fields`` would also have its address for autocompletion answer, with titles, and
        # to whoever may see the list.
        self.search_fields = ("pk",)

    def get_queryset(self, request: HttpRequest, *more: Any) -> QuerySet[Conversation]:
        return super().get_queryset(request, *more).select_related(None)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.result_list.prefetch_related(
            "person__user",
            "bot",
            "reviewed_by",
            "tags",
            Prefetch("calls", live_calls(), to_attr="open_calls"),
        )

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """Where to look first: name, query string, and whether the list is in that order now."""
        now = self.params.get(ORDER_VAR, "")
        named = [
            (_("Newest first"), ""),
            (_("Worst first"), self._order(errors, cut_off, last_turn)),
        ]
        named += [
            (_("Slowest first"), self._order(p95)),
            (_("Disliked first"), self._order(rating)),
        ]
        return [
            (name, self.get_query_string({ORDER_VAR: order or None}), order == now)
            for name, order in named
        ]

    def _order(self, *columns: Callable[[Conversation], str]) -> str:
        """By these columns, each from its greatest value down, as the admin writes it."""
        shown = list(self.list_display)
        return ".".join(f"-{shown.index(column)}" for column in columns)
