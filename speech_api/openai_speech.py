"""OpenAI's ``POST /v1/audio/speech``: a text is spoken, as bytes or as server-sent events."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from speech.encoders import Format

from .answers import body_of, event, for_programs, openai_error
from .command import Command, parse_object, read_language, read_speed, read_text
from .credentials import holder_of_key
from .errors import SpeechError
from .service import service
from .streaming import spoken_response

MAX_CHARS: Final = 4096
RATE: Final = 24_000
SLOWEST, FASTEST = 0.25, 4.0
FORMATS: Final[dict[str, Format]] = {
    "mp3": "mp3",
    "opus": "ogg",
    "aac": "aac",
    "flac": "flac",
    "wav": "wav",
    "pcm": "pcm",
}


@for_programs("POST", shape=openai_error)
async def speech(request: HttpRequest) -> HttpResponseBase:
    """Audio in ``response_format``, as it is spoken; with ``stream_format`` "sse", in events."""
    holder = await holder_of_key(service(), request, "tts")
    fields = parse_object(body_of(request))
    command = read_speech(fields)
    in_events = _choice(fields, "stream_format", ("audio", "sse"), "audio") == "sse"
    response = await spoken_response(command, holder)
    if not in_events:
        return response
    return StreamingHttpResponse(
        _events(response, len(command.text)),
        headers={**response.headers, "Content-Type": "text/event-stream; charset=utf-8"},
    )


def read_speech(fields: Mapping[str, Any]) -> Command:
    """The command that a request is; ``language`` is an addition of ours. Raises ``SpeechError``."""
    _required_string(fields, "model")
    name = _choice(fields, "response_format", tuple(FORMATS), "mp3")
    voice = fields.get("voice")
    if isinstance(voice, dict):
        voice = voice.get("id")
    if not isinstance(voice, str) or not voice:
        message = "voice has to be the id of a voice. GET /api/v1/voices lists them."
        raise SpeechError(400, "bad_voice", message, param="voice")
    language = fields.get("language") or ""
    if not isinstance(language, str):
        raise SpeechError(400, "bad_language", "language has to be a string.", param="language")
    return Command(
        text=read_text(fields.get("input"), "input", MAX_CHARS),
        voice=voice,
        language=read_language(language),
        format=FORMATS[name],
        rate=RATE,
        speed=read_speed(fields.get("speed"), SLOWEST, FASTEST),
    )


async def _events(audio: StreamingHttpResponse, characters: int) -> AsyncIterator[bytes]:
    pieces = 0
    async for piece in audio:
        pieces += 1
        yield event(type="speech.audio.delta", audio=base64.b64encode(piece).decode())
    # We know no tokens: characters in and pieces of audio out are what there is to count.
    usage = {"input_tokens": characters, "output_tokens": pieces}
    yield event(type="speech.audio.done", usage={**usage, "total_tokens": characters + pieces})


def _required_string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        message = f"{name} is missing: it has to be a string."
        raise SpeechError(400, f"bad_{name}", message, param=name)
    return value


def _choice(fields: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    value = fields.get(name)
    if value is None:
        return default
    if value not in choices:
        message = f"{name} has to be one of {', '.join(choices)}."
        raise SpeechError(400, f"bad_{name}", message, param=name)
    chosen: str = value
    return chosen
