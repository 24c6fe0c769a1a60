"""Three dialects of one protocol; what they have in common is in ``media_stream.py``.

VoiceBot is a page's own protocol; Exotel and Twilio are telephone services that dial us. Facts of
each: docs/protocol.md.
"""

from __future__ import annotations

from .. import messages as msg
from .base import Manners
from .media_stream import Json, MediaStream, payload
from .voicebot_start import Start

# Exotel plays messages of whole 320 bytes, at least 3,200 of them.
EXOTEL_STEP_BYTES = 320
EXOTEL_LEAST_BYTES = 3200


class VoiceBot(MediaStream):
    """No ids in what is sent; a mark has a type and a value."""

    name = "voicebot"
    # Its clients may be pages without a word about recording, so that is spoken here, too.
    manners = Manners(marks=True, telephone=True, chunk_ms=200)

    def _media(self, audio: bytes) -> Json:
        return {"event": "media", "media": payload(audio)}

    def _mark(self, name: str) -> Json:
        return {"event": "mark", "mark": {"type": "played", "value": name}}

    def _clear(self) -> Json:
        return {"event": "clear"}

    def _error(self, error: msg.Error) -> Json:
        return {"event": "error", "error": {"code": error.code, "message": error.message}}


class Twilio(MediaStream):
    """Media Streams, ``<Connect><Stream>``: a wrong or missing ``streamSid`` is discarded."""

    name = "twilio"
    manners = Manners(marks=True, telephone=True, chunk_ms=200)

    def _media(self, audio: bytes) -> Json:
        return {"event": "media", "streamSid": self.start.stream, "media": payload(audio)}

    def _mark(self, name: str) -> Json:
        return {"event": "mark", "streamSid": self.start.stream, "mark": {"name": name}}

    def _clear(self) -> Json:
        return {"event": "clear", "streamSid": self.start.stream}


class Exotel(MediaStream):
    """AgentStream: every message is numbered, every piece of audio too."""

    name = "exotel"

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._sample_bytes = 1 if start.encoding == "mulaw" else 2
        self._silence = b"\xff" if start.encoding == "mulaw" else b"\0"
        bytes_per_ms = start.rate * self._sample_bytes // 1000
        self.manners = Manners(
            marks=True,
            telephone=True,
            chunk_ms=max(200, EXOTEL_LEAST_BYTES // bytes_per_ms),
            fill_chunks=True,
        )
        self._messages = self._chunks = self._samples = 0

    def _media(self, audio: bytes) -> Json:
        # A piece that was cut by an interruption that was none, is filled up again.
        size = max(EXOTEL_LEAST_BYTES, -(-len(audio) // EXOTEL_STEP_BYTES) * EXOTEL_STEP_BYTES)
        whole = audio.ljust(size, self._silence)
        self._chunks += 1
        at_ms = self._samples * 1000 // self.start.rate
        self._samples += len(whole) // self._sample_bytes
        place = {"chunk": self._chunks, "timestamp": str(at_ms)}
        return self._numbered("media", media=place | payload(whole))

    def _mark(self, name: str) -> Json:
        return self._numbered("mark", mark={"name": name})

    def _clear(self) -> Json:
        return self._numbered("clear")

    def _numbered(self, event: str, **fields: Json) -> Json:
        self._messages += 1
        return {
            "event": event,
            "sequence_number": self._messages,
            "stream_sid": self.start.stream,
            **fields,
        }
