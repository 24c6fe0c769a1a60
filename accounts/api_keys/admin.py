"""API keys in the admin: made (and shown once), listed with what they did, limited, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import ApiKey, ApiKeyUsage

from .making import give_text, new_text

SHOWN_DAYS = 31
_SCOPES = ["tts", "voice", "realtime"]
_LIMITS = ["commands_per_minute", "characters_per_minute", "sockets"]
_DONE = ["commands", "characters", "spoken", "transcribed", "refused"]


class UsageInline(admin.TabularInline[ApiKeyUsage, ApiKey]):
    """The last days on which the key was used. Nobody writes here but the server."""

    model = ApiKeyUsage
    fields = ("day", *_DONE)
    readonly_fields = ("day", *_DONE)
    verbose_name_plural = _("usage by day (UTC)")
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKeyUsage]:
        newest = timezone.now().date() - timedelta(days=SHOWN_DAYS)
        return super().get_queryset(request).filter(day__gt=newest)

    def has_add_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    @admin.display(description=_("spoken"))
    def spoken(self, usage: ApiKeyUsage) -> str:
        return _seconds(usage.spoken_ms)

    @admin.display(description=_("transcribed"))
    def transcribed(self, usage: ApiKeyUsage) -> str:
        return _seconds(usage.heard_ms)


class ActiveFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [("active", str(_("active"))), ("revoked", str(_("revoked")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("active", "revoked"):
            return queryset.filter(revoked_at__isnull=self.value() == "active")
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    list_display = ["__str__", "user", *_SCOPES, "last_used_at", "commands_today",
                    "characters_today", "active"]  # fmt: skip
    list_filter = [ActiveFilter, *_SCOPES]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    autocomplete_fields = ["user"]
    readonly_fields = ["prefix", "created_at", "last_used_at", "revoked_at"]
    inlines = [UsageInline]
    actions = ["revoke"]

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        told = [] if obj is None else [(None, {"fields": self.readonly_fields})]
        return [
            (None, {"fields": ["user", "name"]}),
            (_("What it opens"), {"fields": _SCOPES}),
            (_("How much it may do"), {"fields": _LIMITS}),
            *told,
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        # Whose key it is does not change: what was done with it was done by them.
        return [*self.readonly_fields, *([] if obj is None else ["user"])]

    def get_inlines(self, request: HttpRequest, obj: ApiKey | None) -> Any:
        return [] if obj is None else self.inlines

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        today = ApiKeyUsage.objects.filter(key=OuterRef("pk"), day=timezone.now().date())
        counted = {
            f"_{name}": Coalesce(Subquery(today.values(name)), 0, output_field=IntegerField())
            for name in ("commands", "characters")
        }
        return super().get_queryset(request).annotate(**counted)

    @admin.display(description=_("commands today"), ordering="_commands")
    def commands_today(self, key: ApiKey) -> int:
        return key._commands  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("characters today"), ordering="_characters")
    def characters_today(self, key: ApiKey) -> int:
        return key._characters  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("active"), boolean=True)
    def active(self, key: ApiKey) -> bool:
        return key.is_active

    @admin.action(description=_("Revoke selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """For good: a key is not given back, another one is made."""
        revoked = 0
        for key in keys:
            if key.is_active:
                key.revoke()
                self.log_change(request, key, "Revoked.")
                revoked += 1
        told = ngettext("%(count)d key was revoked.", "%(count)d keys were revoked.", revoked)
        self.message_user(request, told % {"count": revoked})

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: ModelForm[ApiKey], change: bool
    ) -> None:
        if not change:
            text = new_text()
            give_text(obj, text)
            # For the answer to this very request, and for nothing else.
            obj._text = text  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the key. It stands in no message, cookie or address."""
        page = TemplateResponse(
            request,
            "admin/accounts/apikey/made.html",
            {
                **self.admin_site.each_context(request),
                "title": _("The key was made"),
                "opts": self.opts,
                "key": obj,
                "text": obj._text,  # type: ignore[attr-defined]
            },
        )
        add_never_cache_headers(page)
        return page


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.0f} s"
