"""The page ``/tts/``: type a text, hear it, and see the request that a program would send.

For users, and for guests where ``VOICECHAT_ALLOW_GUESTS`` allows them. They need no key; what they may
do in a minute is less than a key's.
"""

from __future__ import annotations

import math
import uuid
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from limits import RateLimitItemPerMinute

from accounts.people import current_person, ensure_guest
from conversations.database import in_database

from .answers import body_of, plain_error
from .clips import Clip, find, keep
from .command import Command, parse_object, read_command
from .errors import SpeechError
from .service import service
from .speaking import choose
from .streaming import stream_of

MAX_CHARS: Final = 2_000
CLIPS_A_MINUTE: Final = 30
CHARACTERS_A_MINUTE: Final = 10_000
SPEEDS: Final = ("0.5", "0.75", "1", "1.25", "1.5", "2")
FORMATS: Final = (
    ("mp3", "MP3"),
    ("wav", "WAV"),
    ("ogg", "Ogg Opus"),
    ("flac", "FLAC"),
    ("raw", "PCM, 16 bit"),
    ("mulaw", "mu-law"),
)
_MODULES: Final = (
    "tts/plain-player", "tts/requests", "voicechat/dom", "voicechat/strings",
)  # fmt: skip


@require_GET
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Guests get their session here, or are sent to log in."""
    if ensure_guest(request) is None:
        return redirect_to_login(request.get_full_path())
    there = service().voices
    return render(
        request,
        "speech_api/tts.html",
        {
            "voices": there.voices(),
            "default": choose(Command("?"), there).voice.id,
            "speeds": SPEEDS,
            "formats": FORMATS,
            "max_chars": MAX_CHARS,
            "main": staticfiles_storage.url("tts/main.js"),
            "modules": [staticfiles_storage.url(f"{name}.js") for name in _MODULES],
            "config": {
                "clips": reverse("speech-clips"),
                "endpoint": request.build_absolute_uri(reverse("speech-stream")),
            },
            "strings": _strings(),
        },
    )


@require_POST
@never_cache
async def clips(request: HttpRequest) -> HttpResponseBase:
    """Take a text; answer with the address at which it is heard."""
    try:
        person = await in_database(_person, request)
        command, fields = _read(request)
        await _spend(person, len(command.text))
    except SpeechError as error:
        return JsonResponse(plain_error(error), status=error.status)
    id = await in_database(keep, Clip(person, fields))
    return JsonResponse({"url": reverse("speech-clip", args=[id])})


@require_GET
@never_cache
async def clip(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:
    """The sound of a clip of one's own, as it is spoken; for anybody else there is none."""
    try:
        kept = await in_database(find, id, await in_database(_person, request))
        if kept is None:
            raise SpeechError(404, "no_clip", "There is no such clip, or no longer.")  # noqa: TRY301
        return await stream_of(read_command(kept.fields), lambda _ms: None)
    except SpeechError as error:
        return JsonResponse(plain_error(error), status=error.status)


def _person(request: HttpRequest) -> str:
    """The id of the person who asks. Raises ``SpeechError``."""
    person = current_person(request.user, request.session, create=False)
    if person is None:
        raise SpeechError(403, "not_admitted", "Open the page again, or log in.")
    return str(person.pk)


def _read(request: HttpRequest) -> tuple[Command, dict[str, Any]]:
    fields = dict(parse_object(body_of(request)))
    return read_command(fields, max_chars=MAX_CHARS), fields


async def _spend(person: str, characters: int) -> None:
    for name, amount, a_minute in (
        ("clips", 1, CLIPS_A_MINUTE),
        ("clip characters", characters, CHARACTERS_A_MINUTE),
    ):
        rate = RateLimitItemPerMinute(a_minute)
        wait_s = await service().counters.rates.take_whole(rate, f"{name}:person:{person}", amount)
        if wait_s is not None:
            message = _("That was a lot in a minute. Try again in %(seconds)s s.")
            raise SpeechError(429, "too_many", message % {"seconds": math.ceil(wait_s)})


def _strings() -> dict[str, str]:
    """By the names that the page's modules use (``static/voicechat/strings.js``)."""
    return {
        "speaking": _("Speaking…"),
        "playing": _("Playing."),
        "done": _("Done."),
        "stopped": _("Stopped."),
        "blocked": _("The sound is ready: press play."),
        "failed": _("It could not be played. Try again."),
        "lost": _("The server cannot be reached. Try again."),
        "reload": _("Reload the page, or log in again."),
        "copied": _("Copied."),
        "selected": _("It is selected: copy it with Ctrl + C."),
    }
