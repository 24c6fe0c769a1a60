"""The tags that reviewers put on conversations, to name, rename and delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .labels import tag_names
from .list_filters import TagFilter
from .models import Conversation, Tag


class TagForm(forms.ModelForm[Tag]):
    class Meta:
        model = Tag
        fields = ["name"]

    def clean_name(self) -> str:
        """What it may be called; unlike another, however that is capitalised."""
        name = tag_names.cleaned(self.cleaned_data["name"])
        if Tag.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("There is such a tag already."))
        return name


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    """Renamed, a tag stays where it is; deleted, it is taken off its conversations, which stay."""

    form = TagForm
    list_display = ["__str__", "conversation_count"]
    search_fields = ["name"]
    ordering = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        return super().get_queryset(request).annotate(uses=Count("conversations"))

    @admin.display(description=_("conversations"), ordering="uses")
    def conversation_count(self, tag: Tag) -> SafeString:
        url = reverse("admin:conversations_conversation_changelist")
        asked = f"{url}?{TagFilter.parameter_name}={tag.pk}"
        return format_html('<a href="{}">{}</a>', asked, tag.uses)  # type: ignore[attr-defined]

    def get_deleted_objects(
        self, objs: QuerySet[Tag] | Sequence[Tag], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """From how many conversations it goes, as a count: there may be very many."""
        tags = list(objs)
        tagged = Conversation.tags.through.objects.filter(tag__in=tags).count()
        counts = {
            str(self.opts.verbose_name_plural): len(tags),
            gettext("conversations that have them"): tagged,
        }
        denied = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(tag) for tag in tags], counts, denied, []
