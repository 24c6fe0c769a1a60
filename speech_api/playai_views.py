"""PlayAI's and PlayHT's HTTP side: where to connect, and the same commands by POST."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from .addresses import Addresses, Shape
from .answers import body_of, for_programs, headers_of
from .command import Command, parse_object, read_command, request_id_of, snake_case
from .credentials import holder_of_key, holder_of_token
from .streaming import spoken_response, whole


@for_programs("POST")
async def addresses(request: HttpRequest, shape: Shape) -> HttpResponseBase:
    """Signed addresses for whoever has a key. The body is not looked at."""
    holder = await holder_of_key(headers_of(request), "tts")
    base = request.build_absolute_uri("/")
    return JsonResponse(shape(Addresses.from_now(base, holder.key)))


@for_programs("POST")
async def stream_with_key(request: HttpRequest, default_format: str) -> HttpResponseBase:
    """``/api/v1/tts/stream`` and ``/api/v2/tts/stream``."""
    holder = await holder_of_key(headers_of(request), "tts")
    return await spoken_response(_command(request, default_format), holder)


@for_programs("POST")
async def stream(request: HttpRequest, model: str) -> HttpResponseBase:
    """``/tts/<model>/stream?token=…``."""
    holder = await holder_of_token(request.GET.get("token", ""), model)
    return await spoken_response(_command(request), holder)


@for_programs("POST")
async def at_once(request: HttpRequest, model: str) -> HttpResponseBase:
    """``/tts/<model>/?token=…``: all of the audio together, with its length."""
    holder = await holder_of_token(request.GET.get("token", ""), model)
    return await whole(_command(request), holder)


def _command(request: HttpRequest, default_format: str = "mp3") -> Command:
    fields = snake_case(parse_object(body_of(request)))
    return read_command(fields, request_id_of(fields), default_format)
