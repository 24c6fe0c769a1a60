"""The access log in the admin: to read, for those who may. Nobody adds, changes or deletes here."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .careful_list import CarefulList
from .models import Access
from .visible_text import visible_line

# A list of links ends somewhere; whoever is not in it is found by name.
SHOWN_USERS = 50


class StaffFilter(admin.SimpleListFilter):
    title = _("user")
    parameter_name = "user"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Access]
    ) -> list[tuple[str, str]]:
        staff = User.objects.filter(is_staff=True).order_by("username")
        return [
            (str(pk), visible_line(name))
            for pk, name in staff.values_list("pk", "username")[:SHOWN_USERS]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Access]) -> QuerySet[Access]:
        chosen = self.value()
        if chosen is None:
            return queryset
        if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
            return queryset.none()
        return queryset.filter(user=int(chosen))


@admin.register(Access)
class AccessAdmin(admin.ModelAdmin[Access]):
    list_display = ["shown_at", "shown_username", "what", "conversation_link", "turn_id", "detail"]
    list_display_links = None
    fields = ["shown_at", "shown_username", "what", "conversation_link", "turn_id", "detail"]
    list_filter = ["what", StaffFilter, "at"]
    date_hierarchy = "at"
    ordering = ["-at"]
    list_per_page = 100
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ["username"]

    @admin.display(description=_("at"), ordering="at")
    def shown_at(self, entry: Access) -> str:
        return f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("user"), ordering="username")
    def shown_username(self, entry: Access) -> str:
        return visible_line(entry.username)

    @admin.display(description=_("conversation"))
    def conversation_link(self, entry: Access) -> SafeString | None:
        """There may be no such conversation any more; its page then says so."""
        if entry.conversation_id is None:
            return None
        url = reverse("admin:conversations_conversation_change", args=[entry.conversation_id])
        return format_html('<a href="{}">{}</a>', url, entry.conversation_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Access], search_term: str
    ) -> tuple[QuerySet[Access], bool]:
        try:
            id = uuid.UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        of_conversation = queryset.filter(conversation_id=id)
        return (of_conversation if of_conversation.exists() else queryset.filter(turn_id=id)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CarefulList]:
        return CarefulList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Access | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Access | None = None) -> bool:
        return False
