"""The page of the VoiceBot protocol: a client of it, to try it and to learn from. No database."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from .playground import playground, playground_context
from .webhooks import SOCKET_PATH


@require_GET
@never_cache
def voicebot_page(request: HttpRequest) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    return playground(request, "chat/voicebot.html", page_context())


def page_context() -> dict[str, Any]:
    """For the template ``chat/voicebot.html``."""
    strings = {
        "waiting": _("Connected. The call starts in two seconds…"),
        "talking": _("In the call. Speak, and cut in when you like."),
        "ended": _("The call has ended."),
        "opened": _("open"),
        # Why it ended, by what to do next.
        "timeout": _("The server did not answer within 10 seconds. Try again in a moment."),
        "lost": _("The connection was lost (code %(code)s). Connect again to start a new call."),
        "not_admitted": _("You are not logged in any more. Reload the page."),
        "too_many": _("The server has no room for another call. Try again in a moment."),
    }
    modules = ("voicebot/base64", "voicebot/call")
    return playground_context("voicebot", modules, strings, socketPath=SOCKET_PATH)
