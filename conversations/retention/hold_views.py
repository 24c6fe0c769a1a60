"""For staff: puts conversations on legal hold, and releases them.

Needs ``conversations.hold_conversation``, and nothing else: whoever answers for it need not read what
was said. Each change is an entry of the access log.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from .. import access_log
from ..access import may_hold, may_read_all
from ..deletion import delete_conversations
from ..export.selection import Selection
from ..models import Access, Conversation

AT_ONCE = 500


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """The pages of the admin, to stand before those of the model."""
    return [
        path(
            "<uuid:conversation_id>/hold/",
            site.admin_view(change_hold),
            name="conversations_conversation_hold",
        ),
    ]


@require_POST
def change_hold(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """``hold=yes`` or ``hold=no``. What the person wanted deleted goes with its release."""
    if not may_hold(request.user):
        raise PermissionDenied(_("You may not put conversations on legal hold."))
    wanted = request.POST.get("hold")
    if wanted not in ("yes", "no"):
        return HttpResponseBadRequest(
            _("hold is yes or no."), content_type="text/plain; charset=utf-8"
        )
    if wanted == "yes":
        if not _hold(request, [conversation_id]):
            raise Http404(_("There is no such conversation."))
        messages.success(request, _("On legal hold: it is not deleted, by nobody."))
    elif _release(request, conversation_id):
        gone = _("Released, and deleted as the person had asked.")
        messages.success(request, gone)
        return redirect("admin:conversations_conversation_changelist")
    else:
        messages.success(request, _("Released from legal hold."))
    if may_read_all(request.user):
        return redirect("admin:conversations_conversation_change", conversation_id)
    return redirect("admin:conversations_conversation_changelist")


@admin.action(description=gettext_lazy("Put selected on legal hold"), permissions=["hold"])
def hold_selected(
    model_admin: admin.ModelAdmin[Conversation],
    request: HttpRequest,
    queryset: QuerySet[Conversation],
) -> None:
    """Those that are on hold already stay so."""
    count = sum(_hold(request, ids) for ids in Selection.of(queryset).pages(AT_ONCE))
    held = ngettext(
        "%(count)d conversation is on legal hold.",
        "%(count)d conversations are on legal hold.",
        count,
    )
    messages.success(request, held % {"count": count})


@transaction.atomic
def _hold(request: HttpRequest, ids: Iterable[uuid.UUID]) -> int:
    """How many of these there are. Under their locks: what is being deleted is not there any more."""
    asked = Conversation.objects.filter(pk__in=list(ids)).order_by("pk")
    locked = dict(asked.select_for_update().values_list("pk", "legal_hold"))
    new = [pk for pk, is_held in locked.items() if not is_held]
    access_log.note_each(request.user, Access.What.HELD, new)
    Conversation.objects.filter(pk__in=new).update(legal_hold=True)
    return len(locked)


@transaction.atomic
def _release(request: HttpRequest, conversation_id: uuid.UUID) -> bool:
    """Whether it is deleted now. Raises Http404."""
    asked = Conversation.objects.select_for_update().filter(pk=conversation_id)
    conversation = asked.first()
    if conversation is None:
        raise Http404(_("There is no such conversation."))
    if not conversation.legal_hold:
        return False
    access_log.note(request.user, Access.What.RELEASED, conversation_id)
    conversation.legal_hold = False
    conversation.save(update_fields=["legal_hold"])
    if conversation.erasure_asked_at is None:
        return False
    access_log.note(request.user, Access.What.DELETED, conversation_id)
    return bool(delete_conversations(Conversation.objects.filter(pk=conversation_id)))
