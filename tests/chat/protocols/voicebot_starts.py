"""How calls of the three dialects begin, as their senders write it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

CONNECTED: Json = {"event": "connected", "protocol": "Call", "version": "1.0.0"}

VOICEBOT: Json = {"event": "start", "start": {"call_sid": "test", "stream_sid": "test"}}


def exotel(**start: Any) -> Json:
    """Exotel's start, with other fields in it."""
    body = {
        "stream_sid": "stream-1",
        "call_sid": "call-1",
        "account_sid": "account-1",
        "from": "+911",
        "to": "+912",
        "custom_parameters": {},
        "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"},
    }
    return {"event": "start", "sequence_number": 1, "stream_sid": "stream-1", "start": body | start}


def twilio(**start: Any) -> Json:
    """Twilio's start, with other fields in it."""
    body = {
        "accountSid": "AC1",
        "streamSid": "MZ1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {},
    }
    return {"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": body | start}


EXOTEL = exotel()
TWILIO = twilio()
