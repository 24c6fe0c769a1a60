"""The message that begins a call on ``/ws/voicebot/``: it tells which dialect its sender speaks.

Ids inside ``start`` as ``callSid`` and ``streamSid``: Twilio Media Streams; ``call_sid`` and
``stream_sid`` with ``account_sid`` or ``media_format``: Exotel AgentStream; without: VoiceBot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from .base import UNREADABLE, Frame, ProtocolError
from .voice_chat_v1 import Label, Language

Dialect = Literal["voicebot", "exotel", "twilio"]
Sid = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[ -~]+\Z")]
Token = Annotated[str, msgspec.Meta(max_length=500)]
Encoding = Literal["pcm_s16le", "mulaw"]
Rate = Literal[8000, 16000, 24000]

_RATES: Mapping[str, Rate] = {"8000": 8000, "16000": 16000, "24000": 24000}
_MULAW = {"audio/x-mulaw", "mulaw", "audio/mulaw", "audio/pcmu", "pcmu"}
_RAW = {"audio/x-raw", "raw", "audio/raw", "audio/l16", "l16", "pcm", "slin"}


class _Event(msgspec.Struct, frozen=True):
    event: str


class _MediaFormat(msgspec.Struct, frozen=True):
    encoding: str | None = None
    sample_rate: str | int | None = None


class Custom(msgspec.Struct, frozen=True):
    """What whoever set the call up put into its custom parameters; others are ignored."""

    bot: Label | None = None
    language: Language | None = None
    voice: Label | None = None
    token: Token | None = None


class _Body(msgspec.Struct, frozen=True):
    call_sid: Sid
    stream_sid: Sid
    account_sid: Any = None
    media_format: _MediaFormat | None = None
    custom_parameters: Custom | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """``call`` and ``stream`` are the sender's ids; ``encoding`` and ``rate`` hold both ways."""

    dialect: Dialect
    call: str
    stream: str
    encoding: Encoding
    rate: Rate
    custom: Custom


def read_start(frame: Frame, rate: str | None = None) -> Start | None:
    """The start in a frame; None for any other event. Raises ``ProtocolError``.

    ``rate`` is what the socket's address asked for (``?sample-rate=``); what start says wins.
    """
    try:
        if msgspec.json.decode(frame, type=_Event).event != "start":
            return None
        # Exotel's own samples mix the spellings, so both are read everywhere.
        raw = _with_plain_names(msgspec.json.decode(frame))
        given = raw.get("start")
        if not isinstance(given, dict):
            raise ProtocolError("bad_message", "start needs an object named start")
        body = _with_plain_names(given)
        if "stream_sid" in raw:
            body.setdefault("stream_sid", raw["stream_sid"])
        if isinstance(body.get("media_format"), dict):
            body["media_format"] = _with_plain_names(body["media_format"])
        start = msgspec.convert(body, _Body)
    except UNREADABLE as error:
        raise ProtocolError("bad_message", str(error)) from None
    dialect = _dialect(given, start)
    return Start(
        dialect,
        start.call_sid,
        start.stream_sid,
        *_format(dialect, start.media_format or _MediaFormat(), rate),
        start.custom_parameters or Custom(),
    )


def _dialect(given: Mapping[str, Any], start: _Body) -> Dialect:
    if "callSid" in given and "streamSid" in given:
        return "twilio"
    if start.account_sid is not None or start.media_format is not None:
        return "exotel"
    return "voicebot"


def _format(dialect: Dialect, format: _MediaFormat, rate: str | None) -> tuple[Encoding, Rate]:
    """Twilio has mu-law at 8 kHz and VoiceBot samples at 8 kHz; Exotel says which."""
    coding = (format.encoding or "").lower()
    asked = None if format.sample_rate is None else str(format.sample_rate)
    if dialect == "twilio":
        if coding not in {"", *_MULAW} or asked not in {None, "8000"}:
            raise ProtocolError("bad_audio", "this stream can only be mu-law at 8000 Hz")
        return "mulaw", 8000
    if dialect == "voicebot":
        return "pcm_s16le", 8000
    if coding not in {"", *_RAW, *_MULAW}:
        text = "media_format.encoding can be audio/x-raw or audio/x-mulaw"
        raise ProtocolError("bad_audio", text)
    hertz = _RATES.get(asked or rate or "8000")
    if hertz is None:
        raise ProtocolError("bad_audio", "the sample rate can be 8000, 16000 or 24000")
    return "mulaw" if coding in _MULAW else "pcm_s16le", hertz


def _with_plain_names(fields: dict[str, Any]) -> dict[str, Any]:
    """``streamSid`` as ``stream_sid``, one level deep."""
    return {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): fields[name] for name in fields}
