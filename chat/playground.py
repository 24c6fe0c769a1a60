"""What the pages to try a protocol with have in common: each is a client of it, to learn from. No database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.people import ensure_guest

_SHARED = (
    "playground/card", "playground/level", "playground/log", "playground/microphone",
    "playground/player", "playground/sound", "voicechat/dom", "voicechat/strings",
)  # fmt: skip


def playground(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    if ensure_guest(request) is None:
        return redirect_to_login(request.get_full_path())
    return render(request, template, context)


def playground_context(
    name: str, modules: Sequence[str], strings: dict[str, str], **config: Any
) -> dict[str, Any]:
    """For a template that extends ``chat/playground.html``.

    ``name`` of the static folder with the page's ``main.js``; the ``modules`` and the ``strings`` that
    it needs beside those that all such pages have, strings by the names that modules use
    (``static/voicechat/strings.js``).
    """
    return {
        "recording": recording_notice(),
        "main": staticfiles_storage.url(f"{name}/main.js"),
        "modules": [staticfiles_storage.url(f"{module}.js") for module in (*_SHARED, *modules)],
        "config": config
        | {
            "worklets": {
                kind: staticfiles_storage.url(f"playground/{kind}-worklet.js")
                for kind in ("microphone", "player")
            },
        },
        "strings": _strings() | strings,
    }


def recording_notice() -> str:
    """What becomes of the person's voice: docs/security.md, Recording. Nobody is asked here."""
    if settings.VOICECHAT_RECORD == "always":
        return _("This call is recorded: what you say is kept as sound and as text.")
    return _("This call is not recorded: what you say is kept as text alone.")


def _strings() -> dict[str, str]:
    return {
        # How it stands.
        "idle": _("Not connected"),
        "asking": _("Allow the microphone when the browser asks…"),
        "connecting": _("Connecting…"),
        # The log.
        "several": _("%(count)s times: %(content)s"),
        "piece": _("%(bytes)s bytes"),
        "closed": _("closed"),
        "sent": _("sent"),
        "received": _("received"),
        # What can be the matter with the sound.
        "no_sound": _("This browser cannot play the bot's voice. Try a current one."),
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
