"""The chat page: a new conversation, or an earlier one of one's own."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import Person
from accounts.people import ensure_guest
from conversations.access import visible_to
from conversations.models import Conversation, Turn
from dialogue.bots import bot_info, default_bot
from dialogue.models import Bot

from .page import ChatPage
from .voices import voices_for_page

LISTED = 50


@require_GET
@never_cache
def new_conversation(request: HttpRequest) -> HttpResponse:
    """An empty page with the default bot. Guests get their session here, or are sent to log in."""
    person = ensure_guest(request)
    if person is None:
        return redirect_to_login(request.get_full_path())
    return _page(request, person, default_bot())


@require_GET
@never_cache
def earlier_conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """A conversation of one's own; for anybody else there is none."""
    person = ensure_guest(request)
    if person is None:
        return redirect_to_login(request.get_full_path())
    visible = visible_to(request.user, request.session).select_related("bot")
    conversation = get_object_or_404(visible, pk=conversation_id)
    return _page(request, person, conversation.bot, conversation)


def _page(
    request: HttpRequest, person: Person, bot: Bot, conversation: Conversation | None = None
) -> HttpResponse:
    page = ChatPage(
        bot=bot_info(bot),
        name="" if person.user is None else person.user.get_username(),
        is_guest=person.is_guest,
        conversation=None if conversation is None else conversation.pk,
        title="" if conversation is None else str(conversation),
        purged_at=None if conversation is None else conversation.text_purged_at,
        conversations=_listed(request),
        voices=voices_for_page(),
    )
    return render(request, "chat/chat.html", page.context())


def _listed(request: HttpRequest) -> QuerySet[Conversation]:
    """The latest of one's own in which one has said something."""
    spoken = Turn.objects.filter(conversation=OuterRef("pk"), role=Turn.Role.USER)
    visible = visible_to(request.user, request.session)
    return visible.filter(Exists(spoken)).order_by("-last_at")[:LISTED]
