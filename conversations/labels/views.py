"""The pages on which reviewers note something, and the way to the next conversation.

Who lacks a permission is refused alike whether there is such a conversation or not.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User

from .. import access_log
from ..access import may_label
from ..models import Access, Conversation, Turn
from .forms import CorrectionForm, LabelForm, suggested_tags
from .keeping import (
    ChangedMeanwhile,
    NothingToCorrect,
    correction_version_of,
    keep_correction,
    keep_labels,
    labels_of,
    version_of,
)
from .next_unreviewed import listed, next_unreviewed

FILTERS = "_changelist_filters"  # as the admin calls them
TEMPLATES = "admin/conversations/conversation"
CONFLICT = 409


def urls(model_admin: ModelAdmin[Conversation]) -> list[URLPattern]:
    """The pages of the admin, to stand before those of the model."""

    def page(view: Any) -> Any:
        return model_admin.admin_site.admin_view(partial(view, model_admin=model_admin))

    return [
        path("next/", page(next_page), name="conversations_conversation_next"),
        path(
            "<uuid:conversation_id>/labels/",
            page(labels_page),
            name="conversations_conversation_labels",
        ),
        path(
            "<uuid:conversation_id>/turns/<uuid:turn_id>/correction/",
            page(correction_page),
            name="conversations_conversation_correction",
        ),
    ]


def label_context(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What the page of a conversation needs to have the forms in it."""
    allowed = may_label(request.user)
    return {
        "may_label": allowed,
        "label_form": LabelForm(conversation=conversation) if allowed else None,
        "suggested_tags": suggested_tags() if allowed else [],
        "kept_query": _kept_query(request),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def labels_page(
    request: HttpRequest, conversation_id: uuid.UUID, model_admin: ModelAdmin[Conversation]
) -> HttpResponse:
    """What is noted in one conversation. ``then=next``: reviewed, and on to the next."""
    user = _reviewer(request, model_admin)
    conversation = _conversation(conversation_id)
    form = LabelForm(request.POST if request.method == "POST" else None, conversation=conversation)
    is_conflict = False
    if form.is_valid():
        go_on = request.POST.get("then") == "next"
        wanted = replace(form.labels, reviewed=True) if go_on else form.labels
        try:
            keep_labels(conversation_id, user, wanted, form.cleaned_data["seen"])
        except Conversation.DoesNotExist:
            raise Http404(_("There is no such conversation.")) from None
        except ChangedMeanwhile:
            is_conflict = True
            conversation.refresh_from_db()
            version = version_of(conversation, labels_of(conversation))
            form = LabelForm(_seen_now(request, version), conversation=conversation)
        else:
            messages.success(request, _("What you noted is saved."))
            if go_on:
                return redirect(_next_url(request, conversation_id))
            return _back(request, conversation_id, "labels")
    context = {
        **_page_context(request, model_admin, conversation),
        "title": _("Review"),
        "form": form,
        "suggested_tags": suggested_tags(),
        "is_conflict": is_conflict,
        "tags": conversation.tags.all(),
    }
    status = CONFLICT if is_conflict else 200
    return TemplateResponse(request, f"{TEMPLATES}/labels.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def correction_page(
    request: HttpRequest,
    conversation_id: uuid.UUID,
    turn_id: uuid.UUID,
    model_admin: ModelAdmin[Conversation],
) -> HttpResponse:
    """What was really said in one turn, beside what the transcript says."""
    user = _reviewer(request, model_admin)
    conversation = _conversation(conversation_id)
    try:
        turn = conversation.turns.select_related("corrected_by").get(pk=turn_id)
    except Turn.DoesNotExist:
        raise Http404(_("There is no such turn.")) from None
    form = CorrectionForm(request.POST if request.method == "POST" else None, turn=turn)
    is_conflict = False
    if form.is_valid():
        given = form.cleaned_data
        try:
            keep_correction(conversation_id, turn_id, user, given["text"], given["seen"])
        except (Conversation.DoesNotExist, Turn.DoesNotExist):
            raise Http404(_("There is no such turn.")) from None
        except NothingToCorrect:
            form.add_error("text", _("There is nothing to correct, or not yet."))
        except ChangedMeanwhile:
            is_conflict = True
            turn.refresh_from_db()
            form = CorrectionForm(_seen_now(request, correction_version_of(turn)), turn=turn)
        else:
            messages.success(request, _("Your correction is saved."))
            return _back(request, conversation_id, f"turn-{turn_id}")
    access_log.note(user, Access.What.READ, conversation_id, turn_id)
    context = {
        **_page_context(request, model_admin, conversation),
        "title": _("Correct a turn"),
        "form": form,
        "turn": turn,
        "is_conflict": is_conflict,
    }
    status = CONFLICT if is_conflict else 200
    return TemplateResponse(request, f"{TEMPLATES}/correction.html", context, status=status)


@require_safe
def next_page(request: HttpRequest, model_admin: ModelAdmin[Conversation]) -> HttpResponseRedirect:
    """On to the next that nobody has reviewed, in the order and with the filters of the list."""
    _reviewer(request, model_admin)
    filters = request.GET.get(FILTERS, "")
    found = next_unreviewed(
        listed(request, model_admin, filters), _uuid(request.GET.get("after", ""))
    )
    if found is not None:
        url = reverse("admin:conversations_conversation_change", args=[found])
        return HttpResponseRedirect(_with_query(url, **{FILTERS: filters}))
    messages.info(
        request,
        _("Of these conversations none waits to be reviewed.")
        if filters
        else _("No conversation waits to be reviewed."),
    )
    url = reverse("admin:conversations_conversation_changelist")
    return HttpResponseRedirect(f"{url}?{filters}" if filters else url)


def _reviewer(request: HttpRequest, model_admin: ModelAdmin[Conversation]) -> User:
    if not (model_admin.has_view_permission(request) and may_label(request.user)):
        raise PermissionDenied(_("You may not label conversations."))
    assert isinstance(request.user, User)
    return request.user


def _conversation(conversation_id: uuid.UUID) -> Conversation:
    found = Conversation.objects.select_related("reviewed_by").filter(pk=conversation_id).first()
    if found is None:
        raise Http404(_("There is no such conversation."))
    return found


def _page_context(
    request: HttpRequest, model_admin: ModelAdmin[Conversation], conversation: Conversation
) -> dict[str, Any]:
    changes = Access.objects.filter(
        conversation_id=conversation.pk, what=Access.What.LABELLED
    ).order_by("-pk")
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": conversation,
        "kept_query": _kept_query(request),
        "last_change": changes.first(),
    }


def _seen_now(request: HttpRequest, version: str) -> QueryDict:
    """What was filled in, now that its reviewer is shown what else is stored."""
    data = request.POST.copy()
    data["seen"] = version
    return data


def _kept_query(request: HttpRequest) -> str:
    """What the address of a conversation's page says besides which."""
    return _query(**{name: request.GET.get(name, "") for name in (FILTERS, "turns")})


def _back(request: HttpRequest, conversation_id: uuid.UUID, place: str) -> HttpResponseRedirect:
    url = reverse("admin:conversations_conversation_change", args=[conversation_id])
    query = _kept_query(request)
    return HttpResponseRedirect(f"{url}{'?' if query else ''}{query}#{place}")


def _next_url(request: HttpRequest, after: uuid.UUID) -> str:
    return _with_query(
        reverse("admin:conversations_conversation_next"),
        after=str(after),
        **{FILTERS: request.GET.get(FILTERS, "")},
    )


def _with_query(url: str, **asked: str) -> str:
    query = _query(**asked)
    return f"{url}?{query}" if query else url


def _query(**asked: str) -> str:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in asked.items() if value})
    return query.urlencode()


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
