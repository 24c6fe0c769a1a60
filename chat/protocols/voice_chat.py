"""One address, two faces: the first object a client sends tells which of them it speaks."""

from __future__ import annotations

import msgspec

from .base import UNREADABLE, Frame, Protocol, ProtocolError
from .voice_chat_original import VoiceChatOriginal
from .voice_chat_v1 import VoiceChatV1


class _First(msgspec.Struct, frozen=True):
    type: str | None = None


def choose(first: Frame) -> Protocol:
    """The protocol of a client that began with ``first``. Raises ``ProtocolError``: ask again."""
    try:
        message = msgspec.json.decode(first, type=_First)
    except UNREADABLE as error:
        raise ProtocolError("bad_message", str(error)) from None
    return VoiceChatV1() if message.type == "hello" else VoiceChatOriginal()
