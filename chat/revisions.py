"""What the client has been told of its conversation, and how a gap is noticed."""

from __future__ import annotations

import msgspec

from . import effects as do
from . import events as ev
from . import messages as msg
from .line import Line


class Revisions:
    """``rev`` is the revision of the conversation up to which the client knows everything."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.rev = 0

    def own(self, rev: int, changes: int) -> None:
        """A change of ours made it ``rev``; with more than ``changes`` new, others changed too."""
        if rev - changes > self.rev:
            self._line.do(do.CatchUp(self.rev))
        self.rev = max(self.rev, rev)

    def followed(self, message: msg.Message) -> None:
        """Something was told on another socket of the conversation."""
        if isinstance(message, msg.ReplyStart):
            # Spoken it is there, not here.
            self._line.send(msgspec.structs.replace(message, voice=None))
        elif not isinstance(message, msg.TurnChanged | msg.ReplyEnd):
            self._line.send(message)
        elif message.rev in {self.rev, self.rev + 1}:
            self.rev = message.rev
            self._line.send(message)
        elif message.rev > self.rev:
            self._line.do(do.CatchUp(self.rev))

    def caught_up(self, event: ev.CaughtUp) -> None:
        self.rev = max(self.rev, event.rev)
        for turn in event.turns:
            self._line.send(msg.TurnChanged(turn, turn.rev))
