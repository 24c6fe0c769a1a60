"""Where reviewers read and hear what was said, which nobody can change.

Permissions, each given separately: ``view_conversation`` opens the list, ``read_transcript`` shows
titles and transcripts, ``hear_audio`` the players, ``watch_live`` what is said while it is said
(``watched.py``), ``export_conversation`` takes away what one may
read and hear, ``label_conversation`` notes what one thinks of it (``labels/``),
``delete_conversation`` deletes whole conversations with their sound, unless somebody with
``hold_conversation`` has put them on legal hold. Turns have no admin of their own. What is read,
heard, taken away, noted and deleted is in the access log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from . import access_log, admin_access, admin_labels  # noqa: F401 (they register theirs)
from .access import (
    may_export_all,
    may_hear_all,
    may_hold,
    may_label,
    may_read_all,
    may_watch,
)
from .admin_search import found_conversations, search_page, search_url
from .call_rows import live_calls
from .change_list import ConversationList
from .conversation_page import conversation_page
from .deletion import delete_conversations
from .export.selection import Selection
from .export.views import export_selected
from .export.views import urls as export_urls
from .labels.actions import mark_selected_reviewed, tag_selected
from .labels.views import label_context
from .labels.views import urls as label_urls
from .list_columns import COLUMNS
from .list_filters import FILTERS
from .models import Access, AudioSegment, Call, Conversation, Turn
from .retention.erasing import erase
from .retention.hold_views import hold_selected
from .retention.hold_views import urls as hold_urls
from .retention.list_filter import KeptFilter
from .visible_text import visible_line

DELETED_AT_ONCE = 500


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin[Conversation]):
    """The list, and each conversation as a page to read and hear."""

    list_display = ["shown_title", *COLUMNS]
    list_filter = [*FILTERS, KeptFilter]
    date_hierarchy = "last_at"
    ordering = ["-last_at"]
    list_per_page = 50
    show_full_result_count = False
    actions = [mark_selected_reviewed, tag_selected, export_selected, hold_selected]
    fields = []

    @admin.display(description=_("title"), ordering="title")
    def shown_title(self, conversation: Conversation) -> str:
        return str(conversation)

    @admin.display(description=_("id"))
    def short_id(self, conversation: Conversation) -> str:
        return str(conversation.pk)[:8]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return super().get_queryset(request).select_related("person__user", "bot")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ConversationList]:
        return ConversationList

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
        """What was said, for those who may read it; ids and names for all."""
        if not search_term.strip():
            return queryset, False
        return found_conversations(request, queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        search = self.admin_site.admin_view(partial(search_page, model_admin=self))
        return [
            path("search/", search, name="conversations_conversation_search"),
            *export_urls(self.admin_site),
            *label_urls(self),
            *hold_urls(self.admin_site),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The list takes all the width there is; the way back is in the breadcrumbs.
        more = {"is_nav_sidebar_enabled": False, **(extra_context or {})}
        if may_read_all(request.user):
            if request.method == "GET" and request.GET.get(SEARCH_VAR, "").strip():
                access_log.note(request.user, Access.What.SEARCHED)
            more["search_url"] = search_url(request.GET.get(SEARCH_VAR, ""))
        return super().changelist_view(request, more)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        return may_export_all(request.user)

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return may_hold(request.user)

    def has_label_permission(self, request: HttpRequest) -> bool:
        return may_label(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        seen = super().has_view_permission(request, obj)
        return seen and (obj is None or may_read_all(request.user))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation: Conversation = context["original"]
        may_hear = may_hear_all(request.user)
        shown = conversation_page(conversation, request.GET.get("turns"), may_hear=may_hear)
        said = f"turns {shown.page.start_index()}\u2013{shown.page.end_index()}"
        access_log.note(request.user, Access.What.READ, conversation.pk, detail=said)
        context.update(
            label_context(request, conversation),
            title=str(conversation),
            subtitle=None,
            page=shown.page,
            stretches=shown.stretches,
            may_hear=may_hear,
            may_watch=may_watch(request.user),
            is_live=live_calls().filter(conversation=conversation).exists(),
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
            [
                _("%(id)s (on legal hold)") % {"id": self.short_id(one)}
                for one in objs
                if one.legal_hold
            ],
        )

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        access_log.note(request.user, Access.What.DELETED, obj.pk)
        if not delete_conversations(Conversation.objects.filter(pk=obj.pk)):
            raise PermissionDenied(_("It has just been put on legal hold."))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        # Those that were selected, and not what comes to be like them meanwhile.
        for ids in Selection.of(queryset).pages(DELETED_AT_ONCE):
            going = Conversation.objects.filter(pk__in=ids, legal_hold=False)
            access_log.note_each(
                request.user, Access.What.DELETED, list(going.values_list("pk", flat=True))
            )
            erase(going, is_wish=False)

    def log_change(self, request: HttpRequest, obj: Conversation, message: Any) -> LogEntry:
        return super().log_change(request, self._unnamed(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Conversation]) -> Any:
        unnamed = [self._unnamed(one) for one in queryset]
        return super().log_deletions(request, unnamed)  # type: ignore[arg-type]

    def _unnamed(self, conversation: Conversation) -> Conversation:
        """For the admin's own log, which outlives it: a title is the start of what was said."""
        return Conversation(pk=conversation.pk, title=self.short_id(conversation))


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
