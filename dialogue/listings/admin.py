"""Staff edit listings here; many at once come by ``manage.py import_listings``."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .models import Listing


@admin.register(Listing)
class ListingAdmin(admin.ModelAdmin[Listing]):
    list_display = (
        "reference", "title", "kind", "deal", "city", "district", "bedrooms", "area_m2", "price",
        "currency", "available", "updated_at",
    )  # fmt: skip
    list_filter = ("available", "deal", "kind", "city", "currency")
    list_per_page = 50
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    search_fields = ("reference", "title", "city", "district")
    actions = ("offer", "withdraw")

    @admin.action(description=_("Offer selected listings"), permissions=["change"])
    def offer(self, request: HttpRequest, listings: QuerySet[Listing]) -> None:
        self._set_available(request, listings, available=True)

    @admin.action(description=_("Withdraw selected listings"), permissions=["change"])
    def withdraw(self, request: HttpRequest, listings: QuerySet[Listing]) -> None:
        self._set_available(request, listings, available=False)

    def _set_available(
        self, request: HttpRequest, listings: QuerySet[Listing], *, available: bool
    ) -> None:
        count = listings.update(available=available)
        message = ngettext("%(count)d listing changed.", "%(count)d listings changed.", count)
        self.message_user(request, message % {"count": count})
