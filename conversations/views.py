"""One's own history. What belongs to somebody else is answered like what does not exist."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.people import asked_to_log_in

from .access import visible_to
from .models import Conversation, Turn
from .retention.erasing import erase
from .transcript import transcript_text

PER_PAGE = 20
SEARCH_CHARS = 200


@require_safe
@never_cache
@asked_to_log_in
def own_conversations(request: HttpRequest) -> HttpResponse:
    """The list, newest first; ``?q=`` keeps those in whose title or turns the text occurs."""
    # PostgreSQL refuses the character NUL, which no text contains.
    sought = request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_CHARS]
    own = visible_to(request.user, request.session).select_related("bot")
    if sought:
        said = Turn.objects.filter(conversation=OuterRef("pk"), text__icontains=sought)
        own = own.filter(Q(title__icontains=sought) | Exists(said))
    page = Paginator(own.order_by("-last_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "conversations/list.html", {"page": page, "sought": sought})


@require_safe
@asked_to_log_in
def open_conversation(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Go on where the conversation stopped, on the chat page."""
    return redirect("chat-conversation", _own(request, conversation_id).pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@asked_to_log_in
def delete_conversation(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Ask, then delete the conversation, its turns and their sound; on legal hold, say so."""
    conversation = _own(request, conversation_id)
    if request.method != "POST":
        return render(request, "conversations/delete.html", {"conversation": conversation})
    erased = erase(visible_to(request.user, request.session).filter(pk=conversation.pk))
    if erased.held:
        conversation.refresh_from_db()
        context = {"conversation": conversation, "was_refused": True}
        return render(request, "conversations/delete.html", context, status=409)
    messages.success(request, _("The conversation was deleted."))
    return redirect("conversations")


@require_safe
@never_cache
@asked_to_log_in
def download_transcript(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """What was said, as plain text."""
    conversation = _own(request, conversation_id)
    turns = conversation.turns.order_by("seq")
    response = HttpResponse(
        transcript_text(conversation, turns), content_type="text/plain; charset=utf-8"
    )
    name = f"conversation-{conversation.created_at:%Y-%m-%d}.txt"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _own(request: HttpRequest, conversation_id: uuid.UUID) -> Conversation:
    own = visible_to(request.user, request.session).select_related("bot")
    return get_object_or_404(own, pk=conversation_id)
