"""FastRTC's WebSocket mode, ``/websocket/offer``: docs/protocol.md.

JSON text with an ``event``: mu-law as base64 both ways at rates that only the address tells. What is
told beside the sound has a ``type`` instead. Nothing tells a client to stop playing, so little is
sent ahead.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qs

import msgspec

from .. import events as ev
from .. import messages as msg
from ..events import ClientEvent, VoiceEvent
from ..messages import AudioFormat, Message, VoiceFormat
from .base import UNREADABLE, Frame, Manners, ProtocolError
from .voice_chat_v1 import Id as BotSlug
from .voice_chat_v1 import Label, Language
from .voice_payload import from_base64, voice_arrived

RateIn = Literal[8000, 16000, 24000, 44100, 48000]
RateOut = Literal[8000, 16000, 24000]
# Printable ASCII: ids are compared, stored and logged.
StreamId = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[!-~]+(?![\s\S])")]

_RATES_IN: Mapping[str, RateIn] = {str(rate): rate for rate in get_args(RateIn)}
_RATES_OUT: Mapping[str, RateOut] = {str(rate): rate for rate in get_args(RateOut)}
# After these the stream goes on, and nothing that was said is lost.
_WARNINGS = {"audio_too_fast", "audio_not_stored", "speech_failed"}
Json = dict[str, Any]


class _Query(msgspec.Struct, frozen=True):
    bot: BotSlug | None = None
    language: Language = ""
    voice: Label = ""


class _Media(msgspec.Struct, frozen=True):
    payload: str


class _Arrived(msgspec.Struct, frozen=True):
    event: str
    media: _Media | None = None
    websocket_id: Any = None


class _Start(msgspec.Struct, frozen=True):
    websocket_id: StreamId


@dataclass(frozen=True, slots=True)
class Address:
    """What the socket's address asks for. Rates in Hz; FastRTC's own where it says nothing."""

    rate_in: RateIn = 48000
    rate_out: RateOut = 24000
    bot: str | None = None
    language: str = ""
    voice: str = ""
    token: str = ""

    @classmethod
    def of(cls, query_string: bytes) -> Address:
        """Raises ``ProtocolError`` for what cannot be had."""
        asked = {
            name: values[0] for name, values in parse_qs(query_string.decode("latin-1")).items()
        }
        rate_in = _RATES_IN.get(asked.get("input_rate", "48000"))
        rate_out = _RATES_OUT.get(asked.get("output_rate", "24000"))
        if rate_in is None:
            raise ProtocolError("bad_audio", f"input_rate can be {', '.join(_RATES_IN)}")
        if rate_out is None:
            raise ProtocolError("bad_audio", f"output_rate can be {', '.join(_RATES_OUT)}")
        try:
            query = msgspec.convert(asked, _Query)
        except msgspec.ValidationError as error:
            raise ProtocolError("bad_message", str(error)) from None
        token = asked.get("token", "")
        return cls(rate_in, rate_out, query.bot, query.language, query.voice, token)


@dataclass(frozen=True, slots=True)
class FirstWord:
    """What came before the stream had started. ``id`` is that of a start."""

    event: str
    id: str = ""


def first_word(frame: Frame) -> FirstWord:
    """Raises ``ProtocolError``."""
    arrived = _read(frame)
    if arrived.event != "start":
        return FirstWord(arrived.event)
    try:
        return FirstWord(
            "start", msgspec.convert(arrived, _Start, from_attributes=True).websocket_id
        )
    except msgspec.ValidationError:
        text = "start needs a websocket_id: 1 to 100 printable ASCII characters without spaces"
        raise ProtocolError("bad_message", text) from None


_decoder = msgspec.json.Decoder(_Arrived)
_encoder = msgspec.json.Encoder()


def _read(frame: Frame) -> _Arrived:
    if isinstance(frame, bytes):
        raise ProtocolError("bad_message", "frames are JSON text; a binary one came")
    try:
        return _decoder.decode(frame)
    except UNREADABLE as error:
        raise ProtocolError("bad_message", str(error)) from None


def told(**fields: Any) -> str:
    """A frame."""
    return _encoder.encode(fields).decode()


PONG = told(event="pong")


def error(code: str, message: str) -> str:
    """FastRTC's code reads ``message``, its documents ``data``."""
    kind = "warning" if code in _WARNINGS else "error"
    return told(type=kind, message=message, data=message, code=code)


def limit_reached(limit: int) -> str:
    """There are so many that no more can be taken; the socket closes next."""
    return told(status="failed", meta={"error": "concurrency_limit_reached", "limit": limit})


def end_stream(message: str) -> str:
    """The server closes the socket next."""
    return told(type="end_stream", data=message)


class FastRtc:
    """One stream. The first frame that is decoded is its start."""

    name = "fastrtc"
    # Its clients may be pages without a word about recording, so that is spoken here.
    manners = Manners(telephone=True, chunk_ms=100, lead_ms=200.0, clears=False)

    def __init__(self, address: Address) -> None:
        self._address = address
        self._started = False
        self._person: msg.PersonName = "silent"

    def decode(self, frame: Frame) -> Sequence[ClientEvent | VoiceEvent]:
        if not self._started:
            return self._start(frame)
        arrived = _read(frame)
        match arrived:
            case _Arrived("media", _Media(payload)):
                audio = from_base64(payload)
                return [voice_arrived(audio, "mulaw")] if audio else []
            case _Arrived("media"):
                raise ProtocolError("bad_message", "media needs an object named media")
            case _Arrived("ping"):
                return [ev.Ping()]
            case _Arrived("stop"):
                return [ev.HungUp()]
            case _Arrived("start"):
                raise ProtocolError("bad_message", "start was sent before")
        return []  # whatever may come to be

    def _start(self, frame: Frame) -> Sequence[ClientEvent]:
        word = first_word(frame)
        self._started = True
        address = self._address
        return [
            ev.Hello(
                audio=AudioFormat("mulaw", address.rate_out, "base64"),
                voice_in=VoiceFormat("mulaw", address.rate_in),
                bot=address.bot,
                language=address.language,
                voice=address.voice,
                label=word.id,
            )
        ]

    def encode(self, message: Message) -> Sequence[Frame]:  # noqa: PLR0911 (one for each kind)
        match message:
            case msg.Audio() if message.audio:
                payload = base64.b64encode(message.audio).decode()
                return [told(event="media", media={"payload": payload})]
            case msg.State(person):
                return self._tell_state(person)
            case msg.ReplyStart():
                return [told(type="log", data="response_starting")]
            case msg.Ask(fields=fields):
                return [told(type="send_input", data=fields)]
            case msg.Pong():
                return [PONG]
            case msg.Error(code, text):
                return [error(code, text)]
            case msg.Watched(watched=True, text=text):
                return [told(type="warning", message=text, data=text, code="watched")]
            case msg.GoingAway():
                text = "The server restarts soon."
                return [told(type="warning", message=text, data=text, code="going_away")]
        return []

    def _tell_state(self, person: msg.PersonName) -> Sequence[Frame]:
        """A short pause is none: it is told when it is sure that the person has ended."""
        before, self._person = self._person, person
        if (before == "silent") == (person == "silent"):
            return []
        event = "pause_detected" if person == "silent" else "started_talking"
        return [told(type="log", data=event)]
