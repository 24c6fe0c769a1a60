"""Where reviewers read and hear what was said. Nothing can be changed here.

Permissions, each given separately: ``view_conversation`` opens the list, ``read_transcript`` shows
titles and transcripts, ``hear_audio`` the players, ``delete_conversation`` deletes whole
conversations with their sound. Turns have no admin of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.guest_filter import GuestFilter

from .access import may_hear_all, may_read_all
from .deletion import delete_conversations
from .models import AudioSegment, Call, Conversation, Turn
from .templatetags.transcript import minutes
from .visible_text import visible_line

TURNS_PER_PAGE = 200


class WhoFilter(GuestFilter):
    user_field = "person__user"


class TroubleFilter(admin.SimpleListFilter):
    title = _("trouble")
    parameter_name = "trouble"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Conversation]
    ) -> list[tuple[str, str]]:
        return [
            ("errors", str(_("with errors"))),
            ("interruptions", str(_("with interruptions"))),
            ("none", str(_("neither"))),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        match self.value():
            case "errors":
                return queryset.filter(error_count__gt=0)
            case "interruptions":
                return queryset.filter(interruption_count__gt=0)
            case "none":
                return queryset.filter(error_count=0, interruption_count=0)
        return queryset


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin[Conversation]):
    """The list, and each conversation as a page to read and hear."""

    list_display = [
        "shown_title",
        "person",
        "bot",
        "turn_count",
        "interruption_count",
        "error_count",
        "audio_length",
        "created_at",
        "last_at",
    ]
    list_filter = [TroubleFilter, WhoFilter, "bot", "last_at"]
    date_hierarchy = "last_at"
    ordering = ["-last_at"]
    list_per_page = 50
    show_full_result_count = False
    fields = []

    @admin.display(description=_("title"), ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return str(conversation)

    @admin.display(description=_("id"))
    def short_id(self, conversation: Conversation) -> str:
        return str(conversation.pk)[:8]

    @admin.display(description=_("audio"), ordering="audio_ms")
    def audio_length(self, conversation: Conversation) -> str:
        return minutes(conversation.audio_ms)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return super().get_queryset(request).select_related("person__user", "bot")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Conversation | None:
        """Who may delete but not read is asked about an id, and the log keeps no title either."""
        conversation = super().get_object(request, object_id, from_field)
        if conversation is not None and not may_read_all(request.user):
            conversation.title = self.short_id(conversation)
        return conversation

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """A title is the start of what was said: only for those who may read on."""
        rest = list(self.list_display[1:])
        return ["shown_title" if may_read_all(request.user) else "short_id", *rest]

    def get_list_display_links(self, request: HttpRequest, list_display: Sequence[Any]) -> Any:
        return [list_display[0]] if may_read_all(request.user) else None

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [*(["title"] if may_read_all(request.user) else []), "person__user__username"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """An id, as it stands in a page's address, finds its conversation."""
        try:
            return queryset.filter(pk=uuid.UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        seen = super().has_view_permission(request, obj)
        return seen and (obj is None or may_read_all(request.user))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation: Conversation = context["original"]
        turns = (
            conversation.turns.order_by("seq").select_related("call").prefetch_related("segments")
        )
        page = Paginator(turns, TURNS_PER_PAGE).get_page(request.GET.get("turns"))
        context.update(
            title=str(conversation),
            subtitle=None,
            page=page,
            may_hear=may_hear_all(request.user),
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def get_deleted_objects(
        self, objs: QuerySet[Conversation] | Sequence[Conversation], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """What goes, as counts: a conversation may have thousands of turns."""
        ids = [conversation.pk for conversation in objs]
        read = may_read_all(request.user)
        counted = {
            Conversation: len(ids),
            Call: Call.objects.filter(conversation__in=ids).count(),
            Turn: Turn.objects.filter(conversation__in=ids).count(),
            AudioSegment: AudioSegment.objects.filter(turn__conversation__in=ids).count(),
        }
        return (
            [str(one) if read else self.short_id(one) for one in objs],
            {str(model._meta.verbose_name_plural): count for model, count in counted.items()},
            set() if self.has_delete_permission(request) else {self.opts.verbose_name},
            [],
        )

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        delete_conversations(Conversation.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        delete_conversations(Conversation.objects.filter(pk__in=queryset.values("pk")))


@admin.register(Call)
class CallAdmin(admin.ModelAdmin[Call]):
    """Who was connected where, for how long, and how it ended."""

    list_display = [
        "protocol",
        "conversation_link",
        "instance",
        "shown_label",
        "started_at",
        "ended_at",
        "close_code",
        "recorded",
    ]
    list_filter = ["protocol", "started_at"]
    date_hierarchy = "started_at"
    ordering = ["-started_at"]
    search_fields = ["instance", "client_label"]
    show_full_result_count = False
    fields = [
        "id",
        "conversation_link",
        "protocol",
        "instance",
        "shown_label",
        "started_at",
        "ended_at",
        "close_code",
        "recorded",
    ]

    @admin.display(description=_("conversation"))
    def conversation_link(self, call: Call) -> SafeString:
        """By its id: the title is the start of what was said."""
        url = reverse("admin:conversations_conversation_change", args=[call.conversation_id])
        return format_html('<a href="{}">{}</a>', url, str(call.conversation_id)[:8])

    @admin.display(description=_("client's label"))
    def shown_label(self, call: Call) -> str:
        return visible_line(call.client_label)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        """Only along with its conversation, its person or user: never from its own pages."""
        match = request.resolver_match
        on_own_page = match is not None and (match.url_name or "").startswith("conversations_call_")
        return not on_own_page and request.user.has_perm("conversations.delete_conversation")
