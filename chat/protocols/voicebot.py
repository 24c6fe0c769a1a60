"""One address, three dialects: the ``start`` of a call tells which of them its sender speaks."""

from __future__ import annotations

from .base import Frame, Protocol
from .media_stream import MediaStream
from .voicebot_dialects import Exotel, Twilio, VoiceBot
from .voicebot_start import Dialect, read_start

_DIALECTS: dict[Dialect, type[MediaStream]] = {
    "voicebot": VoiceBot,
    "exotel": Exotel,
    "twilio": Twilio,
}


def choose(frame: Frame, rate: str | None = None) -> Protocol | None:
    """The protocol of a call that starts with ``frame``; None as long as it has not started.

    ``rate`` is what the socket's address asked for (``?sample-rate=``). Raises ``ProtocolError``.
    """
    start = read_start(frame, rate)
    return None if start is None else _DIALECTS[start.dialect](start)
