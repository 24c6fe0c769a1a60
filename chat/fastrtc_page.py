"""The page of FastRTC's WebSocket mode: a client of it, to try it and to learn from. No database."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.people import ensure_guest

from .voicebot_page import microphone_strings, recording_notice

_MODULES = ("main", "mulaw", "stream")


@require_GET
@never_cache
def fastrtc_page(request: HttpRequest) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    if ensure_guest(request) is None:
        return redirect_to_login(request.get_full_path())
    return render(request, "chat/fastrtc.html", page_context())


def page_context() -> dict[str, Any]:
    """For the template ``chat/fastrtc.html``."""
    return {
        "recording": recording_notice(),
        "modules": [staticfiles_storage.url(f"fastrtc/{name}.js") for name in _MODULES],
        "config": {
            "worklets": {
                name: staticfiles_storage.url(f"voicebot/{name}-worklet.js")
                for name in ("microphone", "player")
            },
        },
        "strings": _strings(),
    }


def _strings() -> dict[str, str]:
    """By the names that the page's modules use (``static/chat/strings.js``)."""
    return microphone_strings() | {
        "idle": _("Not connected"),
        "asking": _("Allow the microphone when the browser asks…"),
        "connecting": _("Connecting…"),
        "talking": _("In the stream. Speak, and cut in when you like."),
        "ended": _("The stream has ended."),
        "lost": _("The connection was lost (code %(code)s). Start again."),
        "no_sound": _("This browser cannot play the bot's voice. Try a current one."),
        "you": _("You:"),
        "bot": _("Bot:"),
        "asked": _("The bot asks"),
        "ask_send": _("Send"),
        "input_not_taken": _("The bot does not wait for this any more."),
        "several": _("%(count)s times: %(content)s"),
        "piece": _("%(bytes)s bytes"),
        "closed": _("closed"),
        "sent": _("sent"),
        "received": _("received"),
    }
