"""Users and persons in the admin, whose login is the throttled one of the site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Count, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .api_keys import admin as _api_keys  # noqa: F401 (registers them)
from .deleting import deleted_by_staff
from .guest_filter import GuestFilter
from .models import Person, User

M = TypeVar("M", bound=Model)

# Two doors with one lock: failed attempts count together, whichever page they were made on.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = _("voicechat")
admin.site.site_title = _("voicechat")
admin.site.unregister(EmailAddress)  # the user's own email field is the one we show


class _DeletedAsCounts(admin.ModelAdmin[M]):
    """Says what goes with somebody, and what keeps them, without naming it: names say what was said."""

    def get_deleted_objects(
        self, objs: QuerySet[M] | Sequence[M], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        _named, counts, needed, protected = super().get_deleted_objects(objs, request)
        kept = ngettext(
            "%(count)d conversation on legal hold",
            "%(count)d conversations on legal hold",
            len(protected),
        )
        return (
            [str(one) for one in objs],
            counts,
            needed,
            [kept % {"count": len(protected)}] if protected else [],
        )

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        deleted_by_staff.send(self.model, by=request.user, ids=[obj.pk])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        deleted_by_staff.send(self.model, by=request.user, ids=ids)
        super().delete_queryset(request, queryset)


@admin.register(User)
class VoicechatUserAdmin(_DeletedAsCounts[User], UserAdmin[User]):
    """As in any Django project. A changed address takes the old one's right to reset passwords."""

    def save_model(
        self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()


@admin.register(Person)
class PersonAdmin(_DeletedAsCounts[Person]):
    """To look at, and to erase somebody with everything they said. Persons make themselves."""

    list_display = ["__str__", "user", "conversation_count", "created_at"]
    list_filter = [GuestFilter, "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    ordering = ["-created_at"]
    show_full_result_count = False
    fields = ["id", "user", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        return super().get_queryset(request).annotate(talks=Count("conversations"))

    @admin.display(description=_("conversations"), ordering="talks")
    def conversation_count(self, person: Person) -> int:
        return person.talks  # type: ignore[attr-defined,no-any-return]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return False
