"""The session's way out: what one event led to, in order, and whether there is still a client."""

from __future__ import annotations

from . import effects as do
from . import messages as msg
from .effects import Effect

# The close code of a service that restarts, by RFC 6455's registry.
RESTARTS = 1012


class Line:
    def __init__(self) -> None:
        self.now = 0.0
        self.gone = False
        self.closing = False
        self._effects: list[Effect] = []

    def begin(self, now: float) -> list[Effect]:
        """A new event is taken at ``now``; its effects will be in the list returned."""
        self.now = now
        self._effects = []
        return self._effects

    @property
    def live(self) -> bool:
        return not (self.gone or self.closing)

    def do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def send(self, message: msg.Message) -> None:
        """Tell the client, as long as there is one."""
        if self.live:
            self.do(do.Send(message))

    def close(self, code: int) -> None:
        """Close the socket when all before has been written."""
        if self.live:
            self.do(do.Close(code))
            self.closing = True
