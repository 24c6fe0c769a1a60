"""PlayAI's and PlayHT's HTTP side: where to connect, and the same commands by POST."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from accounts.api_keys.admission import KeyHolder, Scope

from .addresses import Addresses, Shape
from .answers import body_of, for_programs, scope_of
from .command import Command, parse_object, read_command, request_id_of, snake_case
from .credentials import holder_of_key, holder_of_token
from .service import service
from .streaming import spoken_response, whole


@for_programs("POST")
async def addresses(request: HttpRequest, shape: Shape, scope: Scope = "tts") -> HttpResponseBase:
    """Signed addresses for whoever has a key for ``scope``. The body is not looked at."""
    holder = await holder_of_key(service(), request, scope)
    base = request.build_absolute_uri("/")
    return JsonResponse(shape(Addresses.from_now(base, holder.key)))


@for_programs("POST")
async def stream_with_key(request: HttpRequest, default_format: str) -> HttpResponseBase:
    """``/api/v1/tts/stream`` and ``/api/v2/tts/stream``."""
    holder = await holder_of_key(service(), request, "tts")
    return await spoken_response(_command(request, default_format), holder)


@for_programs("POST")
async def stream(request: HttpRequest, model: str) -> HttpResponseBase:
    """``/tts/<model>/stream?token=…``."""
    holder = await _holder(request, model)
    return await spoken_response(_command(request), holder)


@for_programs("POST")
async def at_once(request: HttpRequest, model: str) -> HttpResponseBase:
    """``/tts/<model>/?token=…``: all of the audio together, with its length."""
    holder = await _holder(request, model)
    return await whole(_command(request), holder)


async def _holder(request: HttpRequest, model: str) -> KeyHolder:
    token = request.GET.get("token", "")
    return await holder_of_token(service(), scope_of(request), token, model)


def _command(request: HttpRequest, default_format: str = "mp3") -> Command:
    fields = snake_case(parse_object(body_of(request)))
    return read_command(fields, request_id_of(fields), default_format)
