"""The TTS command: what a client wants spoken, read and checked. Pure: no I/O, no engines.

One form for the WebSocket and its HTTP twins: docs/speech.md, Commands. Fields that we have no use
for (temperature, guidance, voice_2 …) are ignored, and so are unknown ones; null is the same as
absent everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from speech.encoders import HIGHEST_RATE, LOWEST_RATE, Format
from speech.pcm import clamp_speed
from speech.tts.language_names import tag_of

from .errors import SpeechError

MAX_CHARS: Final = 20_000
MAX_REQUEST_ID_CHARS: Final = 256
MAX_SEED: Final = 2**64
_EXACT: Final = 2**53  # numbers that every JSON reader gives back as they are
SLOWEST, FASTEST = 0.1, 5.0
DEFAULT_RATE: Final = 24_000
TELEPHONE_RATE: Final = 8_000

FORMATS: Final[dict[str, Format]] = {
    "mp3": "mp3",
    "wav": "wav",
    "mulaw": "mulaw",
    "raw": "pcm",
    "pcm": "pcm",
    "ogg": "ogg",
    "flac": "flac",
}
"""By their names on the wire. "raw" is S16LE mono without a header, as "pcm"."""

RequestId = str | int | float | None

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]+")
_CAMEL: Final = re.compile("(?<=[a-z0-9])([A-Z])")
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that can be carried out.

    ``text`` has no control characters and no lone surrogates, and is not blank. ``voice`` is the
    wish, which may be no voice that is here; ``language`` a BCP 47 tag or "". ``rate`` is in Hz,
    ``speed`` within 0.5-2. With a ``seed`` the same command gives the same audio, byte for byte.
    """

    text: str = field(repr=False)
    voice: str = ""
    language: str = ""
    format: Format = "mp3"
    rate: int = DEFAULT_RATE
    speed: float = 1.0
    seed: int | None = None
    request_id: RequestId = None


def parse_frame(frame: str | bytes) -> tuple[Mapping[str, Any], RequestId]:
    """A frame of the socket as a JSON object, and the request's own id. Raises ``SpeechError``."""
    if isinstance(frame, bytes):
        raise SpeechError(400, "binary", "Commands are JSON in text frames; this one is binary.")
    fields = parse_object(frame)
    return fields, request_id_of(fields)


def parse_object(text: str | bytes) -> Mapping[str, Any]:
    """A JSON object. Raises ``SpeechError``."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SpeechError(400, "not_json", "A command has to be JSON.") from error
    if not isinstance(value, dict):
        raise SpeechError(400, "not_an_object", "A command has to be a JSON object.")
    return value


def snake_case(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields as play.ai's HTTP endpoints write them (``outputFormat``), as the socket does."""
    return {_CAMEL.sub(r"_\1", name).lower(): value for name, value in fields.items()}


def request_id_of(fields: Mapping[str, Any]) -> RequestId:
    """The id that is echoed. Raises ``SpeechError`` for what is none."""
    value = fields.get("request_id")
    if isinstance(value, str) and len(value) <= MAX_REQUEST_ID_CHARS:
        return value
    if value is None or (_is_number(value) and abs(value) <= _EXACT):
        number: int | float | None = value
        return number
    message = f"request_id has to be a string of {MAX_REQUEST_ID_CHARS} characters at most."
    raise SpeechError(400, "bad_request_id", message, param="request_id")


def read_command(
    fields: Mapping[str, Any],
    request_id: RequestId = None,
    default_format: str = "mp3",
    max_chars: int = MAX_CHARS,
) -> Command:
    """The command that ``fields`` are. Raises ``SpeechError``."""
    format = FORMATS[_format(fields.get("output_format"), default_format)]
    return Command(
        text=read_text(fields.get("text"), "text", max_chars),
        voice=_string(fields, "voice"),
        language=read_language(_string(fields, "language")),
        format=format,
        rate=_rate(fields.get("sample_rate"), format),
        speed=read_speed(fields.get("speed"), SLOWEST, FASTEST),
        seed=_seed(fields.get("seed")),
        request_id=request_id,
    )


def read_text(value: Any, name: str, max_chars: int = MAX_CHARS) -> str:
    """A text, or the lines of one. Raises ``SpeechError``."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if value is None:
        raise SpeechError(400, "no_text", f"{name} is missing.", param=name)
    if not isinstance(value, str):
        message = f"{name} has to be a string, or an array of strings."
        raise SpeechError(400, "bad_text", message, param=name)
    if len(value) > max_chars:
        message = f"{name} has {len(value)} characters; {max_chars} are allowed."
        raise SpeechError(413, "text_too_long", message, param=name)
    text = _CONTROL.sub(" ", value)
    if not text.strip():
        raise SpeechError(400, "no_text", f"{name} is empty.", param=name)
    return text


def read_speed(value: Any, slowest: float, fastest: float) -> float:
    """A speed within ``slowest`` and ``fastest``, clamped to what engines do. Raises ``SpeechError``."""
    if value is None:
        return 1.0
    if not _is_number(value) or not slowest <= value <= fastest:
        message = f"speed has to be a number from {slowest:g} to {fastest:g}."
        raise SpeechError(400, "bad_speed", message, param="speed")
    return clamp_speed(float(value))


def _format(value: Any, default: str) -> str:
    if value is None:
        return default
    if not isinstance(value, str) or value.lower() not in FORMATS:
        message = f"output_format has to be one of {', '.join(FORMATS)}."
        raise SpeechError(400, "unknown_format", message, param="output_format")
    return value.lower()


def _rate(value: Any, format: Format) -> int:
    if value is None:
        return TELEPHONE_RATE if format == "mulaw" else DEFAULT_RATE
    if not _is_number(value) or not LOWEST_RATE <= value <= HIGHEST_RATE or value != int(value):
        message = f"sample_rate has to be a whole number from {LOWEST_RATE} to {HIGHEST_RATE}."
        raise SpeechError(400, "bad_sample_rate", message, param="sample_rate")
    return int(value)


def _seed(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_SEED:
        message = "seed has to be a whole number, 0 or more, in 64 bits."
        raise SpeechError(400, "bad_seed", message, param="seed")
    return value


def read_language(name: str) -> str:
    """A language by its English name, or as a BCP 47 tag, as the tag. Raises ``SpeechError``."""
    if not name or _LANGUAGE_TAG.fullmatch(name):
        return name
    tag = tag_of(name)
    if tag is None:
        message = "language has to be the English name of a language, such as german, or its tag."
        raise SpeechError(400, "unknown_language", message, param="language")
    return tag


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SpeechError(400, f"bad_{name}", f"{name} has to be a string.", param=name)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
