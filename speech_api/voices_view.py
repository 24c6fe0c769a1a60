"""``GET /api/v1/voices``: what there is to speak with."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from .answers import for_programs
from .command import Command
from .credentials import holder_of_key
from .service import service
from .speaking import choose


@for_programs("GET")
async def voices(request: HttpRequest) -> HttpResponseBase:
    """All voices, best engine first, by ids that stay; and the one that speaks for unknown ones."""
    await holder_of_key(service(), request, "tts")
    await service().start()
    there = service().voices
    return JsonResponse(
        {
            "voices": [
                {
                    "id": voice.id,
                    "name": voice.name,
                    "language": voice.language,
                    "engine": voice.engine,
                }
                for voice in there.voices()
            ],
            "default": choose(Command("?"), there).voice.id,
        }
    )
