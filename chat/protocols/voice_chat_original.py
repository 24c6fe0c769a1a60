"""The original voice chat client, as it stands: docs/protocol.md, "The original face".

It parses every frame as JSON, makes a bubble of each ``text``, and plays each ``audio`` at once.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from .. import events as ev
from .. import messages as msg
from ..events import ClientEvent
from ..messages import AudioFormat, Message
from .base import UNREADABLE, Frame, Manners, ProtocolError


class _Question(msgspec.Struct, frozen=True):
    usr_query: str
    usr_id: str | int | None = None
    guest_id: str | int | None = None
    is_voice: bool | None = None


class VoiceChatOriginal:
    name: Final = "voice-chat-original"
    manners: Final = Manners(plays_at_once=True, text_waits=True)

    def __init__(self) -> None:
        self._said_hello = False
        self._kind = ""
        self._cards: tuple[dict[str, Any], ...] = ()
        # Texts of realtime items that go out with their sound, by index of the sentence.
        self._unsaid: dict[int, str] = {}
        self._spoken = False
        self._index = 0
        self._clip = b""
        # Sound of a property reply that was ready before its text.
        self._early: list[Frame] | None = None

    def decode(self, frame: Frame) -> Sequence[ClientEvent]:
        try:
            question = msgspec.json.decode(frame, type=_Question)
        except UNREADABLE as error:
            raise ProtocolError("bad_message", str(error)) from None
        typed = ev.Typed(None, question.usr_query, spoken=question.is_voice is not False)
        if self._said_hello:
            return [typed]
        self._said_hello = True
        label = str(question.usr_id or question.guest_id or "")
        return [ev.Hello(audio=AudioFormat(encoding="mp3"), label=label), typed]

    def encode(self, message: Message) -> Sequence[Frame]:  # noqa: PLR0911 (one for each message)
        match message:
            case msg.ReplyStart():
                return self._start(message)
            case msg.CardsShown():
                return self._show(message)
            case msg.SentenceKnown():
                return self._know(message)
            case msg.TextEnd():
                return self._end_text(message)
            case msg.Sentence():
                self._index, self._clip = message.index, b""
            case msg.Audio():
                return self._play(message)
            case msg.ReplyEnd():
                return self._flush()
            case msg.Watched(text=text) if text:
                return [_json({"type": "notice", "text": text})]
            case msg.Error():
                error = {"type": "error", "code": message.code, "message": message.message}
                return [*self._flush(), _json(error | {"text": message.message})]
        return []

    def _start(self, message: msg.ReplyStart) -> Sequence[Frame]:
        self._kind = message.kind
        self._spoken = message.voice is not None
        self._cards = ()
        self._unsaid = {}
        self._early = None
        return []

    def _show(self, message: msg.CardsShown) -> Sequence[Frame]:
        self._kind = "property"
        self._cards = message.cards
        if self._early is None:
            self._early = []
        return []

    def _know(self, message: msg.SentenceKnown) -> Sequence[Frame]:
        text = message.text.strip()
        if not text or self._kind == "property":
            return []
        if self._kind == "realtime" and self._spoken:
            self._unsaid[message.index] = text
            return []
        return [_text(text, text)]

    def _end_text(self, message: msg.TextEnd) -> Sequence[Frame]:
        if self._kind != "property":
            return []
        early, self._early = self._early or [], None
        return [_text({"cards": self._cards}, message.text.strip()), *early]

    def _play(self, message: msg.Audio) -> Sequence[Frame]:
        self._clip += message.audio
        if not message.last or not self._clip:
            return []
        voice = {"type": "voice", "audio": base64.b64encode(self._clip).decode()}
        text = self._unsaid.pop(self._index, None)
        frame = _json(voice if text is None else voice | {"text": text})
        if self._early is not None:
            self._early.append(frame)
            return []
        return [frame]

    def _flush(self) -> Sequence[Frame]:
        """What should have gone out with its sound goes out without it."""
        self._spoken = False
        unsaid, self._unsaid = self._unsaid, {}
        return [_text(text, text) for text in unsaid.values()]


def _text(content: object, text: str) -> Frame:
    return _json({"type": "text", "content": content, "text": text})


def _json(value: object) -> Frame:
    return msgspec.json.encode(value).decode()
