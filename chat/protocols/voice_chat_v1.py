"""Version 1 of the voice chat socket: docs/protocol.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from .. import events as ev
from .. import messages as msg
from ..events import ClientEvent, VoiceEvent
from ..messages import AudioFormat, Message, VoiceFormat
from . import audio_frame
from .base import UNREADABLE, Frame, Manners, ProtocolError
from .voice_payload import from_base64, voice_arrived

# "$" would let a line feed pass.
_END: Final = r"(?![\s\S])"
# Printable ASCII: ids are compared, stored and logged.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=rf"^[!-~]+{_END}")]
Label = Annotated[str, msgspec.Meta(max_length=100, pattern=rf"^[ -~]*{_END}")]
Language = Annotated[str, msgspec.Meta(max_length=16, pattern=rf"^[A-Za-z0-9-]*{_END}")]
Speed = Annotated[float, msgspec.Meta(ge=0.5, le=2.0)]
Revision = Annotated[int, msgspec.Meta(ge=0)]


class _Wire(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class AudioWish(msgspec.Struct, frozen=True, rename={"voice": "in"}):
    out: AudioFormat | None = None
    voice: VoiceFormat | None = None


class Hello(_Wire, frozen=True, tag="hello"):
    version: int
    conversation: Id | None = None
    bot: Id | None = None
    last_rev: Revision = 0
    audio: AudioWish | None = None
    record: bool | None = None
    voice: Label | None = None
    speed: Speed = 1.0
    language: Language | None = None


class Text(_Wire, frozen=True, tag="text"):
    id: Id
    text: str


class VoiceAudio(_Wire, frozen=True, tag="audio"):
    audio: str


class SpeechStart(_Wire, frozen=True, tag="speech_start"):
    pass


class SpeechStop(_Wire, frozen=True, tag="speech_stop"):
    pass


class Microphone(_Wire, frozen=True, tag="microphone"):
    on: bool
    mode: Literal["open", "push_to_talk"] = "open"


class Interrupt(_Wire, frozen=True, tag="interrupt"):
    pass


class Played(_Wire, frozen=True, tag="played"):
    reply: Id
    ms: Annotated[float, msgspec.Meta(ge=0)]
    done: bool = False


class Configure(_Wire, frozen=True, tag="configure"):
    voice: Label | None = None
    speed: Speed | None = None
    audio: bool | None = None
    record: bool | None = None


class Rate(_Wire, frozen=True, tag="rate"):
    turn: Id
    value: Annotated[int, msgspec.Meta(ge=-1, le=1)]


class Input(_Wire, frozen=True, tag="input"):
    values: dict[str, Any]
    id: Id | None = None


class TakeAudio(_Wire, frozen=True, tag="take_audio"):
    pass


class Ping(_Wire, frozen=True, tag="ping"):
    id: Id | None = None


CLIENT_MESSAGES = (
    Hello
    | Text
    | VoiceAudio
    | SpeechStart
    | SpeechStop
    | Microphone
    | Interrupt
    | Played
    | Configure
    | Rate
    | Input
    | TakeAudio
    | Ping
)


def _hello(wire: Hello) -> ev.Hello:
    if wire.version != 1:
        raise ProtocolError("bad_message", "the version spoken here is 1")
    wish = wire.audio or AudioWish()
    return ev.Hello(
        conversation=wire.conversation,
        bot=wire.bot,
        last_rev=wire.last_rev,
        audio=wish.out,
        voice_in=wish.voice,
        record=wire.record,
        voice=wire.voice or "",
        speed=wire.speed,
        language=wire.language or "",
    )


_EVENTS: dict[type, Callable[[Any], ClientEvent | VoiceEvent]] = {
    Hello: _hello,
    Text: lambda wire: ev.Typed(wire.id, wire.text),
    Interrupt: lambda wire: ev.Interrupt(),
    Played: lambda wire: ev.Played(wire.reply, wire.ms, wire.done),
    SpeechStart: lambda wire: ev.TalkPressed(),
    SpeechStop: lambda wire: ev.TalkReleased(),
    Microphone: lambda wire: ev.MicrophoneSwitched(wire.on, wire.mode == "push_to_talk"),
    Configure: lambda wire: ev.Configure(wire.voice, wire.speed, wire.audio, wire.record),
    Rate: lambda wire: ev.Rate(wire.turn, wire.value),
    Input: lambda wire: ev.Input(wire.values, wire.id),
    TakeAudio: lambda wire: ev.TakeAudio(),
    Ping: lambda wire: ev.Ping(wire.id),
}


class VoiceChatV1:
    name: Final = "voice-chat-1"
    manners: Final = Manners(idle_s=60.0, resumes=True)

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(CLIENT_MESSAGES)
        self._encoder = msgspec.json.Encoder()
        self._framing = "binary"
        self._voice: VoiceFormat | None = None

    def decode(self, frame: Frame) -> Sequence[ClientEvent | VoiceEvent]:
        if isinstance(frame, bytes):
            return [self._voice_arrived(audio_frame.unpack(frame))]
        try:
            wire = self._decoder.decode(frame)
        except UNREADABLE as error:
            raise ProtocolError("bad_message", str(error), _id_of(frame)) from None
        if isinstance(wire, VoiceAudio):
            return [self._voice_arrived(from_base64(wire.audio))]
        event = _EVENTS[type(wire)](wire)
        if isinstance(event, ev.Hello):
            self._voice = event.voice_in
            if event.audio is not None:
                self._framing = event.audio.framing
        return [event]

    def _voice_arrived(self, audio: bytes) -> ev.VoiceArrived:
        if self._voice is None:
            raise ProtocolError("bad_audio", "hello named no format of audio that comes in")
        return voice_arrived(audio, self._voice.encoding)

    def encode(self, message: Message) -> Sequence[Frame]:
        if isinstance(message, msg.SentenceKnown):
            return []
        if isinstance(message, msg.Audio) and self._framing == "binary":
            return [audio_frame.pack(message)]
        return [self._encoder.encode(message).decode()]


class _WithId(msgspec.Struct, frozen=True):
    id: Id


def _id_of(frame: str) -> str | None:
    """The id of a message that is wrong otherwise, so that its sender learns which one it was."""
    try:
        return msgspec.json.decode(frame, type=_WithId).id
    except UNREADABLE:
        return None
