"""Before a call on ``/ws/voicebot/`` is admitted: its start has to bring a token, soon. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from accounts.admission import NotAdmitted

from .protocols.base import Frame, ProtocolError
from .protocols.voicebot_start import read_start

# Twilio and Exotel send "connected", then "start", then audio.
FRAMES = 20
FRAME_CHARS = 8_000
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """What a socket's address says, beside where it leads."""

    rate: str | None = None
    token: str = ""

    @classmethod
    def of(cls, scope: Mapping[str, object], token: str = "") -> Address:
        """``token`` is the one in the path; one in the query comes first."""
        raw = scope.get("query_string") or b""
        assert isinstance(raw, bytes)
        query = parse_qs(raw.decode("latin-1"))
        rates = [*query.get("sample-rate", ()), *query.get("sample_rate", ()), None]
        return cls(rates[0], query.get("token", [token])[0])


@dataclass(slots=True)
class Door:
    """Takes the first frames of somebody who is not admitted yet."""

    address: Address
    _frames: int = field(default=0, init=False)

    def knock(self, frame: Frame) -> tuple[str, str] | None:
        """The token, and the id of the call that it came with; None: not yet.

        Raises ``ProtocolError`` for what cannot be read, ``NotAdmitted`` for too much of it.
        """
        self._frames += 1
        if len(frame) > FRAME_CHARS:
            raise ProtocolError("too_big", "The frame is too big before the call is admitted.")
        start = read_start(frame, self.address.rate)
        if start is None:
            if self._frames == FRAMES:
                raise NotAdmitted("A start with a token has to come first.", 4401)
            return None
        return start.custom.token or self.address.token, start.call
