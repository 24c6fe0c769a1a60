"""How a caller writes: Exotel's AgentStream, which Pipecat and we speak, and FastRTC's."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Protocol

from websockets.frames import Frame, Opcode

from speech.g711 import encode_ulaw

RATE = 8000


class Dialect(Protocol):
    """``path`` is the address of the socket; ``bytes_per_s`` of sound in a payload."""

    @property
    def path(self) -> str: ...

    @property
    def bytes_per_s(self) -> int: ...

    def hello(self, call: str) -> list[str]:
        """What is sent first."""
        ...

    def media(self, pcm: bytes, number: int) -> str:
        """A message with S16LE mono at ``RATE``."""
        ...

    def mark(self, name: str) -> str:
        """A mark on its way back."""
        ...


@dataclass(frozen=True, slots=True)
class Exotel:
    """Raw samples at 8 kHz (docs/protocol.md, Exotel)."""

    path: str
    bytes_per_s: int = RATE * 2

    def hello(self, call: str) -> list[str]:
        format = {"encoding": "audio/x-raw", "sample_rate": str(RATE), "bit_rate": "16"}
        ids = {"stream_sid": call, "call_sid": call, "account_sid": "benchmark"}
        start = ids | {"from": "", "to": "", "custom_parameters": {}, "media_format": format}
        return [
            json.dumps({"event": "connected"}),
            json.dumps(
                {"event": "start", "sequence_number": 1, "stream_sid": call, "start": start}
            ),
        ]

    def media(self, pcm: bytes, number: int) -> str:
        payload = base64.b64encode(pcm).decode()
        at_ms = number * len(pcm) * 1000 // self.bytes_per_s
        media = {"chunk": number, "timestamp": str(at_ms), "payload": payload}
        return json.dumps(
            {"event": "media", "sequence_number": number, "stream_sid": "", "media": media}
        )

    def mark(self, name: str) -> str:
        return json.dumps(
            {"event": "mark", "sequence_number": 1, "stream_sid": "", "mark": {"name": name}}
        )


@dataclass(frozen=True, slots=True)
class FastRtc:
    """G.711 mu-law at 8 kHz; there are no marks."""

    path: str = "/websocket/offer"
    bytes_per_s: int = RATE

    def hello(self, call: str) -> list[str]:
        return [json.dumps({"event": "start", "websocket_id": call})]

    def media(self, pcm: bytes, number: int) -> str:
        payload = base64.b64encode(encode_ulaw(pcm)).decode()
        return json.dumps({"event": "media", "media": {"payload": payload}})

    def mark(self, name: str) -> str:
        raise AssertionError("FastRTC has no marks")


def masked(message: str) -> bytes:
    """A client's text frame, ready to be sent (RFC 6455, 5.2). Many may send the same bytes."""
    return bytes(Frame(Opcode.TEXT, message.encode()).serialize(mask=True))
