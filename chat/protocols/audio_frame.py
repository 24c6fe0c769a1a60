"""The binary audio frame of version 1: a header of 16 bytes, big-endian, then the payload.

docs/protocol.md, "Binary audio", defines it.
"""

from __future__ import annotations

import struct

from ..messages import Audio
from .base import ProtocolError

HEADER = struct.Struct(">BBHIQ")
BOT_AUDIO, PERSON_AUDIO = 1, 2
FIRST, LAST = 1, 2


def pack(audio: Audio) -> bytes:
    """The frame that carries a stretch of the bot's audio."""
    flags = (FIRST if audio.first else 0) | (LAST if audio.last else 0)
    sequence = audio.sequence & 0xFFFFFFFF
    header = HEADER.pack(BOT_AUDIO, flags, audio.generation, sequence, audio.position)
    return header + audio.audio


def unpack(frame: bytes) -> bytes:
    """The person's audio in a frame of theirs. Raises ``ProtocolError``.

    Only the type and the payload count: the socket keeps the order.
    """
    if len(frame) < HEADER.size:
        raise ProtocolError("bad_audio", f"a binary frame begins with {HEADER.size} bytes")
    if frame[0] != PERSON_AUDIO:
        raise ProtocolError("bad_audio", f"binary frames to the server are of type {PERSON_AUDIO}")
    return frame[HEADER.size :]
