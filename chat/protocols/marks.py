"""Marks behind the audio of a reply: the client sends each back when playback has reached it."""

from __future__ import annotations

from ..events import Played

# A client need not send them back; those of so much audio (3 min in pieces of 200 ms) are remembered.
REMEMBERED = 1_000


class Marks:
    def __init__(self) -> None:
        self._made = 0
        # By name, in order of playback.
        self._pending: dict[str, Played] = {}

    def after(self, reply: str, ms: float) -> str:
        """The name of a new mark behind the first ``ms`` of a reply's audio."""
        self._made += 1
        name = str(self._made)
        self._pending[name] = Played(reply, ms)
        if len(self._pending) > REMEMBERED:
            del self._pending[next(iter(self._pending))]
        return name

    def reached(self, name: str | None) -> Played | None:
        """What has been played when this mark comes back; None for one that is not awaited.

        Those before it have been passed, too.
        """
        if name not in self._pending:
            return None
        while next(iter(self._pending)) != name:
            del self._pending[next(iter(self._pending))]
        return self._pending.pop(name)

    def clear(self) -> None:
        """What was not played will not be; marks that come back all the same mean nothing.

        Twilio sends them all back after a clear, others none.
        """
        self._pending.clear()
