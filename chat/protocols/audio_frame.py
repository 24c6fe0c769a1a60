"""The binary audio frame of version 1: a header of 16 bytes, big-endian, then the payload.

docs/protocol.md, "Binary audio", defines it.
"""

from __future__ import annotations

import struct

from ..messages import Audio

HEADER = struct.Struct(">BBHIQ")
BOT_AUDIO = 1
FIRST, LAST = 1, 2


def pack(audio: Audio) -> bytes:
    """The frame that carries a stretch of the bot's audio."""
    flags = (FIRST if audio.first else 0) | (LAST if audio.last else 0)
    sequence = audio.sequence & 0xFFFFFFFF
    header = HEADER.pack(BOT_AUDIO, flags, audio.generation, sequence, audio.position)
    return header + audio.audio
