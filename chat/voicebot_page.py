"""The page of the VoiceBot protocol: a client of it, to try it and to learn from. No database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.people import ensure_guest

from .webhooks import SOCKET_PATH

_MODULES = ("base64", "call", "level", "log", "main", "microphone", "player")


@require_GET
@never_cache
def voicebot_page(request: HttpRequest) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    if ensure_guest(request) is None:
        return redirect_to_login(request.get_full_path())
    return render(request, "chat/voicebot.html", page_context())


def page_context() -> dict[str, Any]:
    """For the template ``chat/voicebot.html``."""
    return {
        "recording": recording_notice(),
        "modules": [staticfiles_storage.url(f"voicebot/{name}.js") for name in _MODULES],
        "config": {
            "socketPath": SOCKET_PATH,
            "worklets": {
                name: staticfiles_storage.url(f"voicebot/{name}-worklet.js")
                for name in ("microphone", "player")
            },
        },
        "strings": _strings(),
    }


def recording_notice() -> str:
    """What becomes of the person's voice: docs/security.md, Recording. Nobody is asked here."""
    if settings.VOICECHAT_RECORD == "always":
        return _("This call is recorded: what you say is kept as sound and as text.")
    return _("This call is not recorded: what you say is kept as text alone.")


def _strings() -> dict[str, str]:
    """By the names that the page's modules use (``static/chat/strings.js``)."""
    return microphone_strings() | {
        # How the call stands.
        "idle": _("Not connected"),
        "asking": _("Allow the microphone when the browser asks…"),
        "connecting": _("Connecting…"),
        "waiting": _("Connected. The call starts in two seconds…"),
        "talking": _("In the call. Speak, and cut in when you like."),
        "ended": _("The call has ended."),
        # Why it ended, by what to do next.
        "timeout": _("The server did not answer within 10 seconds. Try again in a moment."),
        "lost": _("The connection was lost (code %(code)s). Connect again to start a new call."),
        "not_admitted": _("You are not logged in any more. Reload the page."),
        "too_many": _("The server has no room for another call. Try again in a moment."),
        "no_sound": _("This browser cannot play the bot's voice. Try a current one."),
        # The log.
        "several": _("%(count)s times: %(content)s"),
        "piece": _("%(bytes)s bytes"),
        "opened": _("open"),
        "closed": _("closed"),
        "sent": _("sent"),
        "received": _("received"),
    }


def microphone_strings() -> dict[str, str]:
    """What can be the matter with a microphone (``static/voicebot/microphone.js``)."""
    return {
        "microphone_insecure": _(
            "Browsers open the microphone on secure pages only. Open this page by https://, or on "
            "localhost."
        ),
        "microphone_denied": _(
            "The microphone is blocked for this page. Allow it in the address bar's site settings, "
            "then try again."
        ),
        "microphone_missing": _("No microphone was found. Plug one in, then try again."),
        "microphone_busy": _(
            "The microphone cannot be used: another program may have it. Close that one, then try "
            "again."
        ),
        "microphone_failed": _("The microphone did not start (%(name)s). Reload the page."),
        "microphone_lost": _("The microphone was unplugged. Plug it in, then try again."),
        "microphone_muted": _(
            "The microphone is muted by this device or its headset. Unmute it to be heard."
        ),
        "microphone_silent": _(
            "Nothing is heard from the microphone. Check that it is the right one and not muted."
        ),
    }
