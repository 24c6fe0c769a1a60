"""What VoiceBot, Exotel AgentStream and Twilio Media Streams have in common: docs/protocol.md.

JSON with an ``event``: audio as base64 both ways, ``clear``, and ``mark``, which comes back when
playback has reached it. Audio that we send is followed by a mark, so that we know what was heard.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from .. import events as ev
from .. import messages as msg
from ..events import ClientEvent, VoiceEvent
from ..messages import AudioFormat, Message, VoiceFormat
from .base import UNREADABLE, Frame, Manners, ProtocolError
from .marks import Marks
from .voice_payload import from_base64, voice_arrived
from .voicebot_start import Start

KEYS = frozenset("0123456789ABCD*#")
Json = dict[str, Any]


class _Media(msgspec.Struct, frozen=True):
    payload: str
    track: str | None = None


class _Key(msgspec.Struct, frozen=True):
    digit: str | int


class _Mark(msgspec.Struct, frozen=True):
    name: str | None = None
    value: str | None = None


class _Arrived(msgspec.Struct, frozen=True):
    event: str
    media: _Media | None = None
    dtmf: _Key | None = None
    mark: _Mark | None = None


class MediaStream(ABC):
    """One call. The first frame that is decoded is the ``start`` it was made of."""

    name: str
    manners: Manners

    def __init__(self, start: Start) -> None:
        self.start = start
        self._started = False
        self._marks = Marks()
        self._decoder = msgspec.json.Decoder(_Arrived)
        self._encoder = msgspec.json.Encoder()

    def decode(self, frame: Frame) -> Sequence[ClientEvent | VoiceEvent]:
        if not self._started:
            self._started = True
            return [self._hello()]
        try:
            arrived = self._decoder.decode(frame)
        except UNREADABLE as error:
            raise ProtocolError("bad_message", str(error)) from None
        match arrived:
            case _Arrived(event="media", media=_Media() as media):
                return self._hear(media)
            case _Arrived(event="mark", mark=_Mark() as mark):
                played = self._marks.reached(mark.name or mark.value)
                return [] if played is None else [played]
            case _Arrived(event="dtmf", dtmf=_Key() as key):
                return [_digit(key)]
            case _Arrived(event="stop"):
                return [ev.HungUp()]
            case _Arrived(event="start"):
                raise ProtocolError("bad_message", "start was sent before")
            case _Arrived(event="media" | "mark" | "dtmf" as event):
                raise ProtocolError("bad_message", f"{event} needs an object named {event}")
        return []  # connected, Exotel's clear, and whatever may come to be

    def _hello(self) -> ev.Hello:
        start, custom = self.start, self.start.custom
        return ev.Hello(
            audio=AudioFormat(start.encoding, start.rate, "base64"),
            voice_in=VoiceFormat(start.encoding, start.rate),
            bot=custom.bot or None,
            language=custom.language or "",
            voice=custom.voice or "",
            label=start.call,
        )

    def _hear(self, media: _Media) -> Sequence[VoiceEvent]:
        if media.track == "outbound":  # the bot's own voice
            return []
        audio = from_base64(media.payload)
        return [voice_arrived(audio, self.start.encoding)] if audio else []

    def encode(self, message: Message) -> Sequence[Frame]:
        match message:
            case msg.Audio() if message.audio:
                return self._play(message)
            case msg.Clear():
                self._marks.clear()
                return [self._frame(self._clear())]
            case msg.Error():
                told = self._error(message)
                return [] if told is None else [self._frame(told)]
        return []

    def _play(self, message: msg.Audio) -> Sequence[Frame]:
        samples = len(message.audio)
        if self.start.encoding == "pcm_s16le":
            samples //= 2
        end_ms = (message.position + samples) * 1000 / self.start.rate
        mark = self._marks.after(message.reply, end_ms)
        return [self._frame(self._media(message.audio)), self._frame(self._mark(mark))]

    def _frame(self, told: Json) -> Frame:
        return self._encoder.encode(told).decode()

    # --- the words of a dialect ---------------------------------------------------------------

    @abstractmethod
    def _media(self, audio: bytes) -> Json: ...

    @abstractmethod
    def _mark(self, name: str) -> Json: ...

    @abstractmethod
    def _clear(self) -> Json: ...

    def _error(self, error: msg.Error) -> Json | None:
        """None: the dialect has no errors, and its clients refuse what they do not know."""
        return None


def payload(audio: bytes) -> Json:
    return {"payload": base64.b64encode(audio).decode()}


def _digit(key: _Key) -> ev.Digit:
    digit = str(key.digit).upper()
    if digit not in KEYS:
        raise ProtocolError("bad_message", "dtmf.digit is one of 0-9, A-D, * and #")
    return ev.Digit(digit)
