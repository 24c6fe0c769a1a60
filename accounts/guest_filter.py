"""A filter of admin lists: guests or users."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class GuestFilter(admin.SimpleListFilter):
    """For a list of persons. Lists of what persons have say in ``user_field`` where the user is."""

    title = _("who")
    parameter_name = "who"
    user_field = "user"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("guest", str(_("guests"))), ("user", str(_("users")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("guest", "user"):
            return queryset.filter(**{f"{self.user_field}__isnull": self.value() == "guest"})
        return queryset
