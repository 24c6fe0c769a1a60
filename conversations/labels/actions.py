"""What reviewers note in many conversations of the list at once."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User

from ..export.selection import Selection
from ..models import Conversation
from .forms import TagsForm, suggested_tags
from .keeping import TooManyTags, add_tags, mark_reviewed
from .tag_names import PER_CONVERSATION

AT_ONCE = 1000


@admin.action(description=gettext_lazy("Mark as reviewed"), permissions=["label"])
def mark_selected_reviewed(
    model_admin: admin.ModelAdmin[Conversation],
    request: HttpRequest,
    queryset: QuerySet[Conversation],
) -> None:
    """Those that go on now are left for later."""
    assert isinstance(request.user, User)
    marked = sum(mark_reviewed(ids, request.user) for ids in Selection.of(queryset).pages(AT_ONCE))
    told = ngettext(
        "%(count)d conversation is marked as reviewed now.",
        "%(count)d conversations are marked as reviewed now.",
        marked,
    )
    model_admin.message_user(request, told % {"count": marked}, messages.SUCCESS)


@admin.action(description=gettext_lazy("Add tags"), permissions=["label"])
def tag_selected(
    model_admin: admin.ModelAdmin[Conversation],
    request: HttpRequest,
    queryset: QuerySet[Conversation],
) -> HttpResponse | None:
    """Asks for the tags first."""
    assert isinstance(request.user, User)
    form = TagsForm(request.POST if "post" in request.POST else None)
    if form.is_valid():
        names = form.cleaned_data["new_tags"]
        try:
            changed = sum(
                add_tags(ids, request.user, names) for ids in Selection.of(queryset).pages(AT_ONCE)
            )
        except TooManyTags:
            many = _("A conversation has at most %(count)d tags; one of these would have more.")
            form.add_error("new_tags", many % {"count": PER_CONVERSATION})
        else:
            told = ngettext(
                "%(count)d conversation has another tag now.",
                "%(count)d conversations have other tags now.",
                changed,
            )
            model_admin.message_user(request, told % {"count": changed}, messages.SUCCESS)
            return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Add tags"),
        "opts": model_admin.opts,
        "form": form,
        "suggested_tags": suggested_tags(),
        "count": queryset.count(),
        # With "all that match" the list's own address says which, so one of them is enough.
        "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "selected_name": ACTION_CHECKBOX_NAME,
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "admin/conversations/conversation/add_tags.html", context)
