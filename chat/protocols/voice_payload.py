"""The person's voice as a message carries it: base64, whole samples."""

from __future__ import annotations

import binascii

from ..events import VoiceArrived
from .base import ProtocolError


def from_base64(text: str) -> bytes:
    """The bytes of a payload. Raises ``ProtocolError`` for what is no base64 (RFC 4648, 4)."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error, and its plain kind for what is not ASCII
        raise ProtocolError("bad_audio", f"audio is not base64: {error}") from None


def voice_arrived(audio: bytes, encoding: str) -> VoiceArrived:
    """A stretch of voice. Raises ``ProtocolError`` for half a sample."""
    if encoding == "pcm_s16le" and len(audio) % 2:
        raise ProtocolError("bad_audio", "a sample of pcm_s16le has two bytes; half of one came")
    return VoiceArrived(audio)
