"""The page of FastRTC's WebSocket mode: a client of it, to try it and to learn from. No database."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from .playground import playground, playground_context


@require_GET
@never_cache
def fastrtc_page(request: HttpRequest) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    return playground(request, "chat/fastrtc.html", page_context())


def page_context() -> dict[str, Any]:
    """For the template ``chat/fastrtc.html``."""
    strings = {
        "talking": _("In the stream. Speak, and cut in when you like."),
        "ended": _("The stream has ended."),
        "lost": _("The connection was lost (code %(code)s). Start again."),
        "you": _("You:"),
        "bot": _("Bot:"),
        "asked": _("The bot asks"),
        "ask_send": _("Send"),
        "input_not_taken": _("The bot does not wait for this any more."),
    }
    modules = ("chat/ask-form", "fastrtc/mulaw", "fastrtc/stream")
    return playground_context("fastrtc", modules, strings)
